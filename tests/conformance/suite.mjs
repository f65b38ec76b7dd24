// What the package must do, the same in every runtime. `lib` is the package, `given` is data that the runner passes in:
// { origin, closedOrigin, vectors, cases }.

import { equal, ok, rejects, throws } from "./expect.mjs";

const KEY = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789ABCDEFGH";
const CONNECTION = `Endpoint=https://host.webpubsub.azure.com;AccessKey=${KEY};Version=1.0;`;

/** The tests: a list of [name, function]. */
export function suite(lib, given) {
  const { WebPubSubServiceClient, WebPubSubError, RestError } = lib;
  const client = (options) => new WebPubSubServiceClient(CONNECTION, "hub", options);
  const mint = (options) => client().getClientAccessTokenSync(options);

  /** A client whose service answers by a script; see server.mjs. */
  const scripted = (script, options) => {
    const name = crypto.randomUUID();
    const endpoint = `${given.origin}/${encodeURIComponent(script)}/${name}`;
    return {
      client: new WebPubSubServiceClient(`Endpoint=${endpoint};AccessKey=${KEY}`, "hub", options),
      endpoint,
      recorded: async () => (await fetch(`${given.origin}/recorded/${name}`)).json(),
    };
  };

  return [
    ...given.vectors.clientTokens.map((vector) => [
      `token vector: ${vector.baseUrl}`,
      async () => {
        const { token, baseUrl, url, expiresOn } = await at(vector.now, () =>
          new WebPubSubServiceClient(vector.connectionString, vector.hub).getClientAccessToken(vector),
        );
        equal([token, baseUrl], [vector.token, vector.baseUrl]);
        equal(url, `${baseUrl}?access_token=${token}`);
        equal(expiresOn.getTime(), (vector.now + vector.expirationTimeInMinutes * 60) * 1000);
      },
    ]),

    ...given.cases.map((item) => [`case ${item.id}: ${item.operation}`, () => replay(lib, item)]),

    ["options change the claims as the official SDK's do, and empty ones are left out", () => {
      const claims = at(1_700_000_000, () =>
        payload(mint({ userId: "ann", roles: ["a\nb", '"'], groups: ["g/1"], expirationTimeInMinutes: 0.999 }).token),
      );
      equal(claims, {
        role: ["a\nb", '"'],
        "webpubsub.group": ["g/1"],
        iat: 1_700_000_000,
        exp: 1_700_000_059,
        aud: "https://host.webpubsub.azure.com/client/hubs/hub",
        sub: "ann",
      });
      const empty = at(1_700_000_000, () => payload(mint({ userId: "", roles: [], groups: [] }).token));
      equal(Object.keys(empty), ["iat", "exp", "aud"]);
    }],

    ["clientProtocol is read in any case", () => {
      equal(mint({ clientProtocol: "MQTT" }).baseUrl, "wss://host.webpubsub.azure.com/clients/mqtt/hubs/hub");
      equal(mint({ clientProtocol: "SocketIO" }).baseUrl, "wss://host.webpubsub.azure.com/clients/socketio/hubs/hub");
      const error = throws(() => mint({ clientProtocol: "ws" }));
      ok(error instanceof TypeError && error.code === "ERR_CLIENT_PROTOCOL", String(error));
    }],

    ["an expiration that means nothing is a RangeError", () => {
      for (const expirationTimeInMinutes of [0, -1, 0.001, Number.NaN, Infinity, -Infinity, 1e300]) {
        const error = throws(() => mint({ expirationTimeInMinutes }));
        ok(error instanceof RangeError && error.code === "ERR_EXPIRATION", `${expirationTimeInMinutes}: ${error}`);
      }
      const error = throws(() => mint({ expirationTimeInMinutes: "5" }));
      ok(error instanceof TypeError, String(error));
    }],

    ["a clock at zero throws and says so", () => {
      const error = throws(() => at(0, () => mint()));
      equal([error.code, error.message.includes("module scope")], ["ERR_CLOCK", true]);
    }],

    ["the clock is read at each call", () => {
      const one = client();
      const expiry = (now) => at(now, () => one.getClientAccessTokenSync().expiresOn.getTime());
      equal([expiry(1_000), expiry(2_000)], [4_600_000, 5_600_000]);
    }],

    ["connection strings and hubs are refused at once, without the key in the error", () => {
      for (const bad of ["", "foobar", `Endpoint=ftp://a;AccessKey=${KEY}`, `Endpoint=https://a;AccessKey=${KEY};AccessKey=${KEY}`,
        `Endpoint=https://a:99999;AccessKey=${KEY}`, `Endpoint=https://a;AccessKey=${KEY};${KEY}`, "Endpoint=https://a;AccessKey= "]) {
        const error = throws(() => new WebPubSubServiceClient(bad, "hub"));
        ok(error instanceof WebPubSubError && !`${error.stack} ${JSON.stringify(error)}`.includes(KEY), `${bad}: ${error}`);
      }
      for (const hub of ["", "1hub", "a b", "a/b", "..", "h".repeat(129), "h\ud800"]) {
        equal(throws(() => new WebPubSubServiceClient(CONNECTION, hub)).code, "ERR_HUB", hub);
      }
      for (const wrong of [[undefined, "hub"], [CONNECTION, undefined], [CONNECTION, 5], [{}, "hub"]]) {
        ok(throws(() => new WebPubSubServiceClient(...wrong)) instanceof TypeError, JSON.stringify(wrong));
      }
    }],

    ["group() throws at once; promise methods only reject", async () => {
      for (const name of ["", ".", "..", " ", "g".repeat(1025), "\udc00"]) {
        equal(throws(() => client().group(name)).code, "ERR_GROUP", name);
      }
      ok(throws(() => client().group(undefined)) instanceof TypeError, "undefined is no group");
      for (const id of ["", ".", "..", "\ud800"]) {
        equal((await rejects(() => client().sendToUser(id, "m"))).code, "ERR_USER_ID", id);
        equal((await rejects(() => client().sendToConnection(id, "m"))).code, "ERR_CONNECTION_ID", id);
        equal((await rejects(() => client().sendToAll("m", { excludedConnections: [id] }))).code, "ERR_CONNECTION_ID", id);
      }
      equal((await rejects(() => client().getClientAccessToken({ groups: [".."] }))).code, "ERR_GROUP");
      equal((await rejects(() => client().getClientAccessToken({ roles: [""] }))).code, "ERR_ROLE");
      equal((await rejects(() => client().getClientAccessToken({ userId: "\ud800" }))).code, "ERR_USER_ID");
      equal((await rejects(() => client().getClientAccessToken({ roles: "r" }))).code, "ERR_ARGUMENT_TYPE");
    }],

    ["bad messages and options reject before anything is sent", async () => {
      const { client, recorded } = scripted("202");
      for (const [message, options, code] of [
        [undefined, {}, "ERR_MESSAGE_TYPE"],
        [() => {}, {}, "ERR_MESSAGE_TYPE"],
        [5, { contentType: "text/plain" }, "ERR_MESSAGE_TYPE"],
        ["\ud800", { contentType: "text/plain" }, "ERR_MESSAGE_TYPE"],
        ["m", { contentType: "text/html" }, "ERR_MESSAGE_TYPE"],
        [new Uint8Array(1024 * 1024 + 1), {}, "ERR_MESSAGE_TOO_LARGE"],
        [new Blob([new Uint8Array(1024 * 1024 + 1)]), {}, "ERR_MESSAGE_TOO_LARGE"],
        [streamOf(new Uint8Array(1024 * 1024), new Uint8Array(1)), {}, "ERR_MESSAGE_TOO_LARGE"],
        ["é".repeat(512 * 1024), {}, "ERR_MESSAGE_TOO_LARGE"],
        ["m", { messageTtlSeconds: 301 }, "ERR_MESSAGE_TTL"],
        ["m", { messageTtlSeconds: -1 }, "ERR_MESSAGE_TTL"],
        ["m", { messageTtlSeconds: 1.5 }, "ERR_MESSAGE_TTL"],
        ["m", { messageTtlSeconds: Number.NaN }, "ERR_MESSAGE_TTL"],
        ["m", { messageTtlSeconds: "5" }, "ERR_ARGUMENT_TYPE"],
        ["m", { filter: 5 }, "ERR_ARGUMENT_TYPE"],
        ["m", { excludedConnections: "c" }, "ERR_ARGUMENT_TYPE"],
      ]) {
        equal((await rejects(() => client.sendToAll(message, options))).code, code, code);
      }
      equal(await recorded(), []);
    }],

    ["sends say what the contract says", async () => {
      const { client, endpoint, recorded } = scripted("202");
      await client.sendToAll({ a: "é", b: null }, { excludedConnections: ["c 1", "c2"], filter: "userId ne 'a'", messageTtlSeconds: 0 });
      await client.sendToUser("a/b c?d#e%f'(x)!*~é", "hi", { contentType: "text/plain" });
      await client.sendToConnection("%2e%2e", new Uint8Array([0, 1, 2, 255]).subarray(1));
      await client.group("\\ 日本").sendToAll(null);
      await client.sendToAll("hi");
      await client.sendToAll(new Uint8Array([7]).buffer);
      await client.sendToAll(new Blob(["blob"]));
      await client.sendToAll(streamOf(new Uint8Array([1]), new Uint8Array([2, 3])));
      await client.sendToAll(false);
      const requests = await recorded();
      const api = new URL(endpoint).pathname + "/api/hubs/hub/";
      const version = "api-version=2024-12-01";
      equal(
        requests.map(({ method, url, headers, body }) => [method, url, headers["content-type"], atob(body)]),
        [
          [`:send?${version}&excluded=c%201&excluded=c2&filter=userId%20ne%20%27a%27&messageTtlSeconds=0`, "application/json", bytes('{"a":"é","b":null}')],
          [`users/a%2Fb%20c%3Fd%23e%25f'(x)!*~%C3%A9/:send?${version}`, "text/plain", "hi"],
          [`connections/%252e%252e/:send?${version}`, "application/octet-stream", "\x01\x02\xff"],
          [`groups/%5C%20%E6%97%A5%E6%9C%AC/:send?${version}`, "application/json", "null"],
          [`:send?${version}`, "application/json", '"hi"'],
          [`:send?${version}`, "application/octet-stream", "\x07"],
          [`:send?${version}`, "application/octet-stream", "blob"],
          [`:send?${version}`, "application/octet-stream", "\x01\x02\x03"],
          [`:send?${version}`, "application/json", "false"],
        ].map(([path, ...rest]) => ["POST", api + path, ...rest]),
      );
      const origin = new URL(endpoint).origin;
      for (const { url, headers } of requests) {
        equal(headers.accept, "application/json");
        ok(/^[0-9a-f-]{36}$/.test(headers["x-ms-client-request-id"]), headers["x-ms-client-request-id"]);
        const { aud, exp, iat, ...rest } = payload(headers.authorization.replace("Bearer ", ""));
        equal([aud, exp - iat, rest], [origin + url, 300, {}]);
      }
    }],

    ["a throttled send is tried again, signed again, under one request id", async () => {
      const { client, recorded } = scripted("429:5,503:5,202");
      let now = 1_700_000_000;
      const realNow = Date.now;
      try {
        Date.now = () => (now += 1) * 1000;
        await client.sendToAll("m");
      } finally {
        Date.now = realNow;
      }
      const requests = await recorded();
      equal(requests.length, 3);
      equal(new Set(requests.map(({ headers }) => headers["x-ms-client-request-id"])).size, 1);
      equal(new Set(requests.map(({ headers }) => headers.authorization)).size, 3);
    }],

    ["a send that may have arrived is not tried again unless told so", async () => {
      for (const [script, count] of [["500,202", 1], ["429,202", 1], ["503,202", 1], ["cut,202", 1], ["429:70000,202", 1]]) {
        const safe = scripted(script);
        await rejects(() => safe.client.sendToAll("m"));
        equal((await safe.recorded()).length, count, script);
      }
      const always = scripted("500,cut,202", { retryOptions: { sends: "always", retryDelayInMs: 1 } });
      await always.client.sendToAll("m");
      equal((await always.recorded()).length, 3);
      const never = scripted("429:1,202", { retryOptions: { maxRetries: 0 } });
      equal((await rejects(() => never.client.sendToAll("m"))).statusCode, 429);
      const twice = scripted("429:1", { retryOptions: { maxRetries: 2 } });
      await rejects(() => twice.client.sendToAll("m"));
      equal((await twice.recorded()).length, 3);
    }],

    ["retry options that mean nothing are refused", () => {
      for (const retryOptions of [{ maxRetries: -1 }, { maxRetries: 1.5 }, { retryDelayInMs: Number.NaN }, { maxRetryDelayInMs: Infinity }, { sends: "maybe" }]) {
        equal(throws(() => client({ retryOptions })).code, "ERR_RETRY_OPTIONS", JSON.stringify(retryOptions));
      }
    }],

    ["what the service says is in the RestError", async () => {
      for (const [script, statusCode, code, message] of [
        ["bad", 400, "Error.BadRequest", "Invalid syntax."],
        ["problem", 400, "Error.FromHeader", "One or more validation errors occurred."],
        ["html", 502, undefined, "The service failed."],
        ["401", 401, undefined, "The service refused the token: check the access key, the endpoint and the clock."],
        ["200", 200, undefined, "The service refused the request."],
      ]) {
        const { client, recorded } = scripted(script);
        const error = await rejects(() => client.sendToAll("m", { filter: "x" }));
        ok(error instanceof RestError && error instanceof WebPubSubError && error.name === "RestError", String(error));
        equal([error.statusCode, error.code, error.message], [statusCode, code, message]);
        equal(error.requestId, (await recorded())[0].headers["x-ms-client-request-id"]);
      }
    }],

    ["a redirect is not followed", async () => {
      const { client, recorded } = scripted("redirect");
      const error = await rejects(() => client.sendToAll("m"));
      ok(error instanceof RestError && /redirect/.test(error.message), String(error));
      equal((await recorded()).length, 1);
    }],

    ["abort and timeout end the call at once and are told apart", async () => {
      const hanging = scripted("hang");
      const early = await rejects(() => hanging.client.sendToAll("m", { abortSignal: AbortSignal.abort("early") }));
      equal([early.name, early.code, early.cause], ["AbortError", "ERR_ABORTED", "early"]);
      equal(await hanging.recorded(), []);
      const late = await rejects(() => hanging.client.sendToAll("m", { abortSignal: abortSoon() }));
      equal(late.name, "AbortError");
      const waiting = scripted("429:60000");
      const asleep = await rejects(() => waiting.client.sendToAll("m", { abortSignal: abortSoon() }));
      equal(asleep.name, "AbortError");
      const slow = await rejects(() => hanging.client.sendToAll("m", { requestOptions: { timeout: 50 } }));
      equal([slow.name, slow.code], ["WebPubSubError", "ERR_TIMEOUT"]);
    }],

    ["a service that cannot be reached is a network error without secrets", async () => {
      const down = new WebPubSubServiceClient(`Endpoint=${given.closedOrigin};AccessKey=${KEY}`, "hub", {
        retryOptions: { maxRetries: 1, retryDelayInMs: 1 },
      });
      const error = await rejects(() => down.sendToAll("m"));
      ok(error instanceof WebPubSubError && error.code === "ERR_NETWORK", String(error));
      ok(!/eyJ|access|api\/hubs/i.test(error.message), error.message);
    }],

    ["plain http leaves this machine only when allowed, and minting is always allowed", async () => {
      const insecure = "Endpoint=http://service.example;AccessKey=k";
      const sent = [];
      const fetch = async (url) => {
        sent.push(url);
        return new Response(null, { status: 202 });
      };
      const refused = new WebPubSubServiceClient(insecure, "hub", { fetch });
      ok((await refused.getClientAccessToken()).url.startsWith("ws://service.example/client/hubs/hub?"), "mints");
      equal((await rejects(() => refused.sendToAll("m"))).code, "ERR_INSECURE_ENDPOINT");
      equal(sent, []);
      await new WebPubSubServiceClient(insecure, "hub", { fetch, allowInsecureConnection: true }).sendToAll("m");
      equal(sent, ["http://service.example/api/hubs/hub/:send?api-version=2024-12-01"]);
    }],

    ["a client shows its hub and endpoint, and no key", () => {
      const one = client();
      const group = one.group("g");
      equal([one.hubName, one.endpoint, one.apiVersion], ["hub", "https://host.webpubsub.azure.com/", "2024-12-01"]);
      equal([group.groupName, group.hubName, group.endpoint, group.apiVersion], ["g", "hub", one.endpoint, "2024-12-01"]);
      ok(!JSON.stringify([one, group]).includes(KEY), "the key is private");
    }],

    ["many accounts at once sign each with their own key", () => {
      const clients = Array.from({ length: 30 }, (_, index) => new WebPubSubServiceClient(`Endpoint=https://h${index};AccessKey=k${index}`, "hub"));
      const tokens = () => at(1_700_000_000, () => clients.map((one) => one.getClientAccessTokenSync().token));
      equal(tokens(), tokens());
      equal(new Set(tokens().map((token) => token.split(".")[2])).size, 30);
    }],
  ];
}

