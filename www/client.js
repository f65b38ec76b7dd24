// The page's WebSocket client. It connects, recovers, reconnects and joins groups again by itself.
// ./webpubsub-edge is the build of `webpubsub-edge/client`.

import { WebPubSubClient, WebPubSubJsonReliableProtocol } from "./webpubsub-edge/entrypoints/client.js";

/** Somebody watches, so a dead network is looked for more often than by default. */
const KEEP_ALIVE = { keepAliveIntervalInMs: 10_000, keepAliveTimeoutInMs: 20_000 };

/** `getClientAccessUrl` gives a client URL for every new connection; `onFrame(direction, frame)` sees every frame. */
export function createClient(getClientAccessUrl, onFrame) {
  const protocol = observed(WebPubSubJsonReliableProtocol(), onFrame);
  return new WebPubSubClient({ getClientAccessUrl }, { protocol, ...KEEP_ALIVE });
}

/** The same protocol, which also shows what it reads and writes. */
function observed(protocol, onFrame) {
  return {
    ...protocol,
    parseMessages: (text) => {
      onFrame("received", JSON.parse(text));
      return protocol.parseMessages(text);
    },
    writeMessage: (message) => {
      const text = protocol.writeMessage(message);
      onFrame("sent", JSON.parse(text));
      return text;
    },
  };
}

/** The error that says most: what the service answered, or why there was no URL, stands behind the client's own. */
export function told(error) {
  if (error.errorDetail) return Object.assign(new Error(error.errorDetail.message), { name: error.errorDetail.name });
  return error.code === "ERR_URL" && error.cause ? error.cause : error;
}
