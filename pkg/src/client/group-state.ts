import { checkText } from "./checks.js";
import type { GroupStateItem, GroupStateSnapshotMessage, GroupStateUpdateMessage } from "./messages.js";

/** The states that the connections of a group keep, as they are now. `subscribeGroupState` gives one. */
export interface GroupState {
  readonly groupName: string;
  /** The states by connection id, without those that were cleared. */
  readonly items: ReadonlyMap<string, GroupStateItem>;
  /** Calls back after every change, with the items that came; gives what stops that. */
  onChange(listener: (items: readonly GroupStateItem[]) => unknown): () => void;
  /** Ends the subscription. */
  close(): Promise<void>;
}

/** How many cleared states are remembered, so that an older one that comes late does not bring them back. */
const MAX_CLEARED = 200;

/** Keeps the states of a group: an older one never replaces a newer one. */
export class GroupStateView implements GroupState {
  declare readonly groupName: string;
  declare readonly close: () => Promise<void>;
  readonly #known = new Map<string, GroupStateItem>();
  /** By which sockets updates came. A snapshot that lacks what came by the same socket may be older. */
  #sockets = new WeakMap<GroupStateItem, number>();
  readonly #listeners = new Set<(items: readonly GroupStateItem[]) => unknown>();
  readonly #onFailure: (error: unknown) => void;

  constructor(groupName: string, close: () => Promise<void>, onFailure: (error: unknown) => void) {
    this.groupName = groupName;
    this.close = close;
    this.#onFailure = onFailure;
  }

  get items(): ReadonlyMap<string, GroupStateItem> {
    return new Map([...this.#known].filter(([, { state }]) => state));
  }

  onChange(listener: (items: readonly GroupStateItem[]) => unknown): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** The subscription before this one has ended: what came so far was of that. */
  acknowledged(): void {
    this.#sockets = new WeakMap();
  }

  received({ kind, items }: GroupStateSnapshotMessage | GroupStateUpdateMessage, socket: number): void {
    const known = this.#known;
    const sockets = this.#sockets;
    const isUpdate = kind === "groupStateUpdate";
    const named = new Set<string>();
    const news: GroupStateItem[] = [];
    for (const item of items) {
      const { connectionId, updatedAt } = item;
      checkText(connectionId);
      named.add(connectionId);
      if (known.get(connectionId)?.updatedAt! >= updatedAt) continue;
      news.push(item);
      known.set(connectionId, item);
      if (isUpdate) sockets.set(item, socket);
    }
    for (const [id, item] of isUpdate ? [] : known) {
      if (!named.has(id) && sockets.get(item) !== socket) known.delete(id);
    }
    const cleared = [...known.values()].filter(({ state }) => !state).sort((a, b) => a.updatedAt - b.updatedAt);
    for (const { connectionId } of cleared.slice(0, -MAX_CLEARED)) known.delete(connectionId);
    // In a function, so that what it throws at once is a rejection too.
    for (const listener of this.#listeners) (async () => listener(news))().catch(this.#onFailure);
  }
}
