export {
  AzureKeyCredential,
  type AccessToken,
  type GetTokenOptions,
  type TokenCredential,
} from "./credentials.js";
export { ClientAssertionCredential, ClientSecretCredential, type EntraCredentialOptions } from "./entra.js";
export { AbortError, isRestError, RestError, WebPubSubError, type WebPubSubErrorCode } from "./errors.js";
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
  IgnoredCallOptions,
  IgnoredClientOptions,
  IgnoredRequestOptions,
  JSONTypes,
  ListConnectionsOptions,
  OperationOptions,
  Permission,
  PermissionOptions,
  RawResponse,
  RequestOptions,
  RetryOptions,
  SendOptions,
  TextMessage,
  WebPubSubServiceClientOptions,
} from "./options.js";
export type { PagedAsyncIterableIterator, PagedListing, PageOf, PageSettings } from "./paging.js";
export { roles, type WebPubSubRole } from "./roles.js";
