// What two observations of a call differ in, and which differences are meant.

import { NOW, tokenParts } from "./observe.mjs";

/** Every difference: what differs, and the two values. */
export function differences(ours, theirs) {
  if (ours.error || theirs.error) {
    const bothRefuse = ours.error && theirs.error && isExplained(ours.error);
    return bothRefuse ? [] : [{ what: "refusal", ours: outcome(ours), theirs: outcome(theirs) }];
  }
  return compare(flat(ours), flat(theirs));
}

function outcome({ error }) {
  return error ? (error.code ?? String(error)) : "sent";
}

/** Ours must say which rule a call broke. */
function isExplained(error) {
  return /^ERR_/.test(error.code);
}

function compare(ours, theirs) {
  const keys = new Set([...Object.keys(ours), ...Object.keys(theirs)]);
  return [...keys]
    .filter((what) => JSON.stringify(ours[what]) !== JSON.stringify(theirs[what]))
    .map((what) => ({ what, ours: ours[what], theirs: theirs[what] }));
}

/** An observation as one flat object. */
function flat({ requests, result }) {
  const all = requests.map(({ method, url, headers, authorization, body }, index) => ({
    method,
    url,
    body,
    ...prefixed("header ", headers),
    ...tokenFlat("jwt ", authorization),
    [`request ${index}`]: "sent",
  }));
  const pages = all.map((request, index) => prefixed(index === 0 ? "" : "next page: ", request));
  return Object.assign({}, ...pages, resultFlat(result));
}

function resultFlat(result) {
  if (typeof result?.token === "string") {
    const { token, url, ...rest } = result;
    return {
      ...prefixed("result ", rest),
      "result url": url === `${rest.baseUrl}?access_token=${token}`,
      ...tokenFlat("result jwt ", tokenParts(token)),
    };
  }
  return { result };
}

function tokenFlat(prefix, { header, claims, signed, opaque }) {
  return opaque === undefined
    ? { [`${prefix}header`]: header, [`${prefix}signed`]: signed, ...prefixed(`${prefix}claim `, claims) }
    : { [`${prefix}token`]: opaque };
}

function prefixed(prefix, object) {
  return Object.fromEntries(Object.entries(object).map(([name, value]) => [prefix + name, value]));
}

/**
 * The differences that are meant: where (`what`), which (`is`, of the two values and the call), and why. The test fails
 * for a difference that is not here, and for an entry that never comes up.
 */
