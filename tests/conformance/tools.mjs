// What the tests share: the same account everywhere, services that answer by script, and small helpers.

export const KEY = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789ABCDEFGH";
export const CONNECTION = `Endpoint=https://host.webpubsub.azure.com;AccessKey=${KEY};Version=1.0;`;

/** `lib` is the package, `given` what the runner passes in: { origin, closedOrigin, vectors, cases }. */
export function tools({ WebPubSubServiceClient }, given) {
  /** A service that answers by a script; see server.mjs. */
  const service = (script) => {
    const name = crypto.randomUUID();
    return {
      endpoint: `${given.origin}/${encodeURIComponent(script)}/${name}`,
      recorded: async () => (await fetch(`${given.origin}/recorded/${name}`)).json(),
    };
  };
  return {
    client: (options) => new WebPubSubServiceClient(CONNECTION, "hub", options),
    mint: (options) => new WebPubSubServiceClient(CONNECTION, "hub").getClientAccessTokenSync(options),

    /** A client of such a service, with a key. */
    scripted: (script, options) => {
      const { endpoint, recorded } = service(script);
      const client = new WebPubSubServiceClient(`Endpoint=${endpoint};AccessKey=${KEY}`, "hub", options);
      return { client, endpoint, recorded };
    },

    /** A client of such a service, with a credential that gives tokens; it keeps what it is asked. */
    withTokens: (script, options, lifetimeMs = 3_600_000) => {
      const { endpoint, recorded } = service(script);
      const asked = [];
      const credential = {
        getToken: async (scopes, { claims } = {}) => {
          asked.push({ scopes, claims });
          return { token: `entra-${asked.length}`, expiresOnTimestamp: Date.now() + lifetimeMs };
        },
      };
      const client = new WebPubSubServiceClient(endpoint, credential, "hub", { allowInsecureConnection: true, ...options });
      return { client, asked, recorded };
    },
  };
}

/** Everything that an async iterable gives. */
export async function collect(iterable) {
  const items = [];
  for await (const item of iterable) {
    items.push(item);
  }
  return items;
}

/** Runs a function with the clock at a time in seconds, and puts it back when it returns. */
export function at(seconds, call) {
  const realNow = Date.now;
  Date.now = () => seconds * 1000;
  try {
    return call();
  } finally {
    Date.now = realNow;
  }
}

export function payload(token) {
  const text = atob(token.split(".")[1].replaceAll("-", "+").replaceAll("_", "/"));
  return JSON.parse(new TextDecoder().decode(Uint8Array.from(text, (c) => c.charCodeAt(0))));
}

export function sorted(claims) {
  return Object.entries(claims).sort(([a], [b]) => (a < b ? -1 : 1));
}

/** The UTF-8 bytes of a text, one character a byte. */
export function bytes(text) {
  return String.fromCharCode(...new TextEncoder().encode(text));
}

export function streamOf(...chunks) {
  return new ReadableStream({
    pull(controller) {
      const chunk = chunks.shift();
      if (chunk === undefined) controller.close();
      else controller.enqueue(chunk);
    },
  });
}

export function abortSoon() {
  const controller = new AbortController();
  setTimeout(() => controller.abort(), 50);
  return controller.signal;
}
