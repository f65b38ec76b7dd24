// Sends: what is refused, what goes out, what is tried again, what is thrown.

import { equal, ok, rejects, throws } from "./expect.mjs";
import { abortSoon, bytes, CONNECTION, KEY, payload, streamOf, tools } from "./tools.mjs";

export function sends(lib, given) {
  const { WebPubSubServiceClient, WebPubSubError, RestError } = lib;
  const { client, scripted } = tools(lib, given);

  return [
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
      for (const [script, count] of [["500,202", 1], ["503,202", 1], ["cut,202", 1], ["429:70000,202", 1]]) {
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

    ["Retry-After can be a date", async () => {
      const now = () => Date.UTC(2023, 10, 14, 22, 13, 20, 900);
      for (const [date, tries] of [
        ["Tue, 14 Nov 2023 22:13:20 GMT", 2],
        ["Tue, 14 Nov 2023 22:13:21 GMT", 2],
        ["Tue, 14 Nov 2023 23:13:20 GMT", 1],
        // What cannot be read counts as absent: the retry policy says when.
        ["Tue, 14 Xyz 2023 22:13:20 GMT", 2],
        ["2023-11-14", 2],
      ]) {
        let sent = 0;
        const fetch = async () => (sent++ === 0 ? new Response(null, { status: 429, headers: { "retry-after": date } }) : new Response(null, { status: 202 }));
        const sending = client({ fetch, now, retryOptions: { retryDelayInMs: 1 } }).sendToAll("m");
        await (tries === 2 ? sending : rejects(() => sending));
        equal(sent, tries, date);
      }
    }],

    ["an IPv6 address has one form", async () => {
      for (const [written, form] of [["0:0:0:0:0:0:0:1", "::1"], ["2001:DB8::1.2.3.4", "2001:db8::102:304"], ["::ffff:1.2.3.4", "::ffff:102:304"]]) {
        const made = new WebPubSubServiceClient(`Endpoint=https://[${written}]:8443/base/;AccessKey=k`, "hub");
        equal(made.endpoint, `https://[${form}]:8443/base/`);
        ok(made.getClientAccessTokenSync().url.startsWith(`wss://[${form}]:8443/base/client/hubs/hub?`), written);
      }
      for (const bad of ["::1::", "1.2.3.4", "12345::", "::1%1", "g::", ""]) {
        equal(throws(() => new WebPubSubServiceClient(`Endpoint=https://[${bad}];AccessKey=k`, "hub")).code, "ERR_ENDPOINT", bad);
      }
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
      const tries = [];
      const down = new WebPubSubServiceClient(`Endpoint=${given.closedOrigin};AccessKey=${KEY}`, "hub", {
        retryOptions: { maxRetries: 1, retryDelayInMs: 1 },
        logger: (line) => tries.push(line),
      });
      const error = await rejects(() => down.sendToAll("m"));
      ok(error instanceof WebPubSubError && error.code === "ERR_NETWORK", String(error));
      equal(tries.length, given.namesRefusal ? 2 : 1, "tried again where it is known that nothing was sent");
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
  ];
}
