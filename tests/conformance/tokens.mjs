// Client access tokens: vectors, recorded cases, options, the clock.

import { equal, ok, throws } from "./expect.mjs";
import { at, payload, sorted, tools } from "./tools.mjs";

export function tokens(lib, given) {
  const { WebPubSubServiceClient } = lib;
  const { client, mint } = tools(lib, given);

  return [
    ...given.vectors.clientTokens.map((vector) => [
      `token vector: ${vector.baseUrl}`,
      async () => {
        const { connectionString, hub, now, token: expectedToken, baseUrl: expectedUrl, ...options } = vector;
        const { token, baseUrl, url, expiresOn } = await at(now, () =>
          new WebPubSubServiceClient(connectionString, hub).getClientAccessToken(options),
        );
        equal([token, baseUrl], [expectedToken, expectedUrl]);
        equal(url, `${baseUrl}?access_token=${token}`);
        equal(expiresOn.getTime(), (now + options.expirationTimeInMinutes * 60) * 1000);
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

    ["every token is as good as the first, also in code that an engine has compiled", () => {
      for (let index = 0; index < 50_000; index++) {
        const { token } = mint({ userId: `user ${index}` });
        if (index % 5_000 === 0) equal(payload(token).sub, `user ${index}`);
      }
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
  // The options of the other languages, under our names.
  const { expiresAfter, expiresAfterMinutes, jwtHeaders, ...options } = inputs.options ?? {};
  const minutes = expiresAfter === "1 day" ? 24 * 60 : expiresAfterMinutes;
  if (minutes !== undefined) {
    options.expirationTimeInMinutes = minutes;
  }
  options.jwtHeader = jwtHeaders;
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
  for (const [name, value] of Object.entries(inputs.options?.jwtHeaders ?? {})) {
    equal(JSON.parse(atob(token.split(".")[0]))[name], value);
  }
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
