// Operations by their numbers in the core's table: src/service/operation.rs.

// Constants of their own, and not of one object, because a minifier shortens only the names of those.
export const sendToAll = 0;
export const sendToGroup = 1;
export const sendToUser = 2;
export const sendToConnection = 3;
export const connectionExists = 4;
export const groupExists = 5;
export const userExists = 6;
export const checkPermission = 7;
export const grantPermission = 8;
export const revokePermission = 9;
export const closeConnection = 10;
export const closeAllConnections = 11;
export const closeGroupConnections = 12;
export const closeUserConnections = 13;
export const addConnectionToGroup = 14;
export const removeConnectionFromGroup = 15;
export const removeConnectionFromAllGroups = 16;
export const addUserToGroup = 17;
export const removeUserFromGroup = 18;
export const removeUserFromAllGroups = 19;
export const addConnectionsToGroups = 20;
export const removeConnectionsFromGroups = 21;
export const listConnectionsInGroup = 22;
export const generateClientToken = 23;
export const getServiceStatus = 24;

/** The names of the operations in their order, as the caller knows them. */
const NAMES = [
  "sendToAll",
  "sendToGroup",
  "sendToUser",
  "sendToConnection",
  "connectionExists",
  "groupExists",
  "userExists",
  "checkPermission",
  "grantPermission",
  "revokePermission",
  "closeConnection",
  "closeAllConnections",
  "closeGroupConnections",
  "closeUserConnections",
  "addConnectionToGroup",
  "removeConnectionFromGroup",
  "removeConnectionFromAllGroups",
  "addUserToGroup",
  "removeUserFromGroup",
  "removeUserFromAllGroups",
  "addConnectionsToGroups",
  "removeConnectionsFromGroups",
  "listConnectionsInGroup",
  "getClientAccessToken",
  "getServiceStatus",
] as const;

/** Returns the name of an operation, for the log and for errors. */
export function nameOf(operation: number): string {
  return NAMES[operation] ?? "";
}

/** A query, as `request` takes it: each parameter's letter followed by its value. */
export class Query {
  readonly fields: string[] = [];

  /** Adds a parameter for each value; undefined adds none. */
  add(parameter: string, values: string | readonly string[] | undefined): this {
    for (const value of typeof values === "string" ? [values] : (values ?? [])) {
      this.fields.push(parameter, value);
    }
    return this;
  }
}
