// Calls for both service clients: every operation, with arguments and options drawn from a seed.

import { random, nasty } from "./random.mjs";

/** What no name may be, or what cannot be sent. Our client refuses most of it; the official one sends it. */
const REFUSED_NAMES = ["", ".", "..", " \u2003", "a\udfffb"];
const OVERLONG = "x".repeat(1025);
const LONE_SURROGATE = "\ud800";

const ENDPOINTS = [
  "https://host.webpubsub.azure.com",
  "https://host.webpubsub.azure.com/",
  "https://HOST.example:8443",
  "https://host.example/base/path",
  "http://localhost:8080",
  "http://[::1]:8080",
];
const HUBS = ["hub", "Hub_1", "a`,.[]", "h" + "x".repeat(127)];
const KEYS = ["ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789ABCDEFGH", "k", "käy=+/==", "x".repeat(200)];

/**
 * A call is a client to make (`access`, `hub`, `options`) and what to do with it (`run`). `answers` are what the stub
 * answers, `args` say what the call was, and `names` are the names in it, each with its kind.
 */
export function generateCalls(seed, rounds) {
  const source = random(seed);
  return Object.entries(OPERATIONS).flatMap(([operation, make]) =>
    Array.from({ length: rounds }, () => {
      const names = [];
      const { args, run, answers = [{ status: 200 }], entra = false } = make(values(source, names));
      return { operation, args, run, answers, names, ...client(source, entra) };
    }),
  );
}

/** A client with an access key or, where the operation needs it, with tokens of Entra ID. */
function client({ pick, below }, entra) {
  const endpoint = pick(entra ? ENDPOINTS.filter((endpoint) => endpoint.startsWith("https:")) : ENDPOINTS);
  const key = pick(KEYS);
  const access = entra
    ? { endpoint, token: "entra.token.x" }
    : pick([{ endpoint, key }, { connectionString: `Endpoint=${endpoint};AccessKey=${key};Version=1.0;` }]);
  const proxy = below(16) === 0 && { reverseProxyEndpoint: pick(["https://proxy.example", "https://proxy.example:444/base/"]) };
  const hub = below(25) === 0 ? pick(["1hub", "a b", "", ".."]) : pick(HUBS);
  return { access, hub, options: { allowInsecureConnection: true, ...proxy } };
}

/** Arguments by kind. One in 12 names is one that must not be sent. */
function values(source, names) {
  const { below, pick, maybe } = source;
  const name = (kind) => {
    const text = below(12) === 0 ? pick([...REFUSED_NAMES, OVERLONG]) : nasty(source);
    names.push({ kind, text });
    return text;
  };
  const list = (kind, most) => Array.from({ length: below(most + 1) }, () => name(kind));
  const operation = () => maybe(() => ({ requestOptions: { customHeaders: CUSTOM_HEADERS } })) ?? {};
  return {
    ...source,
    list,
    operation,
    text: () => nasty(source),
    group: () => name("group"),
    user: () => name("user"),
    connection: () => name("connection"),
    permission: () => pick(["joinLeaveGroup", "sendToGroup"]),
    target: () => defined({ ...operation(), targetName: maybe(() => name("group")) }),
    closing: () => defined({ ...operation(), reason: maybe(() => nasty(source)), excluded: maybe(() => list("connection", 4)) }),
    message: () => message(source),
    sending: ({ excluded = false, filter = false }) =>
      defined({
        ...operation(),
        messageTtlSeconds: maybe(() => pick([0, 1, 60, 300, 301, -1, 1.5])),
        filter: filter ? maybe(() => pick([nasty(source), "", "userId eq 'a'"])) : undefined,
        excludedConnections: excluded ? maybe(() => list("connection", 4)) : undefined,
      }),
  };
}

const CUSTOM_HEADERS = { traceparent: "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", "X-Mixed-Case": "a, b" };

/** An option that is there and undefined is not what is compared here. */
function defined(object) {
  return Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined));
}

/** A message, and the content type that it needs. */
function message(source) {
  const { below, pick } = source;
  const text = nasty(source);
  const bytes = Uint8Array.from({ length: below(40) }, () => below(256));
  return pick([
    () => [text, { contentType: "text/plain" }],
    () => ["", { contentType: "text/plain" }],
    () => [text, {}],
    () => [LONE_SURROGATE, pick([{}, { contentType: "text/plain" }])],
    () => [{ [text]: [text, 1, -0, 1.5e300, true, null, { deep: {} }], skipped: undefined }, {}],
    () => [pick([0, -1.5, true, false, [], {}, [[]], new Date(0)]), {}],
    () => [null, {}],
    () => [bytes, {}],
    () => [bytes.buffer, {}],
    () => [new DataView(bytes.buffer, bytes.length >> 1), {}],
    () => [new Uint16Array(bytes.buffer, 0, bytes.length >> 1), {}],
    () => [Buffer.from(bytes), {}],
    () => [new Blob([bytes, text]), {}],
    () => [new Blob([bytes], { type: "image/png" }), {}],
    // A stream is read once: both clients get one of their own.
    () => [() => new Blob([bytes]).stream(), {}],
    () => [pick([undefined, Symbol("s")]), {}],
    () => [pick([1, null, {}]), { contentType: "text/plain" }],
  ])();
}

