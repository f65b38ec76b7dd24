// The demo page: reads the forms, drives one WebSocket client, and says next to each form how it went.

import { call, mode } from "./api.js";
import { createClient, told } from "./client.js";
import { byId, element, keepEnd, say } from "./dom.js";
import { FaultPanel } from "./faults.js";
import { Groups } from "./groups.js";
import { Inspector } from "./inspector.js";
import { showGap, showMessage } from "./messages.js";
import { Status } from "./status.js";

const MODES = { emulator: "Local emulator", azure: "Azure Web PubSub", unconfigured: "Not configured" };
const NOT_CONFIGURED = "Press Connect, and the Worker says what to set.";
const SESSION_HELP = "Paste a session above. “npx webpubsub-edge session” makes one.";
const SOCKET_HELP =
  "Check host and key in AZURE_WEBPUBSUB_CONNECTION_STRING, and that connect-src in www/_headers allows this host.";
/** What takes longer is told to take long. */
const PATIENCE_MS = 500;

const inspector = new Inspector(byId("frames"), byId("frame-count"));
const groups = new Groups(byId("group-list"), toggleGroup);
const status = new Status();
const client = createClient(negotiate, (direction, frame) => inspector.addFrame({ direction, frame }));
const faults = new FaultPanel(callWorker, connectionToBreak);
let connectionId; // The last one, also while it is lost.
let isEnding = false;
let failure; // Why it ends, when the page does not wish it.
let runsOnAzure = false;

client.on("connected", onConnected);
client.on("recovering", (ending) => onLost("recovering", ending));
client.on("recovered", onRecovered);
client.on("disconnected", (ending) => isEnding || onLost("reconnecting", ending));
client.on("error", ({ error }) => status.failed(told(error)));
client.on("stopped", (ending) => status.state !== "connecting" && onEnd(ending, failure));
client.on("group-message", ({ message }) => showMessage(byId("messages"), message));
client.on("server-message", ({ message }) => showMessage(byId("messages"), message));
client.on("rejoin-group-failed", ({ group }) => setGroup(group, "forbidden"));
keepEnd(byId("messages"));
keepEnd(byId("frames"));
onSubmit("connect", connect);
byId("disconnect-button").addEventListener("click", disconnect);
onSubmit("join", () => toggleGroup(byId("any-group").value, false));
onSubmit("send", send);
byId("to").addEventListener("change", showHowToSkip);
byId("session").addEventListener("input", () => byId("session").removeAttribute("aria-invalid"));
byId("pause").addEventListener("click", togglePause);
byId("clear").addEventListener("click", () => inspector.clear());
onSubmit("faults", () => attempt(byId("break-note"), () => faults.inject()));
byId("mend").addEventListener("click", () => attempt(byId("break-note"), () => faults.mend()));
begin();

/** A reloaded tab keeps its name and groups. With the emulator it also connects again by itself. */
async function begin() {
  const { name = "", asked = "", resume = false } = history.state ?? {};
  suggest("name", name);
  suggest("groups", asked);
  if (resume) showAskedGroups();
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
  if (resume && status.state === "disconnected") connect();
}

/** A field that somebody is in, or has filled, is theirs. */
function suggest(id, value) {
  const field = byId(id);
  if (document.activeElement !== field) field.value ||= value;
}

function connect() {
  if (status.state !== "disconnected") return; // Enter in a field that is read-only now.
  remember({ resume: true });
  byId("session").removeAttribute("aria-invalid");
  isEnding = false;
  failure = undefined;
  showAskedGroups();
  status.connecting();
  client.connect().catch((error) => onEnd({}, error.code === "ERR_STOPPED" ? undefined : told(error)));
}

function disconnect() {
  remember({ resume: false });
  stop();
}

function stop(error) {
  isEnding = true;
  failure = error;
  client.stop();
}

function remember({ resume }) {
  history.replaceState({ name: byId("name").value, asked: byId("groups").value, resume }, "");
}

/** At once, and not when the Worker has answered, so that nothing moves then. */
function showAskedGroups() {
  groups.ask(askedGroups());
  showDestinations();
}

function askedGroups() {
  return byId("groups").value.split(",").map((group) => group.trim()).filter(Boolean);
}

/** An empty name is left out: the user is then the one of the session, or anonymous without one. */
async function negotiate() {
  const userId = byId("name").value.trim() || undefined;
  const asked = askedGroups();
  const body = { userId, groups: asked.length > 0 ? asked : undefined };
  const { url, expiresOn } = await callWorker("POST", "/negotiate", body).catch((error) => {
    // At a start the client ends by itself.
    if (error.permanent && status.state !== "connecting") stop(error);
    throw error;
  });
  status.minted(expiresOn);
  return url;
}

/** The client has joined the groups again that it was in. */
function onConnected(args) {
  connectionId = args.connectionId;
  status.connected(args);
  groups.setConnected(true);
  faults.happened("connection");
  if (args.mayHaveMissedMessages) showGap(byId("messages"));
}

function onLost(state, ending) {
  const { code, reason } = ending;
  // 1006 stands for no close frame at all.
  if (code && code !== 1006) inspector.add("received", "close", String(code), { code, reason });
  status[state](ending);
  groups.setConnected(false);
}

function onRecovered() {
  status.recovered();
  groups.setConnected(true);
  faults.happened("connection");
}

function onEnd(ending, error) {
  connectionId = undefined;
  status.disconnected(ending, error);
  groups.setConnected(false);
  if (error) help(error);
}

function toggleGroup(group, isJoined) {
  return attempt(byId("join-note"), async () => {
    checkConnected();
    if (isJoined) {
      await client.leaveGroup(group);
      setGroup(group, "granted");
      return `Left ${group}.`;
    }
    if (!group.trim()) throw new Error("The name of a group cannot be blank.");
    await client.joinGroup(group).catch((error) => {
      if (told(error).name === "Forbidden") setGroup(group, "forbidden");
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
  await client.sendToGroup(group, text, "text", { noEcho: skip });
  const member = groups.joined.includes(group);
  return member ? "The service acknowledged it." : "Acknowledged. You are not in this group, so you see no copy.";
}

async function broadcast(message, skip) {
  const connected = status.state === "connected";
  const body = { message, excluded: skip && connected ? [connectionId] : undefined };
  await callWorker("POST", "/broadcast", body).finally(() => faults.happened("broadcast"));
  if (connected) return "The Worker accepted the broadcast.";
  const unused = skip ? " “Skip this tab” has no effect then." : "";
  return `Accepted. This tab is not connected, so it shows no copy.${unused}`;
}

/** While it recovers, what is sent waits for the connection. */
function checkConnected() {
  if (status.state === "disconnected") throw new Error("Connect first.");
  if (status.state !== "connected" && status.state !== "recovering") {
    throw new Error("There is no connection yet. Try again once there is.");
  }
}

function connectionToBreak() {
  checkConnected();
  return connectionId;
}

function callWorker(method, path, body) {
  return call(method, path, body, {
    session: byId("session").value.trim(),
    onRequest: () => inspector.add("sent", method, path, body),
    onResponse: (status, answer) => inspector.addAnswer(status, path, answer),
  });
}

async function attempt(note, action) {
  const slow = setTimeout(() => say(note, "Waiting for the service."), PATIENCE_MS);
  try {
    const outcome = await action().finally(() => clearTimeout(slow));
    say(note, outcome);
  } catch (failed) {
    const error = told(failed);
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
