// What the package refuses and limits: misspelt options, tokens of other listings, large answers, secrets in errors.

import { equal, ok, rejects, throws } from "./expect.mjs";
import { collect, CONNECTION, KEY, payload, tools } from "./tools.mjs";

export function boundaries(lib, given) {
  const { ClientAssertionCredential, ClientSecretCredential, isRestError, RestError, roles, WebPubSubServiceClient } = lib;
  const { client, mint, scripted, withTokens } = tools(lib, given);

  return [
    ["a continuation token leads to the listing of its own group only", async () => {
      const { client, recorded } = scripted("pages");
      const group = client.group("g");
      const [{ continuationToken: token }] = await collect(group.listConnections().byPage());
      equal((await collect(group.listConnections().byPage({ continuationToken: token }))).length, 2, "the token of a page");
      const before = (await recorded()).length;
      for (const other of [
        token.replace("/groups/g/", "/groups/board/"),
        token.replace("/hubs/hub/", "/hubs/secretHub/"),
        token.replace("/groups/g/", "/groups/g/../board/"),
        token.replace("/groups/g/", "/groups/%2e%2e/groups/g/"),
        token.replace("/groups/g/", "/groups/ g/"),
        token.replace("/groups/g/", "/groups/\tg/"),
        token.replace("/groups/g/", "/groups\\g/"),
        token.replace("/connections?", "?"),
        token.replace("//", "//user@"),
        `${token} `,
        `${token}#`,
        token.split("?")[0],
      ]) {
        const page = () => group.listConnections().byPage({ continuationToken: other }).next();
        equal((await rejects(page)).code, "ERR_CONTINUATION_TOKEN", other);
      }
      equal((await recorded()).length, before, "nothing is signed or sent");
    }],

    ["every function refuses an option that it does not have, by its name", async () => {
      const { client, recorded } = scripted("202");
      const group = client.group("g");
      const options = { bogus: 1 };
      for (const call of [
        () => client.getClientAccessToken(options),
        () => client.sendToAll(1, options),
        () => client.sendToUser("u", 1, options),
        () => client.sendToConnection("c", 1, options),
        () => client.connectionExists("c", options),
        () => client.groupExists("g", options),
        () => client.userExists("u", options),
        () => client.hasPermission("c", "sendToGroup", options),
        () => client.grantPermission("c", "sendToGroup", options),
        () => client.revokePermission("c", "sendToGroup", options),
        () => client.closeConnection("c", options),
        () => client.closeAllConnections(options),
        () => client.closeUserConnections("u", options),
        () => client.removeUserFromAllGroups("u", options),
        () => client.removeConnectionFromAllGroups("c", options),
        () => client.addConnectionsToGroups(["g"], "", options),
        () => client.removeConnectionsFromGroups(["g"], "", options),
        () => client.getServiceStatus(options),
        () => group.sendToAll(1, options),
        () => group.addConnection("c", options),
        () => group.removeConnection("c", options),
        () => group.addUser("u", options),
        () => group.removeUser("u", options),
        () => group.closeAllConnections(options),
        () => client.sendToAll(1, { requestOptions: options }),
      ]) {
        const error = await rejects(call);
        equal([error instanceof TypeError, error.code, error.message.includes('"bogus"')], [true, "ERR_OPTION", true], String(call));
      }
      for (const call of [
        () => client.getClientAccessTokenSync(options),
        () => group.listConnections(options),
        () => group.listConnections().byPage(options),
        () => new WebPubSubServiceClient(CONNECTION, "hub", options),
        () => new WebPubSubServiceClient(CONNECTION, "hub", { retryOptions: options }),
        () => new WebPubSubServiceClient("https://a", { key: "k" }, "hub", options),
        () => new ClientSecretCredential("t", "c", "s", options),
        () => new ClientAssertionCredential("t", "c", "s", options),
      ]) {
        const error = throws(call);
        equal([error instanceof TypeError, error.code, error.message.includes('"bogus"')], [true, "ERR_OPTION", true], String(call));
      }
      const misspelt = throws(() => mint({ userID: "ann" }));
      ok(misspelt.message.includes('Did you mean "userId"?'), misspelt.message);
      equal((await rejects(() => client.sendToUser("u", 1, { excludedConnections: [] }))).code, "ERR_OPTION");
      equal(await recorded(), []);
    }],

    ["options of the official SDK that have no effect here are accepted", async () => {
      const ofTheClient = ["httpClient", "additionalPolicies", "proxyOptions", "tlsOptions", "agent", "redirectOptions", "loggingOptions", "userAgentOptions", "telemetryOptions"];
      const ofACall = ["tracingOptions", "serializerOptions"];
      const ofARequest = ["onUploadProgress", "onDownloadProgress", "shouldDeserialize", "allowInsecureConnection"];
      const all = (names) => Object.fromEntries(names.map((name) => [name, {}]));
      const { client, recorded } = scripted("202", all(ofTheClient));
      await client.sendToAll(1, { ...all(ofACall), requestOptions: all(ofARequest) });
      equal((await recorded()).length, 1);
      const closing = scripted("204");
      await closing.client.removeUserFromAllGroups("u", { reason: "r" });
      ok(!(await closing.recorded())[0].url.includes("reason"), "no reason is sent");
    }],

    ["members that other code added to Object.prototype are no options", async () => {
      const polluted = {
        roles: ["webpubsub.sendToGroup"],
        userId: "root",
        excludedConnections: ["c"],
        requestOptions: { customHeaders: { "x-own": "1" } },
        customHeaders: { "x-own": "1" },
        retryOptions: { maxRetries: 0 },
        maxRetries: 0,
        strict: false,
        sub: "root",
        claims: { plan: "gold" },
        bogus: 1,
      };
      for (const [name, value] of Object.entries(polluted)) {
        Object.defineProperty(Object.prototype, name, { value, configurable: true, enumerable: true, writable: true });
      }
      try {
        for (const options of [undefined, {}, { groups: ["g"], claims: {} }]) {
          const { role, sub, plan } = payload(client().getClientAccessTokenSync(options).token);
          equal([role, Object.hasOwn({ ...payload(mint(options).token) }, "sub") ? sub : undefined, plan], [undefined, undefined, undefined]);
        }
        const { client: sender, recorded } = scripted("429:1,202");
        await sender.sendToAll(1, {});
        const requests = await recorded();
        equal(requests.length, 2, "the polluted maxRetries is not used");
        ok(!requests[0].url.includes("excluded") && !Object.hasOwn(requests[0].headers, "x-own"), requests[0].url);
        equal(throws(() => new WebPubSubServiceClient(CONNECTION, "1-hub", {})).code, "ERR_HUB");
      } finally {
        for (const name of Object.keys(polluted)) {
          delete Object.prototype[name];
        }
      }
    }],

    ["options can be inherited from a class or from defaults", () => {
      class Defaults {
        userId = "ann";
        get roles() {
          return ["webpubsub.sendToGroup"];
        }
      }
      for (const options of [new Defaults(), Object.create(new Defaults())]) {
        const { sub, role } = payload(mint(options).token);
        equal([sub, role], ["ann", ["webpubsub.sendToGroup"]]);
      }
    }],

    ["a role that the package does not know is granted, and reported once without its text", () => {
      const lines = [];
      const logged = client({ logger: (line) => lines.push(line) });
      const known = [roles.joinLeaveGroup(), roles.sendToGroup("a.b"), roles.joinLeaveGroups("*"), roles.sendToGroups("**"), roles.setGroupState(), roles.getGroupState()];
      logged.getClientAccessTokenSync({ roles: known });
      equal(lines, []);
      const unknown = ["webpubsub.sendToGrup.secret", "webpubsub.joinLeaveGroups", "x webpubsub.sendToGroup"];
      const { token } = logged.getClientAccessTokenSync({ roles: [...known, ...unknown] });
      equal(payload(token).role, [...known, ...unknown]);
      equal(lines, ["getClientAccessToken: unknown roles: 3 of 9; check their spelling"]);
    }],

    ["a list is read once, so that it cannot change after its check", async () => {
      const changing = () => {
        let reads = 0;
        return Object.defineProperty(["x"], 0, { get: () => (reads++ === 0 ? "ok" : "..") });
      };
      equal(payload(mint({ groups: changing() }).token)["webpubsub.group"], ["ok"]);
      const { client, recorded } = scripted("202");
      await client.sendToAll(1, { excludedConnections: changing() });
      ok((await recorded())[0].url.endsWith("&excluded=ok"), "the checked id is sent");
    }],

    ["a connection id is at most 1024 characters long", async () => {
      const { client, recorded } = scripted("202,204");
      await client.sendToAll(1, { excludedConnections: ["c".repeat(1024)] });
      const long = "c".repeat(1025);
      for (const call of [
        () => client.sendToAll(1, { excludedConnections: ["c", long] }),
        () => client.closeAllConnections({ excluded: [long] }),
        () => client.closeConnection(long),
      ]) {
        const error = await rejects(call);
        equal([error.code, /1024/.test(error.message)], ["ERR_CONNECTION_ID", true], String(call));
      }
      equal((await recorded()).length, 1);
    }],

    ["a token that no header can carry is refused before fetch sees it", async () => {
      for (const token of ["SECRET\nx", "SECRET\0", "SECRET é", " SECRET"]) {
        const credential = { getToken: async () => ({ token, expiresOnTimestamp: Date.now() + 3_600_000 }) };
        const error = await rejects(() => new WebPubSubServiceClient("https://a", credential, "hub").sendToAll(1));
        equal(error.code, "ERR_CREDENTIAL");
        ok(!everything(error).includes("SECRET"), everything(error));
      }
    }],

    ["a custom header that cannot be sent is refused before fetch sees it", async () => {
      const { client, recorded } = scripted("202");
      for (const customHeaders of [{ "x-key": "SECRET\r\nx: 1" }, { "x-key": "SECRET\0" }, { "x-key": "SECRET é" }, { "SECRET key": "1" }, { "": "SECRET" }, { "x-key": 5 }]) {
        const error = await rejects(() => client.sendToAll(1, { requestOptions: { customHeaders } }));
        equal(error.code, "ERR_HEADER", JSON.stringify(customHeaders));
        ok(!everything(error).includes("SECRET"), everything(error));
      }
      equal(await recorded(), []);
    }],

    ["an error holds nothing that fetch or a credential put into theirs, but names and codes", async () => {
      class Failed extends Error {
        name = "FailedError";
        code = "ECONNRESET";
        constructor(url, init) {
          super(`cannot send ${url} ${init.headers?.authorization} SECRET`, { cause: Object.assign(new Error("SECRET"), { code: "EPIPE" }) });
          Object.assign(this, { url, init, errors: [new Error(String(url))], request: { url } });
        }
      }
      const throwing = (make) => new WebPubSubServiceClient(CONNECTION, "hub", {
        fetch: async (url, init) => {
          throw make(url, init);
        },
      });
      const error = await rejects(() => throwing((url, init) => new Failed(url, init)).sendToUser("ann", 1));
      equal([error.code, error.cause.name, error.cause.code, error.cause.cause.code], ["ERR_NETWORK", "FailedError", "ECONNRESET", "EPIPE"]);
      const token = { getToken: async () => Promise.reject(new Failed("https://login/api/hubs", { headers: {} })) };
      const refused = await rejects(() => new WebPubSubServiceClient("https://a", token, "hub").sendToAll(1));
      equal([refused.code, refused.cause.code], ["ERR_CREDENTIAL", "ECONNRESET"]);
      const many = await rejects(() => throwing((url) => new AggregateError([new Error(`SECRET ${url}`)], String(url))).sendToAll(1));
      equal(many.cause.name, "AggregateError");
      for (const each of [error, refused, many]) {
        ok(!/SECRET|api\/hubs|eyJ|Bearer/.test(everything(each)), everything(each));
      }
      const plain = await rejects(() => throwing(() => new TypeError("fetch failed")).sendToAll(1));
      equal(plain.cause.message, "fetch failed");
      const odd = await rejects(() => throwing(() => "SECRET").sendToAll(1));
      equal([odd.code, odd.cause], ["ERR_NETWORK", undefined]);

      const options = { fetch: async (url, init) => Promise.reject(new Failed(url, { headers: { authorization: init.body } })) };
      const entra = await rejects(() => new ClientSecretCredential("t", "c", "SECRET", options).getToken("s"));
      equal([entra.code, entra.cause.code], ["ERR_CREDENTIAL", "ECONNRESET"]);
      ok(!/SECRET|login\.microsoft/.test(everything(entra)), everything(entra));
    }],

    ["an answer larger than 4 MiB is cancelled and not asked for again", async () => {
      let isCancelled = false;
      let sent = 0;
      const endless = () => new ReadableStream({
        pull: (controller) => controller.enqueue(new Uint8Array(65_536).fill(32)),
        cancel: () => void (isCancelled = true),
      });
      const fetch = async () => {
        sent++;
        return new Response(endless(), { status: 200 });
      };
      const error = await rejects(() => client({ fetch }).group("g").listConnections().next());
      equal([error.code, isCancelled, sent], ["ERR_ANSWER_TOO_LARGE", true, 1]);
      const entra = new ClientSecretCredential("t", "c", "s", { fetch });
      equal((await rejects(() => entra.getToken("s"))).code, "ERR_CREDENTIAL");
      const fits = new Response(`{"value":[]}${" ".repeat(4 * 1024 * 1024 - 12)}`, { status: 200 });
      equal(await collect(client({ fetch: async () => fits }).group("g").listConnections()), []);
      const noStream = { status: 200, headers: new Headers(), text: async () => '{"value":[]}' };
      equal(await collect(client({ fetch: async () => noStream }).group("g").listConnections()), []);
      const real = scripted("endless");
      equal((await rejects(() => real.client.group("g").listConnections().next())).code, "ERR_ANSWER_TOO_LARGE");
    }],

    ["an answer that comes after the call has ended is cancelled", async () => {
      let cancelled;
      const isCancelled = new Promise((resolve) => (cancelled = resolve));
      let answer;
      const fetch = () => new Promise((resolve) => (answer = resolve));
      const requestOptions = { totalTimeout: 20 };
      equal((await rejects(() => client({ fetch }).sendToAll(1, { requestOptions }))).code, "ERR_TIMEOUT");
      answer(new Response(new ReadableStream({ cancel: () => cancelled() }), { status: 202 }));
      await isCancelled;
    }],

    ["a call has a total timeout of 100 seconds, which can be turned off", async () => {
      const deaf = client({ fetch: () => new Promise(() => {}) });
      const started = [];
      const real = globalThis.setTimeout;
      globalThis.setTimeout = (callback, milliseconds, ...rest) => {
        // Shorter ones are the host's.
        if (milliseconds >= 30_000) started.push(milliseconds);
        return real(callback, Math.min(milliseconds, 20), ...rest);
      };
      try {
        equal((await rejects(() => deaf.sendToAll(1))).code, "ERR_TIMEOUT");
        equal(started, [100_000]);
        const requestOptions = { totalTimeout: 0, timeout: 30_000 };
        equal((await rejects(() => deaf.sendToAll(1, { requestOptions }))).code, "ERR_TIMEOUT");
        equal(started, [100_000, 30_000], "only the limit of the try is left");
        const entra = new ClientSecretCredential("t", "c", "s", { fetch: (_, { signal }) => new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason))) });
        equal((await rejects(() => entra.getToken("s"))).code, "ERR_CREDENTIAL");
        equal(started, [100_000, 30_000, 100_000]);
      } finally {
        globalThis.setTimeout = real;
      }
    }],

    ["a challenge that comes while a token is refreshed gets a token with its claims", async () => {
      const claims = btoa('{"a":1}');
      const challenge = () => new Response(null, { status: 401, headers: { "www-authenticate": `Bearer claims="${claims}"` } });
      const asked = [];
      let now = 1_700_000_000_000;
      let release;
      const credential = {
        getToken: async (_, options) => {
          asked.push(options.claims);
          const number = asked.length;
          if (number === 2) {
            await new Promise((resolve) => (release = resolve));
          }
          return { token: options.claims === undefined ? `plain-${number}` : `claims-${number}`, expiresOnTimestamp: now + 3_600_000 };
        },
      };
      const waiting = [];
      const fetch = async (_, { headers }) => {
        if (headers.authorization === "Bearer plain-1") {
          await new Promise((resolve) => waiting.push(resolve));
        }
        return headers.authorization.includes("claims") ? new Response(null, { status: 202 }) : challenge();
      };
      const one = new WebPubSubServiceClient("https://a", credential, "hub", { fetch, now: () => now });
      const until = async (isTrue) => {
        while (!isTrue()) await new Promise((resolve) => setTimeout(resolve, 1));
      };
      const early = [one.sendToAll(1), one.sendToAll(2)];
      await until(() => waiting.length === 2);
      now += 3_600_000;
      const late = one.sendToAll(3);
      await until(() => release !== undefined);
      waiting.forEach((answer) => answer());
      await new Promise((resolve) => setTimeout(resolve, 20));
      release();
      await Promise.all([...early, late]);
      equal(asked, [undefined, undefined, '{"a":1}'], "the two calls share one further token");
    }],

    ["what onResponse throws ends the call, and nothing is sent again", async () => {
      const mine = new Error("mine");
      const { client, recorded } = scripted("200");
      const onResponse = () => {
        throw mine;
      };
      ok((await rejects(() => client.userExists("u", { onResponse }))) === mine, "the caller's own error");
      equal((await recorded()).length, 1);
    }],

    ["status 429 without Retry-After follows the retry policy", async () => {
      const { client, recorded } = scripted("429,429,202", { retryOptions: { retryDelayInMs: 1 } });
      await client.sendToAll(1);
      equal((await recorded()).length, 3);
      const twice = scripted("429", { retryOptions: { maxRetries: 1, retryDelayInMs: 1 } });
      equal((await rejects(() => twice.client.sendToAll(1))).statusCode, 429);
      equal((await twice.recorded()).length, 2);
    }],

    ["isRestError tells the service's refusals from other errors, whichever copy made them", async () => {
      const refused = await rejects(() => scripted("bad").client.sendToAll(1));
      ok(refused instanceof RestError && isRestError(refused), "ours");
      ok(isRestError({ name: "RestError", message: "of another copy" }), "of another copy");
      const unreached = await rejects(() => client({ fetch: async () => Promise.reject(new Error("x")), retryOptions: { maxRetries: 0 } }).sendToAll(1));
      for (const other of [unreached, new Error("x"), { name: "RestError" }, "RestError", null, undefined, ["RestError"]]) {
        ok(!isRestError(other), String(other));
      }
    }],
  ];
}

/** Everything that a program could log of an error. */
function everything(error, depth = 0) {
  if (depth > 5 || error === null || typeof error !== "object") {
    return String(error);
  }
  return Reflect.ownKeys(error).map((key) => `${String(key)}: ${everything(error[key], depth + 1)}`).join("\n");
}