/** Every operation of the REST API, by its name there, and the minting that sends nothing. */
const OPERATIONS = {
  sendToAll: (v) => send(v, v.sending({ excluded: true, filter: true }), (...rest) => method("sendToAll", ...rest)),
  sendToGroup: (v) =>
    send(v, v.sending({ excluded: true, filter: true }), (...rest) => ofGroup(v.group(), "sendToAll", ...rest)),
  sendToUser: (v) => send(v, v.sending({ filter: true }), (...rest) => method("sendToUser", v.user(), ...rest)),
  sendToConnection: (v) => send(v, v.sending({}), (...rest) => method("sendToConnection", v.connection(), ...rest)),
  connectionExists: (v) => method("connectionExists", v.connection(), v.operation()),
  groupExists: (v) => method("groupExists", v.group(), v.operation()),
  userExists: (v) => method("userExists", v.user(), v.operation()),
  checkPermission: (v) => method("hasPermission", v.connection(), v.permission(), v.target()),
  grantPermission: (v) => method("grantPermission", v.connection(), v.permission(), v.target()),
  revokePermission: (v) => noContent(method("revokePermission", v.connection(), v.permission(), v.target())),
  closeConnection: (v) =>
    noContent(method("closeConnection", v.connection(), defined({ ...v.operation(), reason: v.maybe(v.text) }))),
  closeAllConnections: (v) => noContent(method("closeAllConnections", v.closing())),
  closeGroupConnections: (v) => noContent(ofGroup(v.group(), "closeAllConnections", v.closing())),
  closeUserConnections: (v) => noContent(method("closeUserConnections", v.user(), v.closing())),
  addConnectionToGroup: (v) => ofGroup(v.group(), "addConnection", v.connection(), v.operation()),
  removeConnectionFromGroup: (v) => noContent(ofGroup(v.group(), "removeConnection", v.connection(), v.operation())),
  removeConnectionFromAllGroups: (v) => noContent(method("removeConnectionFromAllGroups", v.connection(), v.operation())),
  addUserToGroup: (v) => ofGroup(v.group(), "addUser", v.user(), v.operation()),
  removeUserFromGroup: (v) => noContent(ofGroup(v.group(), "removeUser", v.user(), v.operation())),
  removeUserFromAllGroups: (v) => noContent(method("removeUserFromAllGroups", v.user(), v.operation())),
  addConnectionsToGroups: (v) => bulk(v, "addConnectionsToGroups"),
  removeConnectionsFromGroups: (v) => bulk(v, "removeConnectionsFromGroups"),
  listConnectionsInGroup: (v) => listing(v),
  generateClientToken: (v) => ({
    ...method("getClientAccessToken", token(v)),
    answers: [{ status: 200, body: { token: "client.token.y" } }],
    entra: true,
  }),
  getServiceStatus: (v) => health(v.operation()),
  mint: (v) => method("getClientAccessToken", token(v)),
};

/** A call of a method. A function among the arguments makes its argument anew for each client. */
function method(name, ...args) {
  const fresh = () => args.map((arg) => (typeof arg === "function" ? arg() : arg));
  return { args: [name, ...args], run: (client) => client[name](...fresh()) };
}

function ofGroup(group, name, ...args) {
  const call = method(name, ...args);
  return { args: ["group", group, ...call.args], run: (client) => call.run(client.group(group)) };
}

function send(v, options, call) {
  const [content, type] = v.message();
  return { ...call(content, { ...options, ...type }), answers: [{ status: 202 }] };
}

function noContent(call) {
  return { ...call, answers: [{ status: 204 }] };
}

function bulk(v, name) {
  return method(name, v.list("group", 4), v.pick(["", "userId eq null", v.text()]), v.operation());
}

function token({ list, user, maybe, pick }) {
  return defined({
    userId: pick([() => undefined, () => "", user, user])(),
    roles: maybe(() => list("role", 3)),
    groups: maybe(() => list("group", 3)),
    expirationTimeInMinutes: maybe(() => pick([1, 5, 60, 1440, 0.5, 1.75, 0, -1, 525_600])),
    clientProtocol: maybe(() => pick(["default", "mqtt", "socketio", "MQTT"])),
  });
}

/** Two pages: the second is asked for with the link of the first. */
function listing(v) {
  const group = v.group();
  const options = defined({
    ...v.operation(),
    maxPageSize: v.maybe(() => v.pick([1, 2, 200, 201, 0])),
    top: v.maybe(() => v.pick([1, 5, 2 ** 31 - 1, 0])),
  });
  const token = v.pick(["31CiQIf-_", "a%2Fb%3D", "x%27y"]);
  const path = `/api/hubs/{hub}/groups/${encodeURIComponent(group.toWellFormed())}/connections`;
  const nextLink = `${path}?top=3&maxpagesize=2&continuationToken=${token}&api-version=2024-12-01`;
  return {
    args: ["group", group, "listConnections", options, nextLink],
    run: async (client) => {
      const ids = [];
      for await (const { connectionId } of await client.group(group).listConnections(options)) {
        ids.push(connectionId);
      }
      return ids;
    },
    answers: [
      { status: 200, body: { value: [{ connectionId: "a", userId: null }], nextLink } },
      { status: 200, body: { value: [{ connectionId: "b" }] } },
    ],
  };
}

/** The official client has this operation only inside; what it sends is compared all the same. */
function health(options) {
  return {
    args: ["getServiceStatus", options],
    run: (client) => client.getServiceStatus?.(options) ?? client.client.healthApi.getServiceStatus(options),
  };
}
