// Sockets and timers for the service in wasm. There is no rule of the service here: each event becomes a call, and the
// service calls back with what is to be done.

import { createServer, type IncomingMessage, type Server, STATUS_CODES, type ServerResponse } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo } from "node:net";
import type { Duplex } from "node:stream";
import type { WebPubSubDataType } from "../client/messages.js";
import { type EmulatorEventHandler, EventHandlers } from "./events.js";
import { newService, type Service } from "./service.js";
import type { Time } from "./time.js";
import type { Tls } from "./tls.js";
import type { Actions, Emulator } from "./wasm/glue.js";
import WebSocketServer from "./ws.js";

/** @internal */
export interface HostOptions {
  /** What the service is told. */
  settings: object;
  time: Time;
  /** Whether time passes by itself: then a timer wakes the service. */
  isRunning: boolean;
  /** Gets each line of the log. Without it, the service makes no lines. */
  log?: ((line: string) => void) | undefined;
  /** Serves https and wss with these. */
  tls: Tls | undefined;
}

/** A client's socket, and what is written to it. */
interface Client {
  readonly socket: WebSocketServer.WebSocket;
  /** The stream below, to which frames go as they are. */
  readonly stream: Duplex;
  /** The turn of the event loop in which something was written last. */
  writtenIn: number;
  isCorked: boolean;
}

/** An upgrade that waits for its answer, which comes before the call of the service returns. */
interface Upgrade {
  readonly request: IncomingMessage;
  readonly stream: Duplex;
  readonly head: Buffer;
}

/** The longest wait that timers take. */
const MAX_TIMER_MS = 0x7fff_ffff;

const NOTHING = new Uint8Array();

/** A ping without a payload, as a frame. */
const PING = Uint8Array.of(0x89, 0);

/** The code of a socket whose client does not come back. */
const GONE_FOR_GOOD = 1000;

/** So long may a client whose upgrade was refused keep its side of the connection open, in milliseconds. */
const REFUSED_WAIT_MS = 2000;

/** How long `advance` waits for clients to answer pings, in milliseconds that really pass. */
const PONG_WAIT_MS = 500;

/** @internal */
export class Host implements Actions {
  readonly #ownService: Service;
  /** The service, for everything that happens on the network. */
  readonly #service: Emulator;
  readonly #maxBacklogBytes: number;
  readonly #server: Server;
  readonly #webSockets: WebSocketServer;
  readonly #time: Time;
  readonly #isRunning: boolean;
  readonly #scheme: "http" | "https";
  readonly #log: (line: string) => void;
  readonly #handlers: EventHandlers;
  readonly #clients = new Map<number, Client>();
  /** Every connection that is open, whatever became of it. */
  readonly #connections = new Set<Duplex>();
  /** The response on each connection whose request came last. */
  readonly #lastResponses = new WeakMap<Duplex, ServerResponse>();
  readonly #answers = new Map<number, { request: IncomingMessage; response: ServerResponse }>();
  readonly #corked: Client[] = [];
  readonly #unanswered = new Set<number>();
  #upgrade: Upgrade | undefined;
  #subprotocol: string | undefined;
  #lastId = 0;
  #turn = 0;
  #isTurnEnding = false;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #timerDue = Infinity;
  #allAnswered: (() => void) | undefined;
  /** Settles when the clock has been set forward as far as requests have asked. */
  #advancing: Promise<void> = Promise.resolve();
  #isStopped = false;
  #stopped: Promise<void> | undefined;
  #failure: Error | undefined;

