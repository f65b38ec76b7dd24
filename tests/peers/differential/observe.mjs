// Runs a call with either client on a stub transport, and tells what would have gone over the wire.

/** The time of every call, in milliseconds. */
export const NOW = 1_790_000_000_250;

/** With our package: what was sent, and what the call gave or why it was refused. */
export async function observeOurs({ WebPubSubServiceClient, AzureKeyCredential }, call) {
  const requests = [];
  const answer = answers(call);
  const fetch = async (url, { method, headers, body }) => {
    // As fetch would send it: the token must be good for that.
    requests.push(await request(method, new URL(url).href, Object.entries(headers), body));
    const { status, text } = answer();
    return new Response(text, { status });
  };
  return observe(requests, () => make(WebPubSubServiceClient, AzureKeyCredential, call, { ...call.options, fetch }));
}

/** With the official SDK. */
export async function observeTheirs({ WebPubSubServiceClient, AzureKeyCredential }, call) {
  const requests = [];
  const answer = answers(call);
  const httpClient = {
    async sendRequest(sent) {
      requests.push(await request(sent.method, sent.url, [...sent.headers], sent.body));
      const { status, text } = answer();
      const headers = sent.headers.constructor;
      return { request: sent, status, headers: new headers({ "content-type": "application/json" }), bodyAsText: text };
    },
  };
  const options = { ...call.options, httpClient, retryOptions: { maxRetries: 0 } };
  return observe(requests, () => make(WebPubSubServiceClient, AzureKeyCredential, call, options));
}

async function observe(requests, makeClient) {
  const realNow = Date.now;
  Date.now = () => NOW;
  try {
    const { client, run } = makeClient();
    return { requests, result: await run(client) };
  } catch (error) {
    return { requests, error };
  } finally {
    Date.now = realNow;
  }
}

function make(Client, KeyCredential, { access, hub, run }, options) {
  const { connectionString, endpoint, key, token } = access;
  if (connectionString !== undefined) {
    return { client: new Client(connectionString, hub, options), run };
  }
  const entra = { getToken: async () => ({ token, expiresOnTimestamp: NOW + 3_600_000 }) };
  return { client: new Client(endpoint, key === undefined ? entra : new KeyCredential(key), hub, options), run };
}

/** The answers of the stub in their order. The link of a page leads back to the endpoint and the hub of the call. */
function answers({ answers, access, hub }) {
  const endpoint = access.endpoint ?? /Endpoint=([^;]*)/.exec(access.connectionString)[1];
  const base = new URL(endpoint).href.replace(/\/$/, "");
  let next = 0;
  return () => {
    const { status, body } = answers[next++];
    if (body?.nextLink === undefined) {
      return { status, text: body === undefined ? null : JSON.stringify(body) };
    }
    const nextLink = base + body.nextLink.replace("{hub}", () => encodeURIComponent(hub));
    return { status, text: JSON.stringify({ ...body, nextLink }) };
  };
}

/** One request as the wire has it: header names in lower case, the body as bytes, the token taken apart. */
async function request(method, url, headers, body) {
  const { authorization, ...rest } = Object.fromEntries(headers.map(([name, value]) => [name.toLowerCase(), value]));
  return {
    method,
    url,
    headers: rest,
    authorization: tokenParts(authorization?.replace(/^Bearer /, "")),
    body: body === undefined || body === null ? undefined : await bytes(body),
  };
}

async function bytes(body) {
  const content = typeof body === "function" ? body() : body;
  // A view stands for its own window only; Response sees to that.
  return Buffer.from(await new Response(content).arrayBuffer()).toString("hex");
}

/** The header and the claims of a JWT; any other token stays as it is. */
export function tokenParts(token = "") {
  const [header, payload, signature] = token.split(".");
  try {
    const json = (part) => JSON.parse(Buffer.from(part, "base64url").toString());
    return { header: json(header), claims: json(payload), signed: signature !== "" };
  } catch {
    return { opaque: token };
  }
}
