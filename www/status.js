// The state of the connection as the page shows it: one word, why, for how long, and the last close of a socket.

import { byId, clock, element, say, warn } from "./dom.js";

const WORDS = {
  disconnected: "Disconnected",
  connecting: "Connecting",
  connected: "Connected",
  recovering: "Recovering",
  reconnecting: "Retrying",
};
const NONE = "–";

export class Status {
  state = "disconnected";
  #lostAt; // When it was connected last, unless it is.
  #connectionId;
  #expiresOn;

  constructor() {
    setInterval(() => this.#showExpiry(), 250);
  }

  connecting() {
    this.#enter("connecting");
    say(byId("connect-note"), "The Worker mints a client URL, and this page opens it.");
  }

  minted(expiresOn) {
    this.#expiresOn = new Date(expiresOn);
    this.#showExpiry();
  }

  connected({ connectionId, userId, mayHaveMissedMessages }) {
    this.#connectionId = connectionId;
    show("fact-user", userId || "anonymous");
    show("fact-connection", connectionId);
    const anew = `A new connection after ${this.#lasted()}. Messages may be missing.`;
    say(byId("connect-note"), mayHaveMissedMessages ? anew : "Connected. The URL is needed only to connect.");
    this.#enter("connected");
  }

  recovering(ending) {
    this.#lose("recovering", ending, "Getting it back.");
  }

  recovered() {
    say(byId("connect-note"), `Recovered after ${this.#lasted()}: the same connection, and nothing was lost.`);
    this.#enter("connected");
  }

  /** `message` is what the service said before it closed the socket. */
  reconnecting({ message, ...ending }) {
    this.#lose("reconnecting", ending, "Making a new one.", message?.message);
    byId("fact-connection").replaceChildren(element("s", {}, this.#connectionId));
  }

  /** While the connection is lost, this is an attempt to come back that failed, and more will follow. */
  failed(error) {
    if (this.#lostAt === undefined) return console.error(error);
    warn(byId("connect-note"), `${error.message} Trying again.`);
  }

  /** `error` says why; without, it was wished for. */
  disconnected(ending, error) {
    this.#lostAt = this.#expiresOn = undefined;
    for (const fact of ["fact-user", "fact-connection", "fact-expiry"]) show(fact, NONE);
    if (ending.code) show("fact-close", named(ending));
    say(byId("connect-note"), error?.message ?? "Stopped by the page.", error?.name);
    this.#enter("disconnected");
  }

  #lose(state, ending, next, said) {
    this.#lostAt ??= performance.now();
    show("fact-close", named(ending));
    warn(byId("connect-note"), `${said ?? why(ending)} ${next}`);
    this.#enter(state);
  }

  #enter(state) {
    this.state = state;
    if (state === "connected") this.#lostAt = undefined;
    byId("state").dataset.state = state;
    byId("state-word").textContent = WORDS[state];
    this.#showForm(state === "disconnected");
  }

  /** The button that appears takes the focus of the one that goes. */
  #showForm(disconnected) {
    const buttons = [byId("connect-button"), byId("disconnect-button")];
    const [shown, gone] = disconnected ? buttons : buttons.reverse();
    shown.hidden = false;
    if (document.activeElement === gone) shown.focus();
    gone.hidden = true;
    byId("name").readOnly = byId("groups").readOnly = !disconnected;
    byId("groups-hint").textContent = disconnected ? "Separate them with commas." : "Disconnect to change name or groups.";
  }

  #lasted() {
    const ms = performance.now() - this.#lostAt;
    return ms < 1_000 ? `${Math.round(ms)} ms` : `${(ms / 1_000).toFixed(1)} s`;
  }

  #showExpiry() {
    if (!this.#expiresOn) return;
    const seconds = Math.round((this.#expiresOn - Date.now()) / 1_000);
    const left = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")} left`;
    byId("fact-expiry").textContent = `${clock(this.#expiresOn)} · ${seconds > 0 ? left : "expired"}`;
  }
}

function show(fact, text) {
  byId(fact).textContent = text;
  byId(fact).title = text === NONE ? "" : text; // It may be cut off.
}

/** What is known of the end of a socket. A code is absent when this side gave the socket up. */
function named({ code, reason }) {
  return code === undefined ? "given up: it was silent" : [code, reason].filter(Boolean).join(" ");
}

function why({ code, reason }) {
  if (code === undefined) return "No sign of life from the service.";
  if (code === 1006) return "The connection broke (1006).";
  return `Closed with ${code}${reason ? `: ${reason}` : "."}`;
}
