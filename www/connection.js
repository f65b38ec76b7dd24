// A Web PubSub connection over a plain WebSocket: the subprotocol `json.webpubsub.azure.v1`.
// Every frame is one JSON object in one text message. A request carries an `ackId`, and the
// service answers with an `ack` frame of the same id, so each request here is a promise.
//
//   const connection = new Connection(getUrl);
//   connection.addEventListener("connected", () => connection.joinGroup("lobby"));
//   connection.addEventListener("message", ({ detail }) => console.log(detail.data));
//   await connection.start();
//
// Every attempt asks `getUrl` for a client URL, because a URL soon expires. If it throws, `start`
// fails, and a reconnect asks again later, or ends if the error has `permanent: true`.
//
// Events, each with a `detail`:
//   state      { state, reason?, retryInMs?, error? }
//   connected  { connectionId, userId }, at the first connection and at every later one
//   message    the frame: { from, group?, fromUserId?, dataType, data }
//   frame      { direction: "sent" | "received", frame }, everything, for an inspector

const PING_INTERVAL_MS = 20_000;
const LONGEST_WAIT_MS = 30_000;

export class Connection extends EventTarget {
  state = "disconnected"; // or "connecting", "connected", "reconnecting"
  #getUrl;
  #socket;
  #run; // Changes at every start and stop: work left over from an earlier run sees that it is stale.
  #pingTimer;
  #heardSincePing;
  #lastAckId = 0;
  #requests = new Map(); // The promises that wait for an ack, by ackId.

  constructor(getUrl) {
    super();
    this.#getUrl = getUrl;
  }

  /** Resolves once connected. The first attempt is not repeated: its error is the caller's to show. */
  async start() {
    if (this.state !== "disconnected") throw new Error("The connection is already started.");
    const run = (this.#run = Symbol("run"));
    await this.#open(run).catch((error) => {
      if (run === this.#run) this.stop(error.message, error);
      throw error;
    });
  }

  stop(reason = "Stopped by the page.", error) {
    this.#run = undefined;
    this.#abandonSocket(reason);
    this.#enter("disconnected", { reason, error });
  }

  joinGroup = (group) => this.#request({ type: "joinGroup", group });
  leaveGroup = (group) => this.#request({ type: "leaveGroup", group });

  /** A string goes as text, anything else as JSON. With `noEcho` this connection gets no copy. */
  sendToGroup(group, data, { noEcho = false } = {}) {
    const dataType = typeof data === "string" ? "text" : "json";
    return this.#request({ type: "sendToGroup", group, noEcho, dataType, data });
  }

  /** One attempt: a new URL, a new socket, and then the `connected` frame. */
  async #open(run) {
    this.#enter("connecting");
    const url = await this.#getUrl();
    if (run !== this.#run) throw new Error("Stopped while connecting.");
    const { protocol, host } = URL.parse(url) ?? {}; // No error shows the whole URL: it is a secret.
    const unusable = "getUrl gave no ws: or wss: URL. Check the answer that it takes the URL from.";
    if (!/^wss?:$/.test(protocol)) throw Object.assign(new TypeError(unusable), { permanent: true });
    const socket = (this.#socket = new WebSocket(url, "json.webpubsub.azure.v1"));
    await new Promise((connected, failed) => {
      socket.onmessage = ({ data }) => socket === this.#socket && this.#receive(JSON.parse(data), connected);
      socket.onclose = ({ code, reason }) => {
        const error = new Error(`The socket closed with code ${code}.${reason && ` ${reason}`}`);
        const unopened = { name: "NotOpened", message: `The socket to ${host} did not open.` }; // No browser says why.
        failed(socket.protocol === "" ? Object.assign(error, unopened) : error);
        if (socket === this.#socket && this.state === "connected") this.#reconnect(error.message);
      };
    });
  }

  /** Ignores what it does not know: a newer service must not break an older page. */
  #receive(frame, connected) {
    this.#heardSincePing = true;
    this.#emit("frame", { direction: "received", frame });
    if (frame.type === "message") this.#emit("message", frame);
    if (frame.type === "ack") this.#settle(frame);
    if (frame.type === "system" && frame.event === "connected") {
      this.#pingTimer = setInterval(() => this.#ping(), PING_INTERVAL_MS);
      this.#enter("connected");
      this.#emit("connected", { connectionId: frame.connectionId, userId: frame.userId });
      connected();
    }
  }

  #request(frame) {
    if (this.state !== "connected") return Promise.reject(new Error("There is no connection: connect first."));
    const ackId = (this.#lastAckId += 1);
    return new Promise((resolve, reject) => {
      this.#requests.set(ackId, { resolve, reject });
      this.#send({ ...frame, ackId });
    });
  }

  /** `Duplicate` means that the service has already done it, which is success. */
  #settle({ ackId, success, error }) {
    const request = this.#requests.get(ackId);
    this.#requests.delete(ackId);
    if (success || error?.name === "Duplicate") request?.resolve();
    else request?.reject(Object.assign(new Error(error?.message), { name: error?.name }));
  }

  #send(frame) {
    this.#socket.send(JSON.stringify(frame));
    this.#emit("frame", { direction: "sent", frame });
  }

  /** A network that goes away closes no socket. Silence since the last ping is how we notice. */
  #ping() {
    if (!this.#heardSincePing) return this.#reconnect("The service did not answer a ping.");
    this.#heardSincePing = false;
    this.#send({ type: "ping" });
  }

  #abandonSocket(reason) {
    clearInterval(this.#pingTimer);
    this.#socket?.close();
    this.#socket = undefined;
    for (const { reject } of this.#requests.values()) reject(new Error(reason));
    this.#requests.clear();
  }

  /** Each wait is up to twice the last one, and partly random so that clients do not return at once. */
  async #reconnect(reason, run = this.#run) {
    this.#abandonSocket(reason);
    for (let longest = 1_000; ; longest = Math.min(longest * 2, LONGEST_WAIT_MS)) {
      const retryInMs = longest * (0.5 + Math.random() / 2);
      this.#enter("reconnecting", { reason, retryInMs });
      await new Promise((resolve) => setTimeout(resolve, retryInMs));
      if (run !== this.#run) return;
      const error = await this.#open(run).catch((error) => error);
      if (!error || run !== this.#run) return;
      if (error.permanent) return this.stop(error.message, error);
      reason = error.message;
    }
  }

  #enter = (state, detail) => this.#emit("state", { state: (this.state = state), ...detail });
  #emit = (type, detail) => this.dispatchEvent(new CustomEvent(type, { detail }));
}