  constructor({ settings, time, isRunning, log, tls }: HostOptions) {
    this.#time = time;
    this.#isRunning = isRunning;
    this.#scheme = tls === undefined ? "http" : "https";
    this.#log = log === undefined ? () => {} : (line) => log(printable(line));
    this.#handlers = new EventHandlers({
      log: this.#log,
      reply: (hub, id, dataType, data = NOTHING) => {
        this.#service.reply(time.now(), hub, id, dataType, data);
        this.wait();
      },
      fail: (hub, id, message) => {
        this.#service.fail(time.now(), hub, id, message);
        this.wait();
      },
    });
    this.#ownService = newService({ ...settings, log: log !== undefined }, this, (failure) => this.#failed(failure));
    this.#service = this.#ownService.quiet;
    this.#maxBacklogBytes = this.#service.maxBacklogBytes;
    this.#webSockets = new WebSocketServer({
      noServer: true,
      // The service closes a socket for a message that is too large, so it has to see one byte too many.
      maxPayload: this.#service.maxBodyBytes + 1,
      handleProtocols: () => this.#subprotocol ?? false,
    });
    const onRequest = (request: IncomingMessage, response: ServerResponse) => void this.#onRequest(request, response);
    this.#server = tls === undefined ? createServer(onRequest) : createTlsServer({ cert: tls.cert, key: tls.key }, onRequest);
    this.#server.on("tlsClientError", ({ code }: NodeJS.ErrnoException) => {
      if (code !== "ECONNRESET") this.#log(`a TLS handshake failed: ${code}`);
    });
    this.#server.on("connection", (stream) => this.#know(stream));
    this.#server.on("upgrade", (request, stream, head) => this.#onUpgrade(request, stream, head));
  }

  /** The service, for calls of the API. @throws `Error` if the emulator has been stopped or has failed. */
  get service(): Emulator {
    if (this.#failure !== undefined) {
      throw this.#failure;
    }
    if (this.#isStopped) {
      throw new Error("This emulator has been stopped: start another one.");
    }
    return this.#ownService.checked;
  }

  /** Listens on a host name or an address; returns the port. */
  listen(port: number, address: string): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#server.once("error", reject);
      this.#server.listen(port, address, () => {
        this.#server.off("error", reject);
        resolve((this.#server.address() as AddressInfo).port);
      });
    });
  }

  /** Drops every connection, also those that are only being closed, and stops listening. */
  stop(): Promise<void> {
    return (this.#stopped ??= this.#stop());
  }

  async #stop(): Promise<void> {
    this.#isStopped = true;
    this.#handlers.stop();
    clearTimeout(this.#timer);
    for (const { socket } of this.#clients.values()) {
      socket.terminate();
    }
    this.#clients.clear();
    const closed = new Promise((resolve) => this.#server.close(resolve));
    this.#server.closeAllConnections();
    for (const stream of this.#connections) {
      stream.destroy();
    }
    await closed;
    this.#ownService.release();
  }

  /** Stops after the service has failed. Nobody may be calling the API, so the error is printed. */
  #failed(failure: Error): void {
    this.#failure = failure;
    console.error(failure.message);
    void this.stop();
  }

  /** Answers the events of a hub, whose name is in lower case; gives what ends that. */
  onEvent(hub: string, handler: EmulatorEventHandler<never>): () => void {
    const { service } = this;
    const remove = this.#handlers.add(hub, handler);
    service.answerEvents(hub, true);
    return () => {
      if (remove()) service.answerEvents(hub, false);
    };
  }

  /** Lets time pass in steps, so that each thing happens at its time and clients can answer pings. */
  async advance(milliseconds: number): Promise<void> {
    const target = this.#time.now() + milliseconds;
    for (;;) {
      const wakeAt = this.service.wakeAt();
      if (wakeAt === undefined || wakeAt > target) {
        break;
      }
      this.#time.advance(Math.max(0, wakeAt - this.#time.now()));
      this.service.tick(this.#time.now());
      await this.#pongs();
    }
    this.#time.advance(Math.max(0, target - this.#time.now()));
    this.tick();
  }

  /** Tells the service the time. */
  tick(): void {
    this.service.tick(this.#time.now());
    this.wait();
  }

  /** Keeps a timer for when the service wants to be woken. */
  wait(): void {
    if (!this.#isRunning || this.#isStopped) {
      return;
    }
    const wakeAt = this.#service.wakeAt() ?? Infinity;
    // A timer that rings too early only asks again, and costs less than to set it anew for each message.
    if (wakeAt < this.#timerDue) {
      clearTimeout(this.#timer);
      this.#timerDue = wakeAt;
      const ring = () => {
        this.#timerDue = Infinity;
        this.tick();
      };
      this.#timer = setTimeout(ring, Math.min(Math.max(0, wakeAt - this.#time.now()), MAX_TIMER_MS));
      this.#timer.unref();
    }
  }

  // What happens on the network.

  async #onRequest(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const id = ++this.#lastId;
    this.#answers.set(id, { request, response });
    this.#lastResponses.set(request.socket, response);
    response.once("close", () => this.#answers.delete(id));
    const { method = "", rawHeaders } = request;
    const url = this.#urlOf(request);
    if (!this.#service.admit(this.#time.now(), id, method, url, rawHeaders)) {
      return;
    }
    const body = await read(request, this.#service.maxBodyBytes + 1).catch(() => undefined);
    if (body !== undefined && !this.#isStopped) {
      this.#service.request(this.#time.now(), id, method, url, rawHeaders, body);
      this.wait();
    }
  }

  /** The absolute URL that a client asked for. */
  #urlOf(request: IncomingMessage): string {
    return `${this.#scheme}://${request.headers.host ?? ""}${request.url}`;
  }

  /** Remembers a connection until it closes. A runtime may tell of it more than once, or not before its first request. */
  #know(stream: Duplex): void {
    if (this.#connections.has(stream)) return;
    this.#connections.add(stream);
    stream.once("close", () => this.#connections.delete(stream));
    // An error of a connection must not end the process.
    stream.on("error", () => {});
  }

  #onUpgrade(request: IncomingMessage, stream: Duplex, head: Buffer): void {
    this.#know(stream);
    if (request.headers.upgrade?.toLowerCase() !== "websocket") {
      if (process.versions.bun === undefined && process.versions.deno === undefined) {
        this.#ignoreOffer(request, stream, head);
      } else {
        // Their servers take no connection from elsewhere.
        writeResponse(stream, 400, [], Buffer.from("This is upgraded to a WebSocket only: leave the header Upgrade out."));
      }
      return;
    }
    const id = ++this.#lastId;
    this.#upgrade = { request, stream, head };
    this.#service.upgrade(this.#time.now(), id, this.#urlOf(request), request.rawHeaders, crypto.getRandomValues(new Uint8Array(32)));
    this.#upgrade = undefined;
    this.wait();
  }

  /**
   * Ignores the offer of another protocol, such as h2c, which a server may do (RFC 9110, 7.8): the request is parsed
   * again without the offer. A request before it on the connection must be answered first, because Node has taken the
   * connection from its HTTP server.
   */
  #ignoreOffer(request: IncomingMessage, stream: Duplex, head: Buffer): void {
    const again = () => {
      if (stream.destroyed || this.#isStopped) return;
      // Node's HTTP server adds these again, and does not remove them when it gives up the connection.
      stream.removeAllListeners("pause").removeAllListeners("resume");
      stream.unshift(Buffer.concat([withoutUpgrade(request), head]));
      this.#server.emit(this.#scheme === "https" ? "secureConnection" : "connection", stream);
    };
    const last = this.#lastResponses.get(stream);
    if (last === undefined || last.closed) again();
    else last.once("close", again);
  }

  #open(id: number, socket: WebSocketServer.WebSocket, stream: Duplex): void {
    const service = this.#service;
    this.#clients.set(id, { socket, stream, writtenIn: -1, isCorked: false });
    socket.on("message", (data, isBinary) => {
      if (this.#clients.has(id)) {
        if (isBinary) {
          service.binary(this.#time.now(), id, data);
        } else {
          service.text(this.#time.now(), id, data);
        }
        this.wait();
      }
    });
    socket.on("pong", () => {
      this.#answered(id);
      if (this.#clients.has(id)) {
        service.pong(this.#time.now(), id);
      }
    });
    socket.on("close", (code) => {
      this.#answered(id);
      if (this.#clients.delete(id)) {
        service.closed(this.#time.now(), id, code);
        this.wait();
      }
    });
    // A close event follows.
    socket.on("error", () => {});
  }

  // What the service wants done.

  accept(id: number, subprotocol: string | undefined): void {
    const upgrade = this.#upgrade;
    if (upgrade === undefined) {
      return;
    }
    const { request, stream, head } = upgrade;
    this.#subprotocol = subprotocol;
    this.#webSockets.handleUpgrade(request, stream, head, (socket) => this.#open(id, socket, stream));
    if (!this.#clients.has(id)) {
      // Its handshake was no good, which `ws` has answered. The service is told when it is done with this input.
      queueMicrotask(() => {
        if (!this.#isStopped) this.#service.closed(this.#time.now(), id, GONE_FOR_GOOD);
      });
    }
  }

  refuse(_id: number, status: number, headers: string[], body: Uint8Array): void {
    if (this.#upgrade !== undefined) {
      this.#logRefusal(this.#upgrade.request, status, headers, body);
      writeResponse(this.#upgrade.stream, status, headers, Buffer.from(body));
    }
  }

  send(plan: Uint32Array, frames: Uint8Array): void {
    const bytes = Buffer.from(frames);
    let start = 0;
    for (let at = 0; at < plan.length; ) {
      const end = start + plan[at++]!;
      const frame = bytes.subarray(start, end);
      for (let left = plan[at++]!; left > 0; left--) {
        this.#write(plan[at++]!, frame);
      }
      start = end;
    }
  }

  ping(sockets: Uint32Array): void {
    for (const id of sockets) {
      this.#unanswered.add(id);
      this.#write(id, PING);
    }
  }

  close(id: number, code: number, reason: string): void {
    this.#remove(id)?.socket.close(code, reason);
  }

  abort(id: number): void {
    this.#remove(id)?.socket.terminate();
  }

  log(line: string): void {
    this.#log(line);
  }

  /** Sets the clock forward, and answers the request that asked for it. Requests are carried out one after the other. */
  advanceClock(id: number, ms: number, status: number, headers: string[], body: Uint8Array): void {
    const answer = body.slice();
    const advanced = this.#advancing.then(() => this.advance(ms));
    // It fails if the emulator is stopped meanwhile, which drops the connection of the request.
    this.#advancing = advanced.then(() => this.respond(id, status, headers, answer), () => {});
  }

  respond(id: number, status: number, headers: string[], body: Uint8Array): void {
    const answer = this.#answers.get(id);
    if (answer === undefined) {
      return;
    }
    const { request, response } = answer;
    if (status >= 400 && request.method !== "HEAD") {
      this.#logRefusal(request, status, headers, body);
    }
    response.statusCode = status;
    for (let at = 0; at < headers.length; at += 2) {
      response.setHeader(headers[at]!, headers[at + 1]!);
    }
    response.end(Buffer.from(body));
  }

  event(
    hub: string,
    id: number,
    connectionId: string,
    userId: string | undefined,
    name: string,
    isInvocation: boolean,
    dataType: string,
    data: Uint8Array,
    metadata: string[],
  ): void {
    const asked = { hub, id, connectionId, userId, name, isInvocation, data, metadata };
    this.#handlers.ask({ ...asked, dataType: dataType as WebPubSubDataType });
  }

  eventOver(hub: string, id: number): void {
    this.#handlers.over(hub, id);
  }

  /**
   * Writes a frame. Further ones to the same socket that come before the event loop goes on are written together: the
   * system call is what costs.
   */
  #write(id: number, frame: Uint8Array): void {
    const client = this.#clients.get(id);
    if (client === undefined) {
      return;
    }
    if (client.writtenIn !== this.#turn) {
      client.writtenIn = this.#turn;
      if (!this.#isTurnEnding) {
        this.#isTurnEnding = true;
        process.nextTick(() => this.#endTurn());
      }
    } else if (!client.isCorked) {
      client.isCorked = true;
      client.stream.cork();
      this.#corked.push(client);
    }
    client.stream.write(frame);
    if (client.stream.writableLength > this.#maxBacklogBytes) {
      const bytes = client.stream.writableLength;
      // Not while the service is in the middle of this.
      queueMicrotask(() => {
        if (this.#clients.has(id)) {
          this.#service.backlog(this.#time.now(), id, bytes);
        }
      });
    }
  }

  #endTurn(): void {
    this.#turn++;
    this.#isTurnEnding = false;
    for (const client of this.#corked.splice(0)) {
      client.isCorked = false;
      client.stream.uncork();
    }
  }

  #remove(id: number): Client | undefined {
    const client = this.#clients.get(id);
    this.#clients.delete(id);
    this.#answered(id);
    return client;
  }

  #answered(id: number): void {
    if (this.#unanswered.delete(id) && this.#unanswered.size === 0) {
      this.#allAnswered?.();
    }
  }

  /** Waits until every ping is answered, but not long: some never are. */
  async #pongs(): Promise<void> {
    if (this.#unanswered.size > 0) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, PONG_WAIT_MS);
        this.#allAnswered = () => {
          clearTimeout(timer);
          resolve();
        };
      });
      this.#unanswered.clear();
      this.#allAnswered = undefined;
    }
  }

  #logRefusal(request: IncomingMessage, status: number, headers: string[], body: Uint8Array): void {
    const reason = headers[headers.indexOf("x-emulator-reason") + 1];
    const text = headers.includes("x-emulator-reason") ? reason : messageIn(Buffer.from(body).toString());
    this.#log(`${request.method} ${pathOf(request)} was answered with ${status}: ${text || STATUS_CODES[status]}`);
  }
}

