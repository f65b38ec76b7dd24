// The demo page: reads the forms, drives one Connection, and says next to each form how it went.

import { mode, post } from "./api.js";
import { Connection } from "./connection.js";
import { byId, clock, element, say } from "./dom.js";
import { Groups } from "./groups.js";
import { Inspector } from "./inspector.js";
import { showMessage } from "./messages.js";

const MODES = { emulator: "Local emulator", azure: "Azure Web PubSub", unconfigured: "Not configured" };
const NOT_CONFIGURED = "Press Connect, and the Worker says what to set.";
const SESSION_HELP = "Paste a session above. “cargo xtask session” makes one.";
const NONE = "–";

const inspector = new Inspector(byId("frames"), byId("frame-count"));
const groups = new Groups(byId("group-list"), toggleGroup);
const connection = new Connection(negotiate);
let granted = [];
let expiresOn;
let connectionId;

connection.addEventListener("state", ({ detail }) => showState(detail));
connection.addEventListener("connected", ({ detail }) => onConnected(detail));
connection.addEventListener("message", ({ detail }) => showMessage(byId("messages"), detail));
connection.addEventListener("frame", ({ detail }) => inspector.addFrame(detail));
onSubmit("connect", toggleConnection);
byId("connect-button").addEventListener("click", disconnectOnly);
onSubmit("join", () => toggleGroup(byId("any-group").value, false));
onSubmit("send", send);
byId("to").addEventListener("change", showHowToSkip);
byId("session").addEventListener("input", () => byId("session").removeAttribute("aria-invalid"));
byId("pause").addEventListener("click", togglePause);
byId("clear").addEventListener("click", () => inspector.clear());
setInterval(showExpiry, 1_000);
begin();

/** A reloaded tab keeps its name and groups. With the emulator it also connects again by itself. */
async function begin() {
  const { name = "", asked = "", resume = false } = history.state ?? {};
  byId("name").value ||= name;
  byId("groups").value ||= asked;
  const current = await mode().catch(() => "unreachable");
  byId("mode").textContent = MODES[current] ?? "Worker unreachable";
  if (current === "unconfigured") say(byId("connect-note"), NOT_CONFIGURED, "not_configured");
  if (current === "azure") {
    byId("name").placeholder = "from the session";
    byId("session").placeholder = "paste a session";
    say(byId("connect-note"), SESSION_HELP);
  }
  if (current !== "emulator") return;
  byId("name").value ||= `guest-${100 + Math.floor(Math.random() * 900)}`;
  byId("groups").value ||= "lobby, builders";
  if (resume && connection.state === "disconnected") toggleConnection();
}

/** Errors of `start` are shown by `showState`, which also hears of those that end a reconnect. */
async function toggleConnection() {
  const connecting = connection.state === "disconnected";
  history.replaceState({ name: byId("name").value, asked: byId("groups").value, resume: connecting }, "");
  if (connecting) await connection.start().catch(askForSession);
  else connection.stop();
}

/** While connected the button submits nothing, so that Enter in a field cannot end the connection. */
function disconnectOnly(event) {
  if (connection.state === "disconnected") return;
  event.preventDefault();
  toggleConnection();
}

/** An empty name is left out: the user is then the one of the session, or anonymous without one. */
async function negotiate() {
  const asked = byId("groups").value.split(",").map((group) => group.trim()).filter(Boolean);
  const answer = await callWorker("/negotiate", {
    userId: byId("name").value.trim() || undefined,
    groups: asked.length > 0 ? asked : undefined,
  });
  granted = answer.groups;
  expiresOn = new Date(answer.expiresOn);
  showExpiry();
  return answer.url;
}

/** The service forgets a connection's groups when it ends, so a later connection joins them again. */
function onConnected({ userId, connectionId: id }) {
  connectionId = id;
  byId("fact-user").textContent = userId ?? "anonymous";
  byId("fact-connection").textContent = id;
  byId("fact-connection").title = id;
  for (const group of granted) if (!groups.names.includes(group)) setGroup(group, "granted");
  for (const group of groups.joined) toggleGroup(group, false);
}