/** Replays a recorded token case; those for another kind of credential are not in the list that the runner passes. */
function replay({ WebPubSubServiceClient }, { inputs, expected }) {
  const options = { ...inputs.options };
  const minutes = options.expiresAfter === "1 day" ? 24 * 60 : options.expiresAfterMinutes;
  if (minutes !== undefined) {
    options.expirationTimeInMinutes = minutes;
  }
  if (expected.error !== undefined) {
    for (const text of inputs.connectionStrings ?? [inputs.connectionString]) {
      throws(() => new WebPubSubServiceClient(text, "hub"));
    }
    return;
  }
  const client = new WebPubSubServiceClient(inputs.connectionString, inputs.hub ?? "hub");
  if (expected.endpoint !== undefined) {
    equal(client.endpoint, expected.endpoint);
    return;
  }
  const now = inputs.now ?? 1_767_225_600;
  const { token, baseUrl, url } = at(now, () => client.getClientAccessTokenSync(options));
  const claims = payload(token);
  equal(url, `${baseUrl}?access_token=${token}`);
  for (const [name, value] of Object.entries(expected.claims ?? {})) {
    equal(claims[name], typeof value === "string" && value.startsWith("(absent") ? undefined : value, name);
  }
  if (expected.baseUrl !== undefined) equal(baseUrl, expected.baseUrl);
  if (expected.urlWithoutQuery !== undefined) equal(baseUrl, expected.urlWithoutQuery);
  if (expected.urlPrefix !== undefined) ok(url.startsWith(expected.urlPrefix), url);
  if (minutes !== undefined) equal(claims.exp, now + minutes * 60);
  // The vector is byte for byte ours where it has the claim order of the official JavaScript SDK.
  if (expected.tokenVector !== undefined) {
    const theirs = payload(expected.tokenVector);
    if (Object.keys(theirs).join() === Object.keys(claims).join()) equal(token, expected.tokenVector);
    else equal(sorted(claims), sorted(theirs));
  }
}

/** Runs a function with the clock at a time in seconds, and puts it back when it returns. */
function at(seconds, call) {
  const realNow = Date.now;
  Date.now = () => seconds * 1000;
  try {
    return call();
  } finally {
    Date.now = realNow;
  }
}

function payload(token) {
  const text = atob(token.split(".")[1].replaceAll("-", "+").replaceAll("_", "/"));
  return JSON.parse(new TextDecoder().decode(Uint8Array.from(text, (c) => c.charCodeAt(0))));
}

function sorted(claims) {
  return Object.entries(claims).sort(([a], [b]) => (a < b ? -1 : 1));
}

/** The UTF-8 bytes of a text, one character a byte. */
function bytes(text) {
  return String.fromCharCode(...new TextEncoder().encode(text));
}

function streamOf(...chunks) {
  return new ReadableStream({
    pull(controller) {
      const chunk = chunks.shift();
      if (chunk === undefined) controller.close();
      else controller.enqueue(chunk);
    },
  });
}

function abortSoon() {
  const controller = new AbortController();
  setTimeout(() => controller.abort(), 50);
  return controller.signal;
}
