// What the page needs of a WebPubSubClient: its state in one word with the reason, and every frame for the inspector.
// The client connects, recovers, reconnects and joins groups again by itself; ./webpubsub-edge is its build.
//
// Events, each with a `detail`:
//   state      { state, reason?, error?, note? }
//   connected  { connectionId, userId, mayHaveMissedMessages }, at the first connection and at every new one
//   message    the message: { kind, group?, fromUserId?, dataType, data }
//   frame      { direction: "sent" | "received", frame }, everything, for an inspector

import { WebPubSubClient, WebPubSubJsonReliableProtocol } from "./webpubsub-edge/entrypoints/client.js";

/** A page that is open looks more often than a server would. */
const SILENCE_MS = 30_000;

export class Connection extends EventTarget {
  state = "disconnected"; // or "connecting", "connected", "recovering", "reconnecting"
  #client;
  #failure; // Why it ends, when that is known before it does.

  /** `getUrl` gives a client URL for every new connection. An error of it with `permanent: true` ends a reconnect. */
  constructor(getUrl) {
    super();
    const getClientAccessUrl = () => getUrl().catch((error) => this.#fail(error));
    const options = { protocol: this.#observed(WebPubSubJsonReliableProtocol()), keepAliveTimeoutInMs: SILENCE_MS };
    this.#client = new WebPubSubClient({ getClientAccessUrl }, options);
    const on = (event, listener) => this.#client.on(event, listener);
    on("connected", (args) => {
      const gap = "Connected anew. Messages of the meantime may be missing.";
      this.#enter("connected", { note: args.mayHaveMissedMessages ? gap : undefined });
      this.#emit("connected", args);
    });
    on("recovering", ({ code }) => this.#enter("recovering", { reason: closed(code) }));
    on("recovered", () => this.#enter("connected", { note: "Recovered: nothing was lost." }));
    on("disconnected", ({ code, message }) => this.#enter("reconnecting", { reason: message?.message ?? closed(code) }));
    on("error", ({ error }) => this.state === "reconnecting" && this.#enter("reconnecting", { reason: told(error).message }));
    on("stopped", () => this.#enter("disconnected", { reason: this.#failure?.message ?? "Stopped by the page.", error: this.#failure }));
    on("group-message", ({ message }) => this.#emit("message", message));
    on("server-message", ({ message }) => this.#emit("message", message));
    on("rejoin-group-failed", ({ group }) => this.#emit("lost-group", group));
  }

  /** Resolves once connected. The first attempt is not repeated: its error is the caller's to show. */
  async start() {
    this.#failure = undefined;
    this.#enter("connecting");
    await this.#client.connect().catch((error) => {
      this.#failure ??= told(error);
      this.#enter("disconnected", { reason: this.#failure.message, error: this.#failure });
      throw this.#failure;
    });
  }

  stop = () => this.#client.stop();

  joinGroup = (group) => this.#client.joinGroup(group).catch(refused);
  leaveGroup = (group) => this.#client.leaveGroup(group).catch(refused);

  /** A string goes as text, anything else as JSON. With `noEcho` this connection gets no copy. */
  sendToGroup(group, data, options) {
    return this.#client.sendToGroup(group, data, typeof data === "string" ? "text" : "json", options).catch(refused);
  }

  /** The same protocol, which also shows what it reads and writes. */
  #observed(protocol) {
    const show = (direction, text) => this.#emit("frame", { direction, frame: JSON.parse(text) });
    return {
      ...protocol,
      parseMessages: (text) => {
        show("received", text);
        return protocol.parseMessages(text);
      },
      writeMessage: (message) => {
        const text = protocol.writeMessage(message);
        show("sent", text);
        return text;
      },
    };
  }

  #fail(error) {
    if (error.permanent) {
      this.#failure = error;
      // At a start the client ends by itself.
      if (this.state !== "connecting") this.#client.stop();
    }
    throw error;
  }

  #enter = (state, detail) => this.#emit("state", { state: (this.state = state), ...detail });
  #emit = (type, detail) => this.dispatchEvent(new CustomEvent(type, { detail }));
}

function closed(code) {
  return code === undefined ? "The service fell silent." : `The socket closed with code ${code}.`;
}

/** What `getUrl` threw is behind the client's error, and says more. */
function told(error) {
  return error.code === "ERR_URL" && error.cause ? error.cause : error;
}

/** What the service said is better known than that it said so. */
function refused(error) {
  throw error.errorDetail ? Object.assign(new Error(error.errorDetail.message), { name: error.errorDetail.name }) : error;
}
