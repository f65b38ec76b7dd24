// The list of groups: one row each, with its state and the button that joins or leaves.

import { element } from "./dom.js";

const WORDS = { granted: "Not joined", joined: "Joined", forbidden: "Forbidden" };

export class Groups {
  #list;
  #onToggle;
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

  reset() {
    this.#rows.clear();
    this.#list.replaceChildren();
  }

  /** `state` is "granted" (and not joined), "joined" or "forbidden". */
  set(group, state) {
    const row = this.#rows.get(group) ?? this.#add(group);
    row.state = state;
    const verb = state === "joined" ? "Leave" : "Join";
    row.status.textContent = WORDS[state];
    row.item.dataset.state = state;
    row.button.textContent = verb;
    row.button.ariaLabel = `${verb} ${group}`;
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