export const MEANT = [
  // What ours refuses before anything is sent.
  {
    what: "refusal",
    is: ({ ours, theirs }, { hub }) => refusedOnly("ERR_HUB", ours, theirs) && !/^[A-Za-z][A-Za-z0-9_`,.[\]]{0,127}$/.test(hub),
    why: "A hub against the service's pattern cannot exist, and one like \"..\" would address something else.",
  },
  ...Object.entries({ group: "ERR_GROUP", user: "ERR_USER_ID", connection: "ERR_CONNECTION_ID" }).map(([kind, code]) => ({
    what: "refusal",
    is: ({ ours, theirs }, call) => refusedOnly(code, ours, theirs) && hasName(call, kind, ["", ".", ".."]),
    why: `An empty ${kind}, ".." or "." would fold the path, and the call would reach others: sendToUser("..") is a broadcast.`,
  })),
  {
    what: "refusal",
    is: ({ ours, theirs }, { names }) =>
      refusedOnly("ERR_GROUP", ours, theirs) &&
      names.some(({ kind, text }) => kind === "group" && (text.trim() === "" || text.length > 1024)),
    why: "A group that is blank or longer than 1024 characters is against the service's pattern.",
  },
  {
    what: "refusal",
    is: ({ ours, theirs }, { names }) =>
      refusedOnly("ERR_CONNECTION_ID", ours, theirs) && names.some(({ kind, text }) => kind === "connection" && text.length > 1024),
    why: "A connection id longer than 1024 characters is none of the service's, and makes a URL that it refuses.",
  },
  {
    what: "refusal",
    is: ({ ours, theirs }, { args }) => refusedOnly("ERR_GROUP", ours, theirs) && /Groups$/.test(args[0]) && args[1].length === 0,
    why: "The service refuses a bulk operation without a group.",
  },
  {
    what: "refusal",
    is: ({ ours, theirs }, call) => refusedOnly("ERR_ROLE", ours, theirs) && hasName(call, "role", [""]),
    why: "An empty role grants nothing.",
  },
  {
    what: "refusal",
    is: ({ ours, theirs }, { args }) =>
      /^ERR_(ROLE|GROUP|USER_ID|MESSAGE_TYPE)$/.test(ours) && theirs === "sent" && JSON.stringify(args).includes("\\ud"),
    why: "Half of a character cannot be UTF-8; where the official SDK does not throw, another name or text arrives.",
  },
  ...Object.entries({
    ERR_MESSAGE_TTL: ["messageTtlSeconds", [301, -1, 1.5]],
    ERR_PAGE_SIZE: ["maxPageSize", [0, 201]],
    ERR_TOP: ["top", [0]],
    ERR_EXPIRATION: ["expirationTimeInMinutes", [0, -1]],
  }).map(([code, [option, values]]) => ({
    what: "refusal",
    is: ({ ours, theirs }, { args }) => refusedOnly(code, ours, theirs) && args.some((arg) => values.includes(arg?.[option])),
    why: `${option} is out of the range that the service takes.`,
  })),

  // Headers.
  {
    what: "header x-ms-client-request-id",
    is: ({ ours, theirs }) => [ours, theirs].every((id) => UUID.test(id)) && ours !== theirs,
    why: "Both are random.",
  },
  {
    what: "header user-agent",
    is: ({ ours, theirs }) => ours === undefined && theirs.startsWith("azsdk-js-"),
    why: "The runtime names itself; browsers let nobody else do it, and nothing in the service depends on it.",
  },
  {
    what: "header accept-encoding",
    is: ({ ours }) => ours === undefined,
    why: "fetch sets it itself.",
  },
  {
    what: "header accept",
    is: ({ ours, theirs }, { operation }) =>
      ours === "application/json" && theirs === (operation === "generateClientToken" ? "application/json, text/json" : undefined),
    why: "One value for all: answers and errors are JSON. The official SDK sends none where it reads no body.",
  },

  // Tokens.
  {
    what: "jwt claim exp",
    is: ({ ours, theirs }) => theirs - ours === 3600 - 300,
    why: "A token of ours is for one try and lives 5 minutes, not an hour.",
  },
  {
    what: /^result jwt claim (role|webpubsub\.group)$/,
    is: ({ ours, theirs }) => ours === undefined && theirs.length === 0,
    why: "An empty list is as good as none, and the token is shorter.",
  },
  {
    what: /^result (baseUrl|jwt claim aud)$/,
    is: ({ ours, theirs }, { hub }) =>
      /[`,[\]]/.test(hub) && ours.endsWith(`/${encodeURIComponent(hub)}`) && decodeURIComponent(ours) === lowerHost(theirs),
    why: "A hub like a`,.[] is percent-encoded in the URL: a WebSocket would send the backquote so, and the audience must fit.",
  },
  {
    what: /^result (baseUrl|jwt claim aud)$/,
    is: ({ ours, theirs }) => theirs.includes("HOST.example") && lowerHost(theirs) === decodeURIComponent(ours),
    why: "A host is written in lower case, as a URL parser does, so that the audience is what is sent.",
  },
  {
    what: /^result (baseUrl|jwt claim aud)$/,
    is: ({ ours, theirs }, { args }) =>
      args[1].clientProtocol === "MQTT" && decodeURIComponent(ours) === lowerHost(theirs).replace("/client/", "/clients/mqtt/"),
    why: "clientProtocol counts in any case; the official SDK silently makes another kind of client of \"MQTT\".",
  },
  {
    what: "result expiresOn",
    is: ({ ours, theirs }, { args }) =>
      theirs === undefined && Math.abs(ours.getTime() - NOW - (args[1].expirationTimeInMinutes ?? 60) * 60_000) <= 60_000,
    why: "Ours says when the token expires.",
  },
  {
    what: "url",
    is: ({ ours, theirs }) => entraForm(theirs) === ours && minutesOf(theirs) % 1 !== 0,
    why: "The service mints for whole minutes, at least one; a fraction is rounded down.",
  },
  {
    what: "url",
    is: ({ ours, theirs }) => entraForm(theirs) === ours && theirs.includes("clientType=MQTT"),
    why: "clientProtocol counts in any case, and goes out in the one of the official types.",
  },
  {
    what: "url",
    is: ({ ours, theirs }) => entraForm(theirs) === ours && theirs.includes("userId=&"),
    why: "An empty userId is an anonymous client, as it is when minted with a key.",
  },

  // The rest.
  {
    what: "result",
    is: ({ ours, theirs }) => ours === undefined && typeof theirs === "object",
    why: "Where there is nothing to say, ours resolves to undefined, as the types of the official SDK promise.",
  },
  {
    what: "url",
    is: ({ ours, theirs }, { options: { reverseProxyEndpoint: proxy } }) =>
      proxy !== undefined && ours === proxy.replace(/\/$/, "") + entraForm(theirs).slice(theirs.indexOf("/api/")),
    why: "A reverse proxy gets the requests with its scheme, port and base path; the official SDK takes only its host.",
  },
  {
    what: /^(body|header content-type)$/,
    is: ({ theirs }, { args }) => args.some((arg) => typeof arg === "function") && ["7b7d", "application/json"].includes(theirs),
    why: "A ReadableStream goes out as its bytes; the official SDK sends the JSON {}.",
  },
];

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

function lowerHost(url) {
  return url.replace("HOST.example", "host.example");
}

function refusedOnly(code, ours, theirs) {
  return ours === code && theirs === "sent";
}

function hasName({ names }, kind, texts) {
  return names.some((name) => name.kind === kind && texts.includes(name.text));
}

function minutesOf(url) {
  return Number(new URL(url).searchParams.get("minutesToExpire"));
}

/** The URL of :generateToken as ours writes it: whole minutes, the client type in lower case, no empty user. */
function entraForm(url) {
  return url
    .replace(/minutesToExpire=[^&]*/, `minutesToExpire=${Math.max(1, Math.floor(minutesOf(url)))}`)
    .replace("clientType=MQTT", "clientType=mqtt")
    .replace("userId=&", "");
}
