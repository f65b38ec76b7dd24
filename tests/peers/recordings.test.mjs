// Recordings of the real service, and what the official SDK sends, played back: our package sends the same request, and
// makes the right result or error of the recorded answer.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import path from "node:path";
import { after, before, test } from "node:test";
import { pathToFileURL } from "node:url";
import { root } from "../harness.mjs";
import { installPacked } from "../packed.mjs";
import { tokenParts } from "./differential/observe.mjs";

const cases = (file) => {
  const lines = readFileSync(path.join(root, "tests/cases", file), "utf8").trim().split("\n");
  return lines.map((line) => JSON.parse(line));
};

const KEY = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789ABCDEFGH";
const API_VERSION = "2024-12-01";

/** What differs from a recording, and why. The test fails for a difference that is not here, and for an entry without one. */
const MEANT = [
  {
    what: "query api-version",
    is: ({ ours, theirs }) => ours === API_VERSION && /^20(20-10-01|22-11-01|23-07-01|24-01-01)$/.test(theirs),
    why: "The recording is of an older API version.",
  },
  {
    what: "query clientType",
    is: ({ ours, theirs }) => theirs === "Default" && ours === "default",
    why: "The service takes it in any case; ours writes it like the official types of JavaScript.",
  },
  {
    what: "query minutesToExpire",
    is: ({ ours, theirs }) => theirs === undefined && ours === "60",
    why: "Ours always says for how long, so that it knows when the token expires; 60 is the service's default.",
  },
  {
    what: "claim exp",
    is: ({ ours, theirs }) => theirs - ours === 3600 - 300,
    why: "A token of ours is for one try and lives 5 minutes, not an hour.",
  },
];

let packed;
let lib;
const met = new Set();

before(async () => {
  packed = await installPacked();
  lib = await import(pathToFileURL(path.join(packed.folder, "node_modules/webpubsub-edge/dist/entrypoints/index.js")));
});

after(() => packed?.remove());

for (const recorded of cases("rest.jsonl")) {
  test(`${recorded.id} ${recorded.operation} ${recorded.response.status}`, async () => {
    const { request, response } = recorded;
    // A page's link leads to where it came from, and is followed nowhere else.
    const endpoint = response.body?.nextLink ? new URL(response.body.nextLink).origin : "https://host.webpubsub.azure.com";
    const { sent, result, error } = await replay(endpoint, request, response);
    checkRequest(sent[0], endpoint, request);
    checkAnswer(recorded.operation, response, result, error, sent);
  });
}

for (const { id, operation, inputs, request, authorization } of cases("rest-request.jsonl")) {
  test(`${id} ${operation}`, async () => {
    const { sent } = await replay(request.origin, request, { status: 418, body: null }, inputs, authorization.jwtPayload.iat);
    checkRequest(sent[0], request.origin, request);
    const { header, claims } = tokenParts(sent[0].headers.authorization.replace("Bearer ", ""));
    assert.deepEqual(header, authorization.jwtHeader);
    assertMeant("claim ", claims, authorization.jwtPayload);
  });
}

test("recorded cases: every difference that is meant was met", () => {
  assert.deepEqual(MEANT.filter((entry) => !met.has(entry)).map(({ why }) => why), []);
});

/** Makes the call of a recorded request against its answer. */
async function replay(endpoint, request, answer, inputs = {}, seconds = 1_767_225_600) {
  const { operation, names } = operationOf(request);
  const sent = [];
  const fetch = async (url, init) => {
    sent.push({ url, ...init });
    const { status, headers, body } = sent.length === 1 ? answer : { status: 200, body: { value: [] } };
    return new Response(body === null ? null : JSON.stringify(body), { status, headers: withoutLengths(headers) });
  };
  const options = { fetch, now: () => seconds * 1000, retryOptions: { maxRetries: 0 } };
  // The service mints for Entra ID only.
  const access = operation === "generateClientToken"
    ? [endpoint, { getToken: async () => ({ token: "entra", expiresOnTimestamp: (seconds + 3600) * 1000 }) }]
    : [inputs.connectionString ?? `Endpoint=${endpoint};AccessKey=${KEY};Version=1.0;`];
  const client = new lib.WebPubSubServiceClient(...access, names.hub, options);
  const call = CALLS[operation](names, queryOf(request), messageOf(request), client);
  try {
    return { sent, result: await call };
  } catch (error) {
    return { sent, error };
  }
}

/** The body that was recorded says its own length, which is not that of ours. */
function withoutLengths(headers = {}) {
  return Object.entries(headers).filter(([name]) => !/^(content-length|transfer-encoding)$/i.test(name));
}

