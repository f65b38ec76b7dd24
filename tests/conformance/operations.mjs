// Every operation but the sends, filters, and the options that all of them share.

import { equal, ok, rejects, throws } from "./expect.mjs";
import { collect, CONNECTION, payload, tools } from "./tools.mjs";

export function operations(lib, given) {
  const { WebPubSubServiceClient, odata } = lib;
  const { client, scripted } = tools(lib, given);

  return [
    ["every operation says what the contract says and answers what it should", async () => {
      const id = "c/1";
      const group = (client) => client.group("g 1");
      const options = { targetName: "g" };
      for (const [script, call, result, method, path, query = ""] of [
        ["200", (c) => c.connectionExists(id), true, "HEAD", "connections/c%2F1"],
        ["404", (c) => c.connectionExists(id), false, "HEAD", "connections/c%2F1"],
        ["200", (c) => c.groupExists("g"), true, "HEAD", "groups/g"],
        ["404", (c) => c.userExists("u"), false, "HEAD", "users/u"],
        ["200", (c) => c.hasPermission(id, "sendToGroup", options), true, "HEAD", "permissions/sendToGroup/connections/c%2F1", "&targetName=g"],
        ["404", (c) => c.hasPermission(id, "joinLeaveGroup"), false, "HEAD", "permissions/joinLeaveGroup/connections/c%2F1"],
        ["200", (c) => c.grantPermission(id, "sendToGroup", options), undefined, "PUT", "permissions/sendToGroup/connections/c%2F1", "&targetName=g"],
        ["204", (c) => c.revokePermission(id, "sendToGroup", options), undefined, "DELETE", "permissions/sendToGroup/connections/c%2F1", "&targetName=g"],
        ["204", (c) => c.closeConnection(id, { reason: "a b" }), undefined, "DELETE", "connections/c%2F1", "&reason=a%20b"],
        ["204", (c) => c.closeAllConnections({ excluded: ["x", "y"], reason: "r" }), undefined, "POST", ":closeConnections", "&excluded=x&excluded=y&reason=r"],
        ["204", (c) => c.closeUserConnections("u"), undefined, "POST", "users/u/:closeConnections"],
        ["204", (c) => group(c).closeAllConnections({ excluded: [] }), undefined, "POST", "groups/g%201/:closeConnections"],
        ["200", (c) => group(c).addConnection(id), undefined, "PUT", "groups/g%201/connections/c%2F1"],
        ["204", (c) => group(c).removeConnection(id), undefined, "DELETE", "groups/g%201/connections/c%2F1"],
        ["200", (c) => group(c).addUser("u"), undefined, "PUT", "users/u/groups/g%201"],
        ["204", (c) => group(c).removeUser("u"), undefined, "DELETE", "users/u/groups/g%201"],
        ["204", (c) => c.removeUserFromAllGroups("u"), undefined, "DELETE", "users/u/groups"],
        ["204", (c) => c.removeConnectionFromAllGroups(id), undefined, "DELETE", "connections/c%2F1/groups"],
        ["200", (c) => c.addConnectionsToGroups(["a"], ""), undefined, "POST", ":addToGroups"],
        ["200", (c) => c.removeConnectionsFromGroups(["a"], ""), undefined, "POST", ":removeFromGroups"],
        ["200", (c) => c.getServiceStatus(), undefined, "HEAD", "/api/health"],
      ]) {
        const { client, endpoint, recorded } = scripted(script);
        equal(await call(client), result, path);
        const [request, ...more] = await recorded();
        const full = new URL(endpoint).pathname + (path.startsWith("/") ? path : `/api/hubs/hub/${path}`);
        equal([request.method, request.url, more.length], [method, `${full}?api-version=2024-12-01${query}`, 0]);
      }
      const bulk = scripted("200");
      await bulk.client.addConnectionsToGroups(["a", '"'], odata`userId eq ${"x'y"}`);
      const [{ body, headers }] = await bulk.recorded();
      equal(JSON.parse(atob(body)), { groups: ["a", '"'], filter: "userId eq 'x''y'" });
      equal(headers["content-type"], "application/json");
    }],

    ["every operation refuses names that would address something else", async () => {
      const { client, recorded } = scripted("200");
      const group = client.group("g");
      for (const bad of ["", ".", "..", "\ud800"]) {
        for (const call of [
          () => client.connectionExists(bad),
          () => client.groupExists(bad),
          () => client.userExists(bad),
          () => client.hasPermission(bad, "sendToGroup"),
          () => client.grantPermission("c", bad),
          () => client.revokePermission("c", "sendToGroup", { targetName: bad }),
          () => client.closeConnection(bad),
          () => client.closeUserConnections(bad),
          () => client.closeAllConnections({ excluded: [bad] }),
          () => group.addConnection(bad),
          () => group.removeConnection(bad),
          () => group.addUser(bad),
          () => group.removeUser(bad),
          () => client.removeUserFromAllGroups(bad),
          () => client.removeConnectionFromAllGroups(bad),
          () => client.addConnectionsToGroups([bad], ""),
          () => client.removeConnectionsFromGroups(["g", bad], ""),
        ]) {
          ok(/^ERR_/.test((await rejects(call)).code), `${call} ${bad}`);
        }
      }
      equal((await rejects(() => client.addConnectionsToGroups([], ""))).code, "ERR_GROUP");
      equal((await rejects(() => client.sendToConnection("c", 1, { filter: "x" }))).code, "ERR_OPTION");
      equal(await recorded(), []);
    }],

    ["a listing is iterated, awaited, and read by page", async () => {
      const all = [{ connectionId: "c0" }, { connectionId: "c1", userId: "u1" }, { connectionId: "c2", userId: "u2" }];
      const { client, recorded } = scripted("pages");
      const group = client.group("g");
      equal(await collect(group.listConnections({ maxPageSize: 1, top: 5 })), all);
      const requests = await recorded();
      equal(requests.length, 3);
      ok(requests[0].url.endsWith("?api-version=2024-12-01&maxpagesize=1&top=5"), requests[0].url);
      equal(payload(requests[2].headers.authorization.replace("Bearer ", "")).aud, new URL(requests[2].url, given.origin).href);

      equal(await collect(await group.listConnections()), all);
      const pages = await collect(group.listConnections().byPage({ maxPageSize: 1 }));
      equal(pages.map((page) => [...page]), all.map((entry) => [entry]));
      const rest = await collect(group.listConnections().byPage({ continuationToken: pages[0].continuationToken }));
      equal(rest.map((page) => [...page]), all.slice(1).map((entry) => [entry]));
      equal(await collect(group.listConnections({ continuationToken: "2" })), all.slice(2));

      for (const [options, code] of [
        [{ maxPageSize: 0 }, "ERR_PAGE_SIZE"],
        [{ maxPageSize: 201 }, "ERR_PAGE_SIZE"],
        [{ maxPageSize: 1.5 }, "ERR_PAGE_SIZE"],
        [{ top: 0 }, "ERR_TOP"],
        [{ continuationToken: "" }, "ERR_CONTINUATION_TOKEN"],
      ]) {
        equal((await rejects(() => group.listConnections(options).next())).code, code);
      }
    }],

    ["a listing does not follow a link to another host, where the token would go with it", async () => {
      const { client } = scripted("astray");
      equal((await rejects(() => collect(client.group("g").listConnections()))).code, "ERR_CONTINUATION_TOKEN");
    }],

    ["a filter cannot be injected into", () => {
      const evil = "' or userId ne '";
      equal(odata`userId eq ${evil}`, "userId eq ''' or userId ne '''");
      equal(odata`userId eq '${evil}'`, "userId eq ''' or userId ne '''");
      equal(odata`startswith(userId,'a-${"b'c"}-d')`, "startswith(userId,'a-b''c-d')");
      equal(odata`userId eq 'it''s' or ${"g"} in groups`, "userId eq 'it''s' or 'g' in groups");
      equal(odata`length(groups) gt ${3} and ${true} eq ${null}`, "length(groups) gt 3 and true eq null");
      equal(odata`1 lt ${9007199254740993n}`, "1 lt 9007199254740993");
      for (const bad of [undefined, {}, ["a"], Symbol("s"), () => {}, 1.5, Number.NaN, Infinity, new Date(), "\ud800"]) {
        const error = throws(() => odata`userId eq ${bad}`);
        equal(error.code, "ERR_FILTER", typeof bad);
      }
      equal(throws(() => odata`userId eq '${5}'`).code, "ERR_FILTER");
      equal(throws(() => odata`userId eq '${"a"}`).code, "ERR_FILTER");
    }],

    ["a reverse proxy gets the requests, scheme and base path included", async () => {
      const sent = [];
      const fetch = async (url, init) => {
        sent.push([url, payload(init.headers.authorization.replace("Bearer ", "")).aud]);
        return new Response(null, { status: 202 });
      };
      const proxied = client({ fetch, reverseProxyEndpoint: "https://proxy.example:8443/base/" });
      await proxied.sendToAll(1);
      const path = "/api/hubs/hub/:send?api-version=2024-12-01";
      equal(sent, [[`https://proxy.example:8443/base${path}`, `https://host.webpubsub.azure.com${path}`]]);
      ok(proxied.getClientAccessTokenSync().baseUrl.startsWith("wss://host.webpubsub.azure.com/"), "clients connect to the service");
      const insecure = client({ fetch, reverseProxyEndpoint: "http://proxy.example" });
      equal((await rejects(() => insecure.sendToAll(1))).code, "ERR_INSECURE_ENDPOINT");
      equal(throws(() => client({ reverseProxyEndpoint: "ftp://x" })).code, "ERR_ENDPOINT");
    }],

    ["headers, answers, the clock and the log are the caller's", async () => {
      const lines = [];
      const statuses = [];
      const { client, recorded } = scripted("429:1,202", { now: () => 1_700_000_000_000, logger: (line) => lines.push(line) });
      await client.sendToUser("ann", "secret", {
        requestOptions: { customHeaders: { traceparent: "00-1-2-01", Authorization: "mine", "X-Own": "1" } },
        onResponse: ({ status, headers, requestId }) => statuses.push([status, headers.get("retry-after-ms"), typeof requestId]),
      });
      const [first] = await recorded();
      equal([first.headers.traceparent, first.headers["x-own"]], ["00-1-2-01", "1"]);
      equal(payload(first.headers.authorization.replace("Bearer ", "")).iat, 1_700_000_000);
      equal(statuses, [[429, "1", "string"], [202, null, "string"]]);
      equal(lines, ["sendToUser: try 1: status 429, again in 1 ms", "sendToUser: try 2: status 202"]);
    }],

    ["the whole call ends in time", async () => {
      const waiting = scripted("429:30000");
      const error = await rejects(() => waiting.client.sendToAll(1, { requestOptions: { totalTimeout: 1000 } }));
      equal([error.statusCode, (await waiting.recorded()).length], [429, 1]);
      const hanging = scripted("hang");
      equal((await rejects(() => hanging.client.sendToAll(1, { requestOptions: { totalTimeout: 50 } }))).code, "ERR_TIMEOUT");
      for (const requestOptions of [{ timeout: -1 }, { totalTimeout: 1.5 }, { timeout: Number.NaN }, { timeout: 2 ** 31 }, { timeout: "5" }]) {
        ok((await rejects(() => hanging.client.sendToAll(1, { requestOptions }))) instanceof RangeError, JSON.stringify(requestOptions));
      }
    }],

    ["an abort ends the call in every phase: while a message is read, while it waits, whatever fetch does", async () => {
      const reason = new Error("mine");
      const soon = () => {
        const controller = new AbortController();
        setTimeout(() => controller.abort(reason), 30);
        return controller.signal;
      };
      let isCancelled = false;
      const stalled = () => new ReadableStream({ cancel: () => void (isCancelled = true) });
      const { client, recorded } = scripted("202");
      const reading = await rejects(() => client.sendToAll(stalled(), { abortSignal: soon() }));
      equal([reading.name, reading.cause === reason, isCancelled], ["AbortError", true, true]);
      const late = await rejects(() => client.sendToAll(stalled(), { requestOptions: { totalTimeout: 30 } }));
      equal([late.code, await recorded()], ["ERR_TIMEOUT", []]);

      // The answer comes first, then the abort, then the wait.
      const controller = new AbortController();
      const waiting = scripted("429:60000");
      const onResponse = () => controller.abort(reason);
      const asleep = await rejects(() => waiting.client.sendToAll(1, { abortSignal: controller.signal, onResponse }));
      equal([asleep.name, asleep.cause === reason], ["AbortError", true]);

      const deaf = new WebPubSubServiceClient(CONNECTION, "hub", { fetch: () => new Promise(() => {}) });
      equal((await rejects(() => deaf.sendToAll(1, { abortSignal: soon() }))).name, "AbortError");
      equal((await rejects(() => deaf.sendToAll(1, { requestOptions: { timeout: 30 } }))).code, "ERR_TIMEOUT");
    }],

    ["bytes are copied when the call is made, and an error holds no URL", async () => {
      const bytes = new Uint8Array([1, 2, 3]);
      const { client, recorded } = scripted("429:20,202");
      const sending = client.sendToAll(bytes, { onResponse: () => bytes.fill(9) });
      await sending;
      equal((await recorded()).map(({ body }) => body), ["AQID", "AQID"]);

      // Some hosts' URL parsers take this name.
      if (!URL.canParse("https://xn--")) {
        equal(throws(() => new WebPubSubServiceClient("Endpoint=https://xn--;AccessKey=k", "hub")).code, "ERR_ENDPOINT");
      }
      const fetch = async (url) => {
        throw new TypeError(`Failed to parse URL from ${url}`);
      };
      const error = await rejects(() => new WebPubSubServiceClient(CONNECTION, "hub", { fetch }).sendToUser("ann", 1));
      equal([error.code, error.cause.name], ["ERR_NETWORK", "TypeError"]);
      ok(!/https:|api\/hubs/.test(`${error.message} ${error.cause.message} ${error.cause.stack}`), error.cause.message);
    }],

    ["null options are no options, and what is far too long is refused", async () => {
      const { client } = scripted("202");
      await client.sendToAll(1, null);
      ok(new WebPubSubServiceClient(CONNECTION, "hub", null).getClientAccessTokenSync(null).token, "minted");
      const long = "x".repeat(1_048_577);
      equal((await rejects(() => client.sendToAll(1, { filter: long }))).code, "ERR_ARGUMENT_TYPE");
      equal((await rejects(() => client.sendToUser(long, 1))).code, "ERR_USER_ID");
      equal((await rejects(() => client.sendToAll(long, { contentType: "text/plain" }))).code, "ERR_MESSAGE_TOO_LARGE");
      equal(client.getClientAccessTokenSync({ roles: Array.from({ length: 200_000 }, () => "r") }).token.split(".").length, 3);
    }],

    ["without strictness the patterns fall, and addressing stays safe", async () => {
      const { endpoint, recorded } = scripted("202");
      const loose = new WebPubSubServiceClient(`Endpoint=${endpoint};AccessKey=k`, "1-hub", { strict: false });
      await loose.group(" ").sendToAll(1);
      ok((await recorded())[0].url.includes("/api/hubs/1-hub/groups/%20/:send"), "sent");
      ok(loose.getClientAccessTokenSync({ groups: [" "] }).baseUrl.endsWith("/1-hub"), "minted");
      for (const bad of ["", ".", ".."]) {
        equal(throws(() => loose.group(bad)).code, "ERR_GROUP");
        equal(throws(() => new WebPubSubServiceClient(CONNECTION, bad, { strict: false })).code, "ERR_HUB");
      }
    }],
  ];
}
