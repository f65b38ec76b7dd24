import { typeError } from "./errors.js";
import { text } from "./text.js";

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
  joinLeaveGroup: (group?: string): string => role("webpubsub.joinLeaveGroup", group),
  /** To send to a group, or to every group. */
  sendToGroup: (group?: string): string => role("webpubsub.sendToGroup", group),
  /** To join and leave the groups of a pattern: `?` is one character but `.`, `*` many but `.`, `**` many. */
  joinLeaveGroups: (pattern: string): string => wildcard("webpubsub.joinLeaveGroups", pattern),
  /** To send to the groups of a pattern. */
  sendToGroups: (pattern: string): string => wildcard("webpubsub.sendToGroups", pattern),
  /** To set a state of its own in every group; no role for a single one is known. */
  setGroupState: (): string => "webpubsub.setGroupState",
  /** To watch the states in every group. */
  getGroupState: (): string => "webpubsub.getGroupState",
} as const;

/** An empty name must not become the role for every group. */
function role(name: string, group: string | undefined): string {
  if (group === undefined) {
    return name;
  }
  if (text(group, "The group of a role", "ERR_ROLE") === "") {
    throw typeError("ERR_ROLE", "The group of a role is empty; leave it out to mean every group.");
  }
  return `${name}.${group}`;
}

function wildcard(name: string, pattern: string): string {
  const stars = text(pattern, "The pattern of a role", "ERR_ROLE").replaceAll(/\\./gs, "").split("*").length - 1;
  if (pattern === "" || pattern.length > 1024 || stars > 5) {
    throw typeError("ERR_ROLE", "The pattern of a role must have 1 to 1024 characters and at most five *.");
  }
  return `${name}.${pattern}`;
}
