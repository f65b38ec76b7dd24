import { typeError } from "./errors.js";
import { text } from "./text.js";

/**
 * A role of a client token: what the client may do. `joinLeaveGroup` and `sendToGroup` are for every group, or for the
 * group whose name follows; `joinLeaveGroups` and `sendToGroups` are for the groups of a pattern.
 *
 * A misspelt role is a compile error. Roles that come from elsewhere as plain strings need a type assertion:
 * `names as WebPubSubRole[]`.
 *
 * @example
 * ```ts
 * import type { WebPubSubRole } from "webpubsub-edge";
 *
 * const granted: WebPubSubRole[] = ["webpubsub.joinLeaveGroup", "webpubsub.sendToGroup.news"];
 * ```
 */
export type WebPubSubRole =
  | `webpubsub.${"joinLeaveGroup" | "sendToGroup" | "setGroupState" | "getGroupState"}`
  | `webpubsub.${"joinLeaveGroup" | "sendToGroup" | "joinLeaveGroups" | "sendToGroups"}.${string}`;

const ROLE = /^webpubsub\.((joinLeaveGroup|sendToGroup|setGroupState|getGroupState)|(joinLeaveGroup|sendToGroup)s?\..+)$/s;

/** @internal Tells whether a role is one that this version knows. The service may know more. */
export function isKnownRole(role: string): role is WebPubSubRole {
  return ROLE.test(role);
}

/**
 * The roles of a client token, which cannot be misspelt this way. A group name stands for itself; without one the role
 * is for every group.
 *
 * @example
 * ```ts
 * client.getClientAccessTokenSync({ roles: [roles.joinLeaveGroup("news"), roles.sendToGroups("room.*")] });
 * ```
 */
export const roles = {
  /** To join and leave a group, or every group. */
  joinLeaveGroup: (group?: string): WebPubSubRole => role("webpubsub.joinLeaveGroup", group),
  /** To send to a group, or to every group. */
  sendToGroup: (group?: string): WebPubSubRole => role("webpubsub.sendToGroup", group),
  /** To join and leave the groups of a pattern: `?` is one character but `.`, `*` many but `.`, `**` many. */
  joinLeaveGroups: (pattern: string): WebPubSubRole => wildcard("webpubsub.joinLeaveGroups", pattern),
  /** To send to the groups of a pattern. */
  sendToGroups: (pattern: string): WebPubSubRole => wildcard("webpubsub.sendToGroups", pattern),
  /** To set a state of its own in every group; no role for a single one is known. */
  setGroupState: (): WebPubSubRole => "webpubsub.setGroupState",
  /** To watch the states in every group. */
  getGroupState: (): WebPubSubRole => "webpubsub.getGroupState",
} as const;

/** An empty name must not become the role for every group. */
function role(name: "webpubsub.joinLeaveGroup" | "webpubsub.sendToGroup", group: string | undefined): WebPubSubRole {
  if (group === undefined) {
    return name;
  }
  if (text(group, "The group of a role", "ERR_ROLE") === "") {
    throw typeError("ERR_ROLE", "The group of a role is empty; leave it out to mean every group.");
  }
  return `${name}.${group}`;
}

function wildcard(name: "webpubsub.joinLeaveGroups" | "webpubsub.sendToGroups", pattern: string): WebPubSubRole {
  const stars = text(pattern, "The pattern of a role", "ERR_ROLE").replaceAll(/\\./gs, "").split("*").length - 1;
  if (pattern === "" || pattern.length > 1024 || stars > 5) {
    throw typeError("ERR_ROLE", "The pattern of a role must have 1 to 1024 characters and at most five *.");
  }
  return `${name}.${pattern}`;
}
