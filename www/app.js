// The demo page: reads the forms, drives one Connection, and says next to each form how it went.

import { mode, post } from "./api.js";
import { Connection } from "./connection.js";
import { byId, clock, element, say, warn } from "./dom.js";
import { faultButtons } from "./faults.js";
import { Groups } from "./groups.js";
import { Inspector } from "./inspector.js";
import { showGap, showMessage } from "./messages.js";

const MODES = { emulator: "Local emulator", azure: "Azure Web PubSub", unconfigured: "Not configured" };
const NOT_CONFIGURED = "Press Connect, and the Worker says what to set.";
const SESSION_HELP = "Paste a session above. “cargo xtask session” makes one.";
const SOCKET_HELP =
  "Check host and key in AZURE_WEBPUBSUB_CONNECTION_STRING, and that connect-src in www/_headers allows this host.";
const STATES = {
  disconnected: "Disconnected",
  connecting: "Connecting",
  connected: "Connected",
  recovering: "Recovering",
  reconnecting: "Retrying",
};
const NONE = "–";

const inspector = new Inspector(byId("frames"), byId("frame-count"));
const groups = new Groups(byId("group-list"), toggleGroup);
const connection = new Connection(negotiate);
let granted = [];
let expiresOn;
let connectionId;
let runsOnAzure = false;

connection.addEventListener("state", ({ detail }) => showState(detail));
connection.addEventListener("connected", ({ detail }) => onConnected(detail));
connection.addEventListener("message", ({ detail }) => showMessage(byId("messages"), detail));
connection.addEventListener("lost-group", ({ detail }) => setGroup(detail, "forbidden"));
connection.addEventListener("frame", ({ detail }) => inspector.addFrame(detail));
onSubmit("connect", connect);
byId("disconnect-button").addEventListener("click", disconnect);
onSubmit("join", () => toggleGroup(byId("any-group").value, false));
onSubmit("send", send);
byId("to").addEventListener("change", showHowToSkip);
byId("session").addEventListener("input", () => byId("session").removeAttribute("aria-invalid"));
byId("pause").addEventListener("click", togglePause);
byId("clear").addEventListener("click", () => inspector.clear());
byId("faults").append(...faultButtons(breakIt));
setInterval(showTimes, 250);
begin();

/** A reloaded tab keeps its name and groups. With the emulator it also connects again by itself. */
async function begin() {
  const { name = "", asked = "", resume = false } = history.state ?? {};
  suggest("name", name);
  suggest("groups", asked);
  const current = await mode().catch(() => "unreachable");
  byId("mode").textContent = MODES[current] ?? "Worker unreachable";
  if (current === "unconfigured") say(byId("connect-note"), NOT_CONFIGURED, "not_configured");
  runsOnAzure = current === "azure";
  if (runsOnAzure) askForSession();
  // Shown until it is known to be no use, so that nothing moves where it is.
  byId("break").hidden = current !== "emulator";
  if (current !== "emulator") return;
  suggest("name", `guest-${100 + Math.floor(Math.random() * 900)}`);
  suggest("groups", "lobby, builders");
  if (resume && connection.state === "disconnected") connect();
}

/** A field that somebody is in, or has filled, is theirs. */
function suggest(id, value) {
  const field = byId(id);
  if (document.activeElement !== field) field.value ||= value;
}

/** Errors of `start` are shown by `showState`, which also hears of those that end a reconnect. */
function connect() {
  if (connection.state !== "disconnected") return; // Enter in a field that is read-only now.
  remember({ resume: true });
  byId("session").removeAttribute("aria-invalid");
  connection.start().catch(() => {});
}

function disconnect() {
  remember({ resume: false });
  connection.stop();
}

function remember({ resume }) {
  history.replaceState({ name: byId("name").value, asked: byId("groups").value, resume }, "");
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
  showTimes();
  return answer.url;
}

/** The client joins the groups again that it was in. */
function onConnected({ userId, connectionId: id, mayHaveMissedMessages }) {
  connectionId = id;
  byId("fact-user").textContent = userId || "anonymous";
  byId("fact-connection").textContent = id;
  byId("fact-connection").title = id;
  for (const group of granted) if (!groups.names.includes(group)) setGroup(group, "granted");
  if (mayHaveMissedMessages) showGap(byId("messages"));
}

