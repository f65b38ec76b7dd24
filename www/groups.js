// The list of groups: one row each, with its state and the button that joins or leaves.

import { element } from "./dom.js";

const WORDS = { granted: "Not joined", joined: "Joined", forbidden: "Forbidden" };

export class Groups {
  #list;
  #onToggle;
  #isConnected = false;
  #rows = new Map(); // From the group's name to its row, so that a change keeps the focus.

  /** `onToggle(group, isJoined)` is called when a row's button is pressed. */
  constructor(list, onToggle) {
    this.#list = list;
    this.#onToggle = onToggle;
  }

  get names() {
    return [...this.#rows.keys()];
  }

  get joined() {
    return this.names.filter((group) => this.#rows.get(group).state === "joined");
  }

  /** Shows those that are asked for, and keeps the joined ones: the client joins them again by itself. */
  ask(names) {
    for (const [group, { item, state }] of this.#rows) {
      if (state === "joined" || names.includes(group)) continue;
      item.remove();
      this.#rows.delete(group);
    }
    for (const group of names) if (!this.joined.includes(group)) this.set(group, "granted");
  }

  /** `state` is "granted" (and not joined), "joined" or "forbidden". */
  set(group, state) {
    const row = this.#rows.get(group) ?? this.#add(group);
    row.state = state;
    this.#show(group, row);
  }

  /** Without a connection nobody is a member: a joined group waits to be joined again. */
  setConnected(isConnected) {
    this.#isConnected = isConnected;
    for (const [group, row] of this.#rows) this.#show(group, row);
  }

  /** A button that can do nothing keeps the focus, and says what is missing when it is pressed. */
  #show(group, { item, status, button, state }) {
    const waits = state === "joined" && !this.#isConnected;
    const verb = state === "joined" ? "Leave" : "Join";
    status.textContent = waits ? "Rejoins later" : WORDS[state];
    item.dataset.state = waits ? "waiting" : state;
    button.textContent = verb;
    button.ariaLabel = `${verb} ${group}`;
    button.ariaDisabled = String(!this.#isConnected);
  }

  #add(group) {
    const name = element("span", { className: "group-name", title: group }, group);
    const status = element("span", { className: "group-status" });
    const button = element("button", { type: "button", className: "small" });
    const item = element("li", {}, name, status, button);
    const row = { item, status, button, state: "granted" };
    button.addEventListener("click", () => this.#onToggle(group, row.state === "joined"));
    this.#rows.set(group, row);
    this.#list.append(item);
    return row;
  }
}
