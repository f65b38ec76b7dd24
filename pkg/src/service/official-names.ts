// The other names that @azure/web-pubsub has for types: moving over is one changed import line in typed code too.

import type {
  ClientAccessToken,
  CloseAllConnectionsOptions,
  CloseConnectionOptions,
  GenerateClientTokenOptions,
  GroupConnection,
  GroupSendToAllOptions,
  HubSendToAllOptions,
  HubSendToConnectionOptions,
  HubSendToUserOptions,
  ListConnectionsOptions,
  OperationOptions,
  PermissionOptions,
  TextMessage,
} from "./options.js";

/** The official name of {@link ClientAccessToken}. */
export type ClientTokenResponse = ClientAccessToken;

/** The official name of {@link OperationOptions}. */
export type GroupAddConnectionOptions = OperationOptions;

/** The official name of {@link OperationOptions}. */
export type GroupAddUserOptions = OperationOptions;

/** The official name of {@link CloseAllConnectionsOptions}. */
export type GroupCloseAllConnectionsOptions = CloseAllConnectionsOptions;

/** The official name of {@link OperationOptions}. */
export type GroupHasUserOptions = OperationOptions;

/** The official name of {@link ListConnectionsOptions}. */
export type GroupListConnectionsOptions = ListConnectionsOptions;

/** The official name of {@link OperationOptions}. */
export type GroupRemoveConnectionOptions = OperationOptions;

/** The official name of {@link OperationOptions}. */
export type GroupRemoveUserOptions = OperationOptions;

/** The official name of {@link GroupSendToAllOptions} and {@link TextMessage}. */
export type GroupSendTextToAllOptions = GroupSendToAllOptions & TextMessage;

/** The official name of {@link OperationOptions}. */
export type HasConnectionOptions = OperationOptions;

/** The official name of {@link CloseAllConnectionsOptions}. */
export type HubCloseAllConnectionsOptions = CloseAllConnectionsOptions;

/** The official name of {@link CloseConnectionOptions}. */
export type HubCloseConnectionOptions = CloseConnectionOptions;

/** The official name of {@link CloseAllConnectionsOptions}. */
export type HubCloseUserConnectionsOptions = CloseAllConnectionsOptions;

/** The official name of {@link PermissionOptions}. */
export type HubGrantPermissionOptions = PermissionOptions;

/** The official name of {@link OperationOptions}. */
export type HubHasGroupOptions = OperationOptions;

/** The official name of {@link PermissionOptions}. */
export type HubHasPermissionOptions = PermissionOptions;

/** The official name of {@link OperationOptions}. */
export type HubHasUserOptions = OperationOptions;

/** The official name of {@link CloseConnectionOptions}. */
export type HubRemoveUserFromAllGroupsOptions = CloseConnectionOptions;

/** The official name of {@link PermissionOptions}. */
export type HubRevokePermissionOptions = PermissionOptions;

/** The official name of {@link HubSendToAllOptions} and {@link TextMessage}. */
export type HubSendTextToAllOptions = HubSendToAllOptions & TextMessage;

/** The official name of {@link HubSendToConnectionOptions} and {@link TextMessage}. */
export type HubSendTextToConnectionOptions = HubSendToConnectionOptions & TextMessage;

/** The official name of {@link HubSendToUserOptions} and {@link TextMessage}. */
export type HubSendTextToUserOptions = HubSendToUserOptions & TextMessage;

/** The kinds of clients. */
export type WebPubSubClientProtocol = NonNullable<GenerateClientTokenOptions["clientProtocol"]>;

/** The official name of {@link GroupConnection}. */
export type WebPubSubGroupMember = GroupConnection;