function toggleGroup(group, isJoined) {
  return attempt(byId("join-note"), async () => {
    checkConnected();
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
    const outcome = await (group ? sendToGroup(group, text, skip) : broadcast(text, skip));
    if (byId("text").value === text) byId("text").value = "";
    return outcome;
  });
}

async function sendToGroup(group, text, skip) {
  checkConnected();
  await connection.sendToGroup(group, text, { noEcho: skip });
  const member = groups.joined.includes(group);
  return member ? "The service acknowledged it." : "Acknowledged. You are not in this group, so you see no copy.";
}

async function broadcast(message, skip) {
  const connected = connection.state === "connected";
  await callWorker("/broadcast", { message, excluded: skip && connected ? [connectionId] : undefined });
  if (connected) return "The Worker accepted the broadcast.";
  const unused = skip ? " “Skip this tab” has no effect then." : "";
  return `Accepted. This tab is not connected, so it shows no copy.${unused}`;
}

/** While it recovers, what is sent waits for the connection. */
function checkConnected() {
  if (connection.state === "disconnected") throw new Error("Connect first.");
  if (connection.state !== "connected" && connection.state !== "recovering") {
    throw new Error("There is no connection yet. Try again once there is.");
  }
}

/** The emulator does it to this connection only. */
function breakIt(fault) {
  return attempt(byId("break-note"), async () => {
    checkConnected();
    await callWorker("/_emulator/faults", { ...fault, connectionId });
    return "Done. Watch the state and the frames.";
  });
}

function callWorker(path, body) {
  return post(path, body, {
    session: byId("session").value.trim(),
    onRequest: () => inspector.add("sent", "POST", path, body),
    onResponse: (status, answer) => inspector.addAnswer(status, path, answer),
  });
}

async function attempt(note, action) {
  try {
    say(note, await action());
  } catch (error) {
    say(note, error.message, error.name);
    help(error);
  }
}

/** In production a session comes first. */
function askForSession() {
  byId("name").placeholder = "from the session";
  byId("session").placeholder = "paste a session";
  say(byId("connect-note"), SESSION_HELP);
}

/** What to do about an error goes where it can be done. */
function help({ name, message }) {
  if (name === "WebPubSubClientError" && runsOnAzure) say(byId("connect-note"), `${message} ${SOCKET_HELP}`, name);
  if (name !== "unauthorized") return;
  say(byId("connect-note"), `${message} ${SESSION_HELP}`, name);
  byId("session").setAttribute("aria-invalid", "true");
  byId("session").focus();
}

function showState({ state, reason, error, note: text }) {
  const note = byId("connect-note");
  byId("state").dataset.state = state;
  byId("state-word").textContent = STATES[state];
  showTimes();
  showConnectForm(state === "disconnected");
  groups.setConnected(state === "connected");
  if (state === "connected") showConnection(text);
  if (state === "recovering") warn(note, reason);
  if (state === "reconnecting") showLoss(reason);
  if (state === "disconnected") forgetConnection();
  if (state === "disconnected") say(note, reason, error?.name);
  if (error) help(error);
}

/** The button that appears takes the focus of the one that goes. */
function showConnectForm(disconnected) {
  const buttons = [byId("connect-button"), byId("disconnect-button")];
  const [shown, gone] = disconnected ? buttons : buttons.reverse();
  shown.hidden = false;
  if (document.activeElement === gone) shown.focus();
  gone.hidden = true;
  byId("name").readOnly = byId("groups").readOnly = !disconnected;
  byId("groups-hint").textContent = disconnected ? "Separate them with commas." : "Disconnect to change name or groups.";
}

function showConnection(text = "Connected. The URL is needed only to connect.") {
  say(byId("connect-note"), text);
  if (connectionId) byId("fact-connection").textContent = connectionId;
}

function showLoss(reason) {
  warn(byId("connect-note"), reason);
  if (connectionId) byId("fact-connection").replaceChildren(element("s", {}, connectionId));
}

function forgetConnection() {
  connectionId = undefined;
  expiresOn = undefined;
  for (const fact of ["fact-user", "fact-connection", "fact-expiry"]) byId(fact).textContent = NONE;
  byId("fact-connection").removeAttribute("title");
  groups.reset();
  showDestinations();
}

function showTimes() {
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
