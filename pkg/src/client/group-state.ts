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
const MOST_CLEARED = 200;

/** Keeps the states of a group: an older one never replaces a newer one. */
export class GroupStateView implements GroupState {
  readonly groupName: string;
  readonly close: () => Promise<void>;
  readonly #known = new Map<string, GroupStateItem>();
  /** Whose state came by an update since the socket was opened. */
  readonly #updated = new Set<string>();
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

  /** The socket is gone: what the next snapshot does not name was cleared meanwhile, however new it was. */
  interrupted(): void {
    this.#updated.clear();
  }

  received({ kind, items }: GroupStateSnapshotMessage | GroupStateUpdateMessage): void {
    const known = this.#known;
    if (kind === "groupStateSnapshot") {
      // What it does not name is gone, unless it came by an update: the snapshot may be older than that.
      for (const id of known.keys()) if (!this.#updated.has(id)) known.delete(id);
    }
    for (const item of items) {
      const { connectionId, updatedAt } = item;
      if ((known.get(connectionId)?.updatedAt ?? -1) < updatedAt) known.set(connectionId, item);
      if (kind === "groupStateUpdate") this.#updated.add(connectionId);
    }
    const cleared = [...known.values()].filter(({ state }) => !state);
    for (const { connectionId } of cleared.slice(0, -MOST_CLEARED)) {
      known.delete(connectionId);
      this.#updated.delete(connectionId);
    }
    for (const listener of this.#listeners) {
      try {
        listener(items);
      } catch (error) {
        this.#onFailure(error);
      }
    }
  }
}
