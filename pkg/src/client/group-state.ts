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

  received({ kind, items }: GroupStateSnapshotMessage | GroupStateUpdateMessage): void {
    const known = this.#known;
    if (kind === "groupStateSnapshot") {
      // What it does not name is gone, unless that came later than the snapshot was made.
      const made = Math.max(0, ...items.map(({ updatedAt }) => updatedAt));
      for (const [id, { updatedAt }] of known) if (updatedAt <= made || made === 0) known.delete(id);
    }
    for (const item of items) {
      const { connectionId, updatedAt } = item;
      if ((known.get(connectionId)?.updatedAt ?? -1) < updatedAt) known.set(connectionId, item);
    }
    const cleared = [...known.values()].filter(({ state }) => !state);
    for (const { connectionId } of cleared.slice(0, -MOST_CLEARED)) known.delete(connectionId);
    for (const listener of this.#listeners) {
      try {
        listener(items);
      } catch (error) {
        this.#onFailure(error);
      }
    }
  }
}
