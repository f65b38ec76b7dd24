import { readOptions, type OptionNames } from "../read-options.js";
import { nameOf } from "./operations.js";
import type {
  CloseAllConnectionsOptions,
  CloseConnectionOptions,
  GenerateClientTokenOptions,
  HubSendToAllOptions,
  HubSendToConnectionOptions,
  HubSendToUserOptions,
  ListConnectionsOptions,
  OperationOptions,
  PermissionOptions,
  RequestOptions,
  TextMessage,
} from "./options.js";

type WithText<Options> = Options & Partial<TextMessage>;

export const OPERATION: OptionNames<OperationOptions> = {
  abortSignal: true,
  requestOptions: true,
  onResponse: true,
  tracingOptions: true,
  serializerOptions: true,
};

export const SEND_TO_ONE: OptionNames<WithText<HubSendToConnectionOptions>> = {
  contentType: true,
  messageTtlSeconds: true,
  ...OPERATION,
};

export const SEND_TO_USER: OptionNames<WithText<HubSendToUserOptions>> = { filter: true, ...SEND_TO_ONE };

export const SEND_TO_MANY: OptionNames<WithText<HubSendToAllOptions>> = { excludedConnections: true, ...SEND_TO_USER };

export const CLOSE_ONE: OptionNames<CloseConnectionOptions> = { reason: true, ...OPERATION };

export const CLOSE_MANY: OptionNames<CloseAllConnectionsOptions> = { excluded: true, ...CLOSE_ONE };

export const PERMISSION: OptionNames<PermissionOptions> = { targetName: true, ...OPERATION };

export const LIST: OptionNames<ListConnectionsOptions> = {
  maxPageSize: true,
  top: true,
  continuationToken: true,
  ...OPERATION,
};

export const CLIENT_TOKEN: OptionNames<GenerateClientTokenOptions> = {
  userId: true,
  roles: true,
  groups: true,
  expirationTimeInMinutes: true,
  expiresAt: true,
  claims: true,
  jwtHeader: true,
  clientProtocol: true,
  ...OPERATION,
};

const REQUEST: OptionNames<RequestOptions> = {
  timeout: true,
  totalTimeout: true,
  customHeaders: true,
  onUploadProgress: true,
  onDownloadProgress: true,
  shouldDeserialize: true,
  allowInsecureConnection: true,
};

/** Copies the options of an operation, and its `requestOptions`. Refuses unknown ones: see `readOptions`. */
export function readCall<Options extends OperationOptions>(
  given: Options | null | undefined,
  names: OptionNames<Options>,
  operation: number,
): Options {
  const options = readOptions(given, names, nameOf(operation));
  if (options.requestOptions !== undefined) {
    options.requestOptions = readOptions(options.requestOptions, REQUEST, "requestOptions");
  }
  return options;
}
