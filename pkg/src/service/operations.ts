// Operations and query parameters by their numbers and letters (a is 0) in the core's tables: src/service/operation.rs and parameter.rs.

export const Operation = {
  sendToAll: 0,
  sendToGroup: 1,
  sendToUser: 2,
  sendToConnection: 3,
  connectionExists: 4,
  groupExists: 5,
  userExists: 6,
  checkPermission: 7,
  grantPermission: 8,
  revokePermission: 9,
  closeConnection: 10,
  closeAllConnections: 11,
  closeGroupConnections: 12,
  closeUserConnections: 13,
  addConnectionToGroup: 14,
  removeConnectionFromGroup: 15,
  removeConnectionFromAllGroups: 16,
  addUserToGroup: 17,
  removeUserFromGroup: 18,
  removeUserFromAllGroups: 19,
  addConnectionsToGroups: 20,
  removeConnectionsFromGroups: 21,
  listConnectionsInGroup: 22,
  generateClientToken: 23,
  getServiceStatus: 24,
} as const;

export const Parameter = {
  excluded: "a",
  filter: "b",
  messageTtlSeconds: "c",
  reason: "d",
  targetName: "e",
  maxPageSize: "f",
  top: "g",
  continuationToken: "h",
  userId: "i",
  role: "j",
  minutesToExpire: "k",
  group: "l",
  clientType: "m",
} as const;

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