/** The method and the path of every operation that has a hub. */
const PATHS = Object.entries({
  generateClientToken: "POST {hub}/:generateToken",
  sendToAll: "POST {hub}/:send",
  sendToGroup: "POST {hub}/groups/{group}/:send",
  sendToUser: "POST {hub}/users/{user}/:send",
  sendToConnection: "POST {hub}/connections/{connection}/:send",
  closeAllConnections: "POST {hub}/:closeConnections",
  closeGroupConnections: "POST {hub}/groups/{group}/:closeConnections",
  closeUserConnections: "POST {hub}/users/{user}/:closeConnections",
  closeConnection: "DELETE {hub}/connections/{connection}",
  connectionExists: "HEAD {hub}/connections/{connection}",
  groupExists: "HEAD {hub}/groups/{group}",
  userExists: "HEAD {hub}/users/{user}",
  addConnectionToGroup: "PUT {hub}/groups/{group}/connections/{connection}",
  removeConnectionFromGroup: "DELETE {hub}/groups/{group}/connections/{connection}",
  removeConnectionFromAllGroups: "DELETE {hub}/connections/{connection}/groups",
  addUserToGroup: "PUT {hub}/users/{user}/groups/{group}",
  removeUserFromGroup: "DELETE {hub}/users/{user}/groups/{group}",
  removeUserFromAllGroups: "DELETE {hub}/users/{user}/groups",
  addConnectionsToGroups: "POST {hub}/:addToGroups",
  removeConnectionsFromGroups: "POST {hub}/:removeFromGroups",
  listConnectionsInGroup: "GET {hub}/groups/{group}/connections",
  grantPermission: "PUT {hub}/permissions/{permission}/connections/{connection}",
  revokePermission: "DELETE {hub}/permissions/{permission}/connections/{connection}",
  checkPermission: "HEAD {hub}/permissions/{permission}/connections/{connection}",
}).map(([operation, path]) => {
  const pattern = path.replace(" ", " /api/hubs/").replaceAll(/\{(\w+)\}/g, "(?<$1>[^/]+)");
  return [operation, new RegExp(`^${pattern}$`)];
});

function operationOf({ method, path }) {
  for (const [operation, pattern] of PATHS) {
    const match = pattern.exec(`${method} ${path}`);
    if (match) {
      const names = Object.entries(match.groups).map(([name, segment]) => [name, decodeURIComponent(segment)]);
      return { operation, names: Object.fromEntries(names) };
    }
  }
  throw new Error(`no operation has ${method} ${path}`);
}

/** The call of each operation, from the names in the path, the query and the message. */
const CALLS = {
  generateClientToken: (n, q, m, c) =>
    c.getClientAccessToken({
      userId: q.userId,
      groups: q.all("group"),
      roles: q.all("role"),
      ...(q.minutesToExpire && { expirationTimeInMinutes: Number(q.minutesToExpire) }),
      clientProtocol: q.clientType?.toLowerCase(),
    }),
  sendToAll: (n, q, m, c) => c.sendToAll(m.content, { ...m.type, ...q.sending }),
  sendToGroup: (n, q, m, c) => c.group(n.group).sendToAll(m.content, { ...m.type, ...q.sending }),
  sendToUser: (n, q, m, c) => c.sendToUser(n.user, m.content, { ...m.type, ...q.sending }),
  sendToConnection: (n, q, m, c) => c.sendToConnection(n.connection, m.content, { ...m.type, ...q.sending }),
  closeAllConnections: (n, q, m, c) => c.closeAllConnections(q.closing),
  closeGroupConnections: (n, q, m, c) => c.group(n.group).closeAllConnections(q.closing),
  closeUserConnections: (n, q, m, c) => c.closeUserConnections(n.user, q.closing),
  closeConnection: (n, q, m, c) => c.closeConnection(n.connection, q.closing),
  connectionExists: (n, q, m, c) => c.connectionExists(n.connection),
  groupExists: (n, q, m, c) => c.groupExists(n.group),
  userExists: (n, q, m, c) => c.userExists(n.user),
  addConnectionToGroup: (n, q, m, c) => c.group(n.group).addConnection(n.connection),
  removeConnectionFromGroup: (n, q, m, c) => c.group(n.group).removeConnection(n.connection),
  removeConnectionFromAllGroups: (n, q, m, c) => c.removeConnectionFromAllGroups(n.connection),
  addUserToGroup: (n, q, m, c) => c.group(n.group).addUser(n.user),
  removeUserFromGroup: (n, q, m, c) => c.group(n.group).removeUser(n.user),
  removeUserFromAllGroups: (n, q, m, c) => c.removeUserFromAllGroups(n.user),
  addConnectionsToGroups: (n, q, m, c) => c.addConnectionsToGroups(m.content.groups, m.content.filter),
  removeConnectionsFromGroups: (n, q, m, c) => c.removeConnectionsFromGroups(m.content.groups, m.content.filter),
  listConnectionsInGroup: async (n, q, m, c) => {
    const pages = [];
    for await (const page of c.group(n.group).listConnections(q.listing).byPage()) {
      pages.push(page);
    }
    return pages;
  },
  grantPermission: (n, q, m, c) => c.grantPermission(n.connection, n.permission, q.target),
  revokePermission: (n, q, m, c) => c.revokePermission(n.connection, n.permission, q.target),
  checkPermission: (n, q, m, c) => c.hasPermission(n.connection, n.permission, q.target),
};

