// Keys that change, tokens of Entra ID, and what a token of ours can carry.

import { equal, ok, rejects, throws } from "./expect.mjs";
import { at, KEY, payload, tools } from "./tools.mjs";

export function credentials(lib, given) {
  const { AzureKeyCredential, ClientAssertionCredential, ClientSecretCredential, roles, WebPubSubServiceClient } = lib;
  const { mint, withTokens } = tools(lib, given);

  return [
    ["a key can be replaced, and the next call signs with it", () => {
      const credential = new AzureKeyCredential("first");
      const one = new WebPubSubServiceClient("https://a", credential, "hub");
      const token = () => at(1_700_000_000, () => one.getClientAccessTokenSync().token);
      const first = token();
      credential.update("second");
      ok(token() !== first, "another key signs otherwise");
      credential.update("first");
      equal(token(), first);
      const official = new WebPubSubServiceClient("https://a", { key: "first" }, "hub");
      equal(at(1_700_000_000, () => official.getClientAccessTokenSync().token), first);
      for (const bad of ["", " ", undefined, 5]) {
        ok(throws(() => new AzureKeyCredential(bad)) instanceof TypeError, String(bad));
        ok(throws(() => credential.update(bad)) instanceof TypeError, String(bad));
      }
      ok(!JSON.stringify(credential).includes("first"), "the key is not shown");
      ok(throws(() => new WebPubSubServiceClient("https://a", {}, "hub")) instanceof TypeError, "no credential");
    }],

    ["a token credential is asked once, however many calls want a token", async () => {
      const { client, asked, recorded } = withTokens("202");
      await Promise.all([1, 2, 3].map((n) => client.sendToAll(n)));
      await client.sendToAll(4);
      equal(asked, [{ scopes: ["https://webpubsub.azure.com/.default"], claims: undefined }]);
      equal([...new Set((await recorded()).map(({ headers }) => headers.authorization))], ["Bearer entra-1"]);
    }],

    ["a token that is about to expire is refreshed", async () => {
      const { client, asked } = withTokens("202", {}, 60_000);
      await client.sendToAll(1);
      await client.sendToAll(2);
      equal(asked.length, 2);
    }],

    ["a challenge for claims is answered once", async () => {
      const { client, asked, recorded } = withTokens("challenge,202");
      await client.sendToAll(1);
      equal(asked.map(({ claims }) => claims), [undefined, '{"a":1}']);
      equal((await recorded()).map(({ headers }) => headers.authorization), ["Bearer entra-1", "Bearer entra-2"]);
      const again = withTokens("challenge");
      equal((await rejects(() => again.client.sendToAll(1))).statusCode, 401);
      equal((await again.recorded()).length, 2);
    }],

    ["with a token credential the service mints", async () => {
      const { client, recorded } = withTokens("token");
      const options = { userId: "u 1", roles: ["r1", "r2"], groups: ["g"], expirationTimeInMinutes: 5.9, clientProtocol: "MQTT" };
      const { token, baseUrl, url, expiresOn } = await client.getClientAccessToken(options);
      equal(token, "minted-by-the-service");
      ok(baseUrl.startsWith("ws://127.0.0.1:") && baseUrl.endsWith("/clients/mqtt/hubs/hub"), baseUrl);
      equal(url, `${baseUrl}?access_token=${token}`);
      ok(Math.abs(expiresOn - Date.now() - 300_000) < 10_000, String(expiresOn));
      await client.getClientAccessToken({ expirationTimeInMinutes: 0.1 });
      await client.getClientAccessToken();
      equal((await recorded()).map(({ method, url }) => `${method} ${url.split("?")[1]}`), [
        "POST api-version=2024-12-01&userId=u%201&role=r1&role=r2&minutesToExpire=5&group=g&clientType=mqtt",
        "POST api-version=2024-12-01&minutesToExpire=1",
        "POST api-version=2024-12-01&minutesToExpire=60",
      ]);
      for (const [options, code] of [
        [{ expirationTimeInMinutes: -1 }, "ERR_EXPIRATION"],
        [{ expirationTimeInMinutes: Number.NaN }, "ERR_EXPIRATION"],
        [{ expiresAt: new Date(0) }, "ERR_EXPIRATION"],
        [{ clientProtocol: "ws" }, "ERR_CLIENT_PROTOCOL"],
        [{ claims: { a: 1 } }, "ERR_CLAIM"],
        [{ groups: [".."] }, "ERR_GROUP"],
        [{ roles: [""] }, "ERR_ROLE"],
      ]) {
        equal((await rejects(() => client.getClientAccessToken(options))).code, code, JSON.stringify(options));
      }
      equal(throws(() => client.getClientAccessTokenSync()).code, "ERR_CREDENTIAL");
    }],

    ["tokens of Entra ID go over https only, or to this machine when told so", async () => {
      const credential = { getToken: async () => ({ token: "t", expiresOnTimestamp: Date.now() + 3_600_000 }) };
      for (const [endpoint, options] of [
        ["http://service.example", {}],
        ["http://service.example", { allowInsecureConnection: true }],
        [given.origin, {}],
      ]) {
        const client = new WebPubSubServiceClient(endpoint, credential, "hub", options);
        equal((await rejects(() => client.sendToAll(1))).code, "ERR_INSECURE_ENDPOINT", endpoint);
      }
    }],

    ["a connection string without a key goes with a credential, one with a key does not", () => {
      const credential = { getToken: async () => null };
      equal(new WebPubSubServiceClient("Endpoint=https://a;AuthType=azure;Version=1.0;", credential, "hub").endpoint, "https://a/");
      const both = throws(() => new WebPubSubServiceClient(`Endpoint=https://a;AccessKey=${KEY}`, credential, "hub"));
      equal(both.code, "ERR_CONNECTION_STRING");
      ok(!both.message.includes(KEY), both.message);
      equal(throws(() => new WebPubSubServiceClient("Endpoint=https://a;AuthType=azure", "hub")).code, "ERR_CONNECTION_STRING");
    }],

    ["a credential that gives no token is an error of its own", async () => {
      for (const getToken of [async () => null, async () => ({ token: "" }), async () => Promise.reject(new Error("no"))]) {
        const client = new WebPubSubServiceClient("https://a", { getToken }, "hub");
        equal((await rejects(() => client.sendToAll(1))).code, "ERR_CREDENTIAL");
      }
    }],

    ["Entra ID gives tokens for a secret and for an assertion", async () => {
      const seen = [];
      const fetch = async (url, { method, body, redirect }) => {
        seen.push([method, url, Object.fromEntries(new URLSearchParams(body)), redirect]);
        return Response.json({ access_token: "T", expires_in: 3599 });
      };
      const secret = new ClientSecretCredential("tenant", "client", "s&=cret", { fetch });
      const { token, expiresOnTimestamp } = await secret.getToken(["scope/.default"], { claims: "{}" });
      equal(token, "T");
      ok(Math.abs(expiresOnTimestamp - Date.now() - 3_599_000) < 5_000, String(expiresOnTimestamp));
      let count = 0;
      const options = { fetch, authorityHost: "https://login.example/" };
      await new ClientAssertionCredential("tenant", "client", async () => `jwt-${++count}`, options).getToken("scope");
      await new ClientAssertionCredential("tenant", "client", "fixed", { fetch }).getToken("scope");
      const form = { grant_type: "client_credentials", client_id: "client", scope: "scope" };
      const type = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
      const path = "tenant/oauth2/v2.0/token";
      equal(seen, [
        ["POST", `https://login.microsoftonline.com/${path}`, { ...form, scope: "scope/.default", client_secret: "s&=cret", claims: "{}" }, "manual"],
        ["POST", `https://login.example/${path}`, { ...form, client_assertion_type: type, client_assertion: "jwt-1" }, "manual"],
        ["POST", `https://login.microsoftonline.com/${path}`, { ...form, client_assertion_type: type, client_assertion: "fixed" }, "manual"],
      ]);
    }],

    ["what Entra ID refuses is said without the secret", async () => {
      const fetch = async () => Response.json({ error: "invalid_client", error_description: "SECRET" }, { status: 401 });
      const error = await rejects(() => new ClientSecretCredential("tenant", "client", "SECRET", { fetch }).getToken("scope"));
      ok(error.code === "ERR_CREDENTIAL" && /invalid_client/.test(error.message) && !/SECRET/.test(error.message), error.message);
      for (const args of [
        ["", "c", "s"],
        ["t", "", "s"],
        ["t", "c", ""],
        ["../x", "c", "s"],
        ["..", "c", "s"],
        ["t", "c", "s", { authorityHost: "http://login.example" }],
      ]) {
        equal(throws(() => new ClientSecretCredential(...args)).code, "ERR_CREDENTIAL", JSON.stringify(args));
      }
    }],

    ["tokens carry custom claims and headers, and expire when told", () => {
      const { token, expiresOn } = at(1_700_000_000, () =>
        mint({ claims: { tier: "gold", ids: [1, null], none: undefined }, jwtHeader: { kid: "k1" }, expiresAt: new Date(1_700_000_090_999) }),
      );
      equal(JSON.parse(atob(token.split(".")[0])), { alg: "HS256", typ: "JWT", kid: "k1" });
      const { tier, ids, exp } = payload(token);
      equal([tier, ids, exp, expiresOn.getTime()], ["gold", [1, null], 1_700_000_090, 1_700_000_090_000]);
      for (const options of [
        { claims: { role: ["x"] } },
        { claims: { sub: "root" } },
        { claims: { "": 1 } },
        { jwtHeader: { alg: "none" } },
      ]) {
        equal(throws(() => mint(options)).code, "ERR_CLAIM", JSON.stringify(options));
      }
      for (const time of [0, 1_700_000_000_000, Number.NaN]) {
        const error = throws(() => at(1_700_000_000, () => mint({ expiresAt: new Date(time) })));
        ok(error instanceof RangeError, String(time));
      }
    }],

    ["roles cannot be misspelt", () => {
      equal(
        [roles.joinLeaveGroup(), roles.joinLeaveGroup("a.b"), roles.sendToGroup(), roles.sendToGroup("g")],
        ["webpubsub.joinLeaveGroup", "webpubsub.joinLeaveGroup.a.b", "webpubsub.sendToGroup", "webpubsub.sendToGroup.g"],
      );
      equal([roles.joinLeaveGroups("a.*"), roles.sendToGroups("**")], ["webpubsub.joinLeaveGroups.a.*", "webpubsub.sendToGroups.**"]);
      equal([roles.setGroupState(), roles.getGroupState()], ["webpubsub.setGroupState", "webpubsub.getGroupState"]);
      for (const call of [
        () => roles.sendToGroup(""),
        () => roles.sendToGroups(""),
        () => roles.sendToGroups("******"),
        () => roles.joinLeaveGroup("\ud800"),
      ]) {
        equal(throws(call).code, "ERR_ROLE", String(call));
      }
    }],
  ];
}
