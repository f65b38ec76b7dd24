import { typeError } from "./errors.js";
import { Query } from "./operations.js";
import * as Parameter from "./parameters.js";
import type { CloseAllConnectionsOptions, HubSendToAllOptions, PermissionOptions } from "./options.js";
import { kindOf, text, texts } from "./text.js";

/** The query of a send. */
export function sendQuery(options: HubSendToAllOptions): Query {
  const { excludedConnections, filter, messageTtlSeconds } = options;
  if (messageTtlSeconds !== undefined && typeof messageTtlSeconds !== "number") {
    throw typeError("ERR_ARGUMENT_TYPE", `messageTtlSeconds must be a number, not ${kindOf(messageTtlSeconds)}.`);
  }
  return new Query()
    .add(Parameter.excluded, texts(excludedConnections, "excludedConnections", "ERR_CONNECTION_ID"))
    .add(Parameter.filter, optional(filter, "filter"))
    .add(Parameter.messageTtlSeconds, messageTtlSeconds === undefined ? undefined : String(messageTtlSeconds));
}

/** The query of closing connections. */
export function closeQuery(options: CloseAllConnectionsOptions): Query {
  const { excluded, reason } = options;
  return new Query()
    .add(Parameter.excluded, texts(excluded, "excluded", "ERR_CONNECTION_ID"))
    .add(Parameter.reason, optional(reason, "reason"));
}

/** The query of an operation on permissions. */
export function permissionQuery({ targetName }: PermissionOptions): Query {
  return new Query().add(Parameter.targetName, targetName === undefined ? undefined : text(targetName, "targetName", "ERR_GROUP"));
}

function optional(value: unknown, what: string): string | undefined {
  return value === undefined ? undefined : text(value, what, "ERR_ARGUMENT_TYPE");
}