function toggleGroup(group, isJoined) {
  return attempt(byId("join-note"), async () => {
    if (isJoined) {
      await connection.leaveGroup(group);
      setGroup(group, "granted");
      return `Left ${group}.`;
    }
    if (!group.trim()) throw new Error("The name of a group cannot be blank.");
    await connection.joinGroup(group).catch((error) => {
      if (error.name === "Forbidden") setGroup(group, "forbidden");
      throw error;
    });
    setGroup(group, "joined");
    if (byId("any-group").value === group) byId("any-group").value = "";
    return `Joined ${group}.`;
  });
}

function send() {
  const group = byId("to").value;
  const text = byId("text").value;
  const skip = byId("skip").checked;
  return attempt(byId("send-note"), async () => {
    if (group) await connection.sendToGroup(group, text, { noEcho: skip });
    else await callWorker("/broadcast", { message: text, excluded: skip && connectionId ? [connectionId] : undefined });
    if (byId("text").value === text) byId("text").value = "";
    if (!group && connection.state !== "connected") return "Accepted. This tab is not connected, so it shows no copy.";
    if (!group) return "The Worker accepted the broadcast.";
    const member = groups.joined.includes(group);
    return member ? "The service acknowledged it." : "Acknowledged. You are not in this group, so you see no copy.";
  });
}

function callWorker(path, body) {
  return post(path, body, {
    session: byId("session").value.trim(),
    onRequest: () => inspector.add("sent", "POST", path, body),
    onResponse: (status, answer) => inspector.add("received", status, path, answer),
  });
}

async function attempt(note, action) {
  try {
    say(note, await action());
  } catch (error) {
    say(note, error.message, error.name);
    askForSession(error);
  }
}

/** The Worker refused the session: say it where a session is entered, and go there. */
function askForSession(error) {
  if (error.name !== "unauthorized") return;
  say(byId("connect-note"), `${error.message} ${SESSION_HELP}`, error.name);
  byId("session").setAttribute("aria-invalid", "true");
  byId("session").focus();
}

function showState({ state, reason, retryInMs, error }) {
  const words = {
    disconnected: "Disconnected",
    connecting: "Connecting",
    connected: "Connected",
    reconnecting: `Retry in ${Math.ceil(retryInMs / 1_000)} s`,
  };
  byId("state").textContent = words[state];
  byId("state").dataset.state = state;
  byId("connect-button").type = state === "disconnected" ? "submit" : "button";
  byId("connect-button").textContent = state === "disconnected" ? "Connect" : "Disconnect";
  byId("connect-button").classList.toggle("primary", state === "disconnected");
  byId("name").readOnly = byId("groups").readOnly = state !== "disconnected";
  if (state === "connected") say(byId("connect-note"), "Connected. The URL is needed only to connect.");
  if (reason) say(byId("connect-note"), reason, error?.name);
  if (state === "disconnected") forgetConnection();
}

function forgetConnection() {
  connectionId = undefined;
  expiresOn = undefined;
  for (const fact of ["fact-user", "fact-connection", "fact-expiry"]) byId(fact).textContent = NONE;
  byId("fact-connection").removeAttribute("title");
  groups.reset();
  showDestinations();
}

function showExpiry() {
  if (!expiresOn) return;
  const seconds = Math.round((expiresOn - Date.now()) / 1_000);
  const left = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")} left`;
  byId("fact-expiry").textContent = `${clock(expiresOn)} · ${seconds > 0 ? left : "expired"}`;
}

function setGroup(group, state) {
  groups.set(group, state);
  showDestinations();
}

function showDestinations() {
  const chosen = byId("to").value;
  const [everyone] = byId("to").options;
  const options = groups.names.map((group) => element("option", { value: group }, `Group ${group}, over the socket`));
  byId("to").replaceChildren(everyone, ...options);
  if (groups.names.includes(chosen)) byId("to").value = chosen;
  showHowToSkip();
}

/** The socket and the REST call have different words for the same wish. */
function showHowToSkip() {
  byId("skip-name").textContent = byId("to").value ? "noEcho" : "excluded";
}

function togglePause() {
  const paused = byId("pause").getAttribute("aria-pressed") !== "true";
  byId("pause").setAttribute("aria-pressed", paused);
  inspector.pause(paused);
}

function onSubmit(id, action) {
  byId(id).addEventListener("submit", (event) => {
    event.preventDefault();
    action();
  });
}