/** The path and nothing else: the rest may hold a token. */
function pathOf(request: IncomingMessage): string {
  return (request.url ?? "").replace(/^[a-z][a-z0-9+.-]*:\/\/[^/?#]*/i, "").split(/[?#;]/, 1)[0]!;
}

/** A line in which nothing steers a terminal or begins another line: clients choose paths and reasons. */
function printable(line: string): string {
  return line.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, (character) => `\\u{${character.codePointAt(0)!.toString(16)}}`);
}

/** The head of a request, without the offer to change the protocol. */
function withoutUpgrade({ method, url, httpVersion, rawHeaders }: IncomingMessage): Buffer {
  const lines = [`${method} ${url} HTTP/${httpVersion}`];
  for (let at = 0; at < rawHeaders.length; at += 2) {
    if (!["connection", "upgrade", "http2-settings"].includes(rawHeaders[at]!.toLowerCase())) {
      lines.push(`${rawHeaders[at]}: ${rawHeaders[at + 1]}`);
    }
  }
  return Buffer.from(`${lines.join("\r\n")}\r\n\r\n`, "latin1");
}

/** A request's body, but no more than `enough` bytes of it. */
async function read(request: IncomingMessage, enough: number): Promise<Uint8Array> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    chunks.push(chunk);
    length += chunk.length;
    if (length >= enough) {
      break;
    }
  }
  return Buffer.concat(chunks).subarray(0, enough);
}

/** Answers an upgrade that does not happen. Nothing more is heard of its client, who may keep its side open for ever. */
function writeResponse(stream: Duplex, status: number, headers: string[], body: Buffer): void {
  const lines = [`HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ""}`, "connection: close"];
  for (let at = 0; at < headers.length; at += 2) {
    lines.push(`${headers[at]}: ${headers[at + 1]}`);
  }
  if (!headers.includes("content-length")) {
    lines.push(`content-length: ${body.length}`);
  }
  stream.end(Buffer.concat([Buffer.from(`${lines.join("\r\n")}\r\n\r\n`), body]));
  // What it still sends is read, or else the answer could be lost on its way.
  stream.resume();
  const timer = setTimeout(() => stream.destroy(), REFUSED_WAIT_MS);
  timer.unref();
  stream.once("close", () => clearTimeout(timer));
}

/** What an error's body says. */
function messageIn(body: string): string {
  try {
    return String(JSON.parse(body).message);
  } catch {
    return "";
  }
}