/** The query as the options that make it. */
function queryOf({ query }) {
  const params = new URLSearchParams(query);
  const one = (name) => params.get(name) ?? undefined;
  const all = (name) => (params.has(name) ? params.getAll(name) : undefined);
  const number = (name) => (params.has(name) ? Number(params.get(name)) : undefined);
  return {
    ...Object.fromEntries(params),
    all,
    sending: given({ excludedConnections: all("excluded"), filter: one("filter"), messageTtlSeconds: number("messageTtlSeconds") }),
    closing: given({ excluded: all("excluded"), reason: one("reason") }),
    listing: { maxPageSize: number("maxpagesize"), top: number("top"), continuationToken: one("continuationToken") },
    target: { targetName: one("targetName") },
  };
}

/** The options that have a value: not every operation takes the others. */
function given(options) {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
}

/** The message that makes the recorded body. */
function messageOf({ headers, body, bodyEncoding }) {
  const contentType = header(headers, "content-type");
  if (contentType === "text/plain") {
    return { content: body, type: { contentType } };
  }
  if (contentType === "application/octet-stream") {
    assert.equal(bodyEncoding, "base64");
    return { content: Uint8Array.from(Buffer.from(body, "base64")) };
  }
  return { content: typeof body === "string" ? JSON.parse(body) : body };
}

function header(headers, name) {
  return Object.entries(headers).find(([key]) => key.toLowerCase() === name)?.[1];
}

/** Method, path, query and content type are the recorded ones; the order of the query is free. */
function checkRequest(sent, endpoint, request) {
  assert.equal(sent.method, request.method);
  const [ours, recorded] = [new URL(sent.url), new URL(`${endpoint}${request.path}?${request.query}`)];
  assert.equal(ours.origin + ours.pathname, recorded.origin + recorded.pathname);
  assertMeant("query ", sets(ours.searchParams), sets(recorded.searchParams));
  assert.equal(sent.headers["content-type"], header(request.headers, "content-type"));
  checkBody(sent.body, request);
}

function sets(params) {
  return Object.fromEntries([...new Set(params.keys())].map((name) => [name, params.getAll(name).sort().join("\n")]));
}

/** The recorder of the service parsed JSON, so its very bytes are not known; those of the official SDK are. */
function checkBody(body, request) {
  if (request.body === null) {
    assert.equal(body, undefined);
  } else if (request.bodyEncoding === "base64") {
    assert.equal(Buffer.from(body).toString("base64"), request.body);
  } else if (typeof request.body === "string") {
    assert.equal(Buffer.from(body).toString(), request.body);
  } else {
    assert.deepEqual(JSON.parse(Buffer.from(body).toString()), request.body);
  }
}

function assertMeant(prefix, ours, theirs) {
  for (const name of new Set([...Object.keys(ours), ...Object.keys(theirs)])) {
    const difference = { what: prefix + name, ours: ours[name], theirs: theirs[name] };
    assert.ok(difference.ours === difference.theirs || isMeant(difference), JSON.stringify(difference));
  }
}

function isMeant(difference) {
  const entry = MEANT.find(({ what, is }) => what === difference.what && is(difference));
  met.add(entry);
  return entry !== undefined;
}

/** What the recorded answer must become. */
function checkAnswer(operation, { status, headers, body }, result, error, sent) {
  if (/^(connectionExists|groupExists|userExists|checkPermission)$/.test(operation)) {
    assert.equal(error, undefined);
    assert.equal(result, { 200: true, 404: false }[status]);
  } else if (status >= 300) {
    assert.ok(error instanceof lib.RestError, String(error));
    assert.equal(error.statusCode, status);
    assert.equal(error.code, body.code);
    assert.equal(error.code, header(headers, "x-ms-error-code"));
    assert.equal(error.message, body.message);
    assert.deepEqual(error.details, body);
  } else if (operation === "generateClientToken") {
    assert.equal(result.token, body.token);
    assert.equal(result.url, `${result.baseUrl}?access_token=${body.token}`);
  } else if (operation === "listConnectionsInGroup") {
    const [page, ...more] = result;
    // An anonymous connection has no userId; the service writes null.
    const members = body.value.map(({ connectionId, userId }) => (userId === null ? { connectionId } : { connectionId, userId }));
    assert.deepEqual([...page], members);
    assert.equal(page.continuationToken, body.nextLink);
    assert.deepEqual(more.map((next) => next.length), body.nextLink ? [0] : []);
    assert.equal(sent[1]?.url, body.nextLink);
  } else {
    assert.equal(error, undefined);
    assert.equal(result, undefined);
  }
}
