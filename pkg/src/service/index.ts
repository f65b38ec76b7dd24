export {
  AzureKeyCredential,
  type AccessToken,
  type GetTokenOptions,
  type TokenCredential,
} from "./credentials.js";
export { ClientAssertionCredential, ClientSecretCredential, type EntraCredentialOptions } from "./entra.js";
export { AbortError, RestError, WebPubSubError, type WebPubSubErrorCode } from "./errors.js";
export type { WebPubSubGroup } from "./group.js";
export { odata } from "./odata.js";
export type * from "./official-names.js";
export type {
  BinaryMessage,
  ClientAccessToken,
  CloseAllConnectionsOptions,
  CloseConnectionOptions,
  GenerateClientTokenOptions,
  GroupConnection,
  GroupSendToAllOptions,
  HubSendToAllOptions,
  HubSendToConnectionOptions,
  HubSendToUserOptions,
  JSONTypes,
  ListConnectionsOptions,
  OperationOptions,
  Permission,
  PermissionOptions,
  RawResponse,
  RetryOptions,
  SendOptions,
  TextMessage,
  WebPubSubServiceClientOptions,
} from "./options.js";
export type { PagedAsyncIterableIterator, PagedListing, PageOf, PageSettings } from "./paging.js";
export { roles } from "./roles.js";
