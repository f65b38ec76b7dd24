import { asError, checkedId, checkText } from "./checks.js";
import * as AckOutcome from "./core/ack-outcome.js";
import * as Action from "./core/action.js";
import { type Core, high, idOf, low } from "./core/core.js";
import * as Input from "./core/input.js";
import * as Outcome from "./core/outcome.js";
import type { Emitter } from "./emitter.js";
import { failed, FAILURES, SendMessageError, WebPubSubClientError } from "./errors.js";
import { watchHost } from "./host-events.js";
import type {
  AckMessage,
  AckMessageError,
  DisconnectedMessage,
  GroupDataMessage,
  GroupMessage,
  GroupStateSnapshotMessage,
  GroupStateUpdateMessage,
  Id,
  ServerDataMessage,
  StreamAckMessage,
  StreamClosedMessage,
  StreamNackMessage,
  UpstreamMessage,
  WebPubSubMessage,
} from "./messages.js";
import type { WebPubSubClientCredential, WebPubSubClientEvents, WebPubSubClientStatus } from "./options.js";
import type { Outgoing } from "./outgoing.js";
import type { Settings } from "./settings.js";
import { openSocket, type Socket } from "./socket.js";

/** What the client does with frames about streams and group states. */
export interface FrameHost {
  readonly streams: StreamHost;
  /** `socket` is another number for each socket. */
  stateReceived(message: GroupStateSnapshotMessage | GroupStateUpdateMessage, socket: number): void;
}

/** Those who know about streams. */
export interface StreamHost {
  received(message: GroupDataMessage): void;
  acknowledged(message: StreamAckMessage | StreamNackMessage | StreamClosedMessage): void;
  act(action: number, stream: number, detail: number): void;
}

/** The last thing that is known of a connection that ended. */
interface Ending {
  code?: number;
  reason?: string;
}

/** What can have a sequence id. */
type DataMessage = GroupDataMessage | ServerDataMessage | GroupStateSnapshotMessage | GroupStateUpdateMessage;

/** The most bytes that the service takes in one message; over more it closes the connection. */
const MAX_BYTES = 2 ** 20;

/** The longest wait that hosts take. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** Hosts a session of the core: it opens sockets, writes and reads frames, and keeps the time. It decides nothing. */
export class ClientSession {
  status: WebPubSubClientStatus = "stopped";
  connectionId: string | undefined;
  userId: string | undefined;
  /** Why the last attempt to connect failed. */
  lastError: WebPubSubClientError | undefined;
  /**
   * Called when a socket is open, before the connection is ready. While the session runs, it is here as long as somebody
   * waits in `start` or `connect`; a start that failed leaves it to the next one.
   */
  onOpened: (() => void) | undefined;

  readonly #core: Core;
  readonly #session: number;
  readonly #settings: Settings;
  readonly #credential: WebPubSubClientCredential;
  readonly #emitter: Emitter<WebPubSubClientEvents<never>>;
  readonly #host: FrameHost;
  #words: Uint32Array;

  readonly #queue: number[] = [];
  #isRunning = false;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #timerIsFor = Infinity;
  #unwatch: (() => void) | undefined;

  /** The number of the socket that counts. */
  #current = 0;
  #socket: Socket | undefined;
  /** The last socket that took too long, or is not wanted any more. */
  #givenUp = 0;
  #aborter: AbortController | undefined;
  #url = "";
  /** What recovers the connection, as a part of the URL. */
  #recovery = "";
  #ending: Ending = {};
  #farewell: DisconnectedMessage | undefined;

  /** The messages by their numbers, and the numbers that are free. */
  readonly #messages: (Outgoing | undefined)[] = [];
  readonly #free: number[] = [];
  /** The messages that wait for an answer with their own id. */
  readonly #invocations = new Map<string, number>();
  /** What is said on every new connection to be in a group, or to watch it. */
  readonly #groups: GroupMessage[] = [];
  /** Why the service refused, by ack id, until the session says what comes of it. */
  readonly #refusals = new Map<Id, AckMessageError>();

  constructor(
    core: Core,
    settings: Settings,
    credential: WebPubSubClientCredential,
    emitter: Emitter<WebPubSubClientEvents<never>>,
    host: FrameHost,
  ) {
    this.#core = core;
    this.#settings = settings;
    this.#credential = credential;
    this.#emitter = emitter;
    this.#host = host;
    new Uint32Array(core.memory.buffer).set(settings.words, core.words() >>> 2);
    this.#session = core.create();
    this.#words = new Uint32Array(core.memory.buffer);
    sessions?.register(this, { core, session: this.#session });
  }

  start(): void {
    this.status = "connecting";
    this.lastError = undefined;
    this.#unwatch = watchHost(
      () => this.input(Input.Wake),
      () => this.input(Input.Offline),
    );
    this.input(Input.Start);
  }

  /** Sends a message, and numbers it. `input` says how it is answered. */
  send(input: number, outgoing: Outgoing, ackId: Id): void {
    const { kind, group } = outgoing.message as GroupMessage;
    const number = (outgoing.number = this.#free.pop() ?? this.#messages.length);
    this.#messages[number] = outgoing;
    if (input === Input.Invoke) {
      this.#invocations.set((outgoing.message as { invocationId: string }).invocationId, number);
    }
    const isOfGroup = input === Input.Join || input === Input.Leave || input === Input.SetState;
    this.input(input, number, ackId, isOfGroup ? this.#groupNumber(/State/.test(kind) ? "subscribeGroupState" : "joinGroup", group) : 0);
  }

  hasInvocation(id: string): boolean {
    return this.#invocations.has(id);
  }

  /** The frame of a message. Throws for a message that the protocol or the service cannot carry. */
  encode(message: UpstreamMessage): string | ArrayBuffer {
    const { protocol } = this.#settings;
    const frame = protocol.writeMessage(message);
    if (frame == null) throw new TypeError(`The protocol "${protocol.name}" has no such message: ${message.kind}.`);
    // Either has one of them. A character takes up to three bytes.
    const { length, byteLength } = frame as { length?: number; byteLength?: number };
    if (byteLength! > MAX_BYTES || (length! * 3 > MAX_BYTES && new Blob([frame]).size > MAX_BYTES)) {
      throw new WebPubSubClientError("ERR_MESSAGE_TOO_LARGE", "The message is over 1 MiB.");
    }
    return frame;
  }

  /** Writes a message that nobody waits for, if the protocol has it. */
  write(message: UpstreamMessage): void {
    const frame = this.#settings.protocol.writeMessage(message);
    if (frame != null) this.writeFrame(frame);
  }

  /** Writes a frame that nobody waits for. A socket that takes none is about to tell that it is closed. */
  writeFrame(frame: string | ArrayBuffer): void {
    try {
      this.#socket?.send(frame);
    } catch {
      // As above.
    }
  }

  /** Tells the session something, and does what it says. */
  input(tag: number, a = 0, id: Id = 0, b = 0): boolean {
    const core = this.#core;
    const answer = core.handle(this.#session, Date.now(), tag, a, low(id), high(id), b);
    const count = answer >>> 2;
    if (count) {
      // Growing makes memory another buffer.
      if (!this.#words.length) this.#words = new Uint32Array(core.memory.buffer);
      this.#run(core.actions(this.#session) >>> 2, count);
    }
    if (answer & 2) this.#arm();
    return (answer & 1) === 1;
  }

  /** One action after the other, also when one leads to an input that leads to more. */
  #run(at: number, count: number): void {
    const words = this.#words;
    const queue = this.#queue;
    const isFirst = !this.#isRunning;
    // Nearly always there is one, which needs no queue.
    for (let index = isFirst ? at + 4 : at; index < at + count * 4; index++) queue.push(words[index]!);
    if (!isFirst) return;
    this.#isRunning = true;
    this.#act(words[at]!, words[at + 1]!, words[at + 2]!, words[at + 3]!);
    if (queue.length) {
      for (let next = 0; next < queue.length; next += 4) {
        this.#act(queue[next]!, queue[next + 1]!, queue[next + 2]!, queue[next + 3]!);
      }
      queue.length = 0;
    }
    this.#isRunning = false;
  }

  /** A timer that is too early is left alone: it does no harm, and setting one costs more than a call. */
  #arm(): void {
    const at = this.#core.wake_at(this.#session);
    if (at >= this.#timerIsFor && at !== Infinity) return;
    clearTimeout(this.#timer);
    this.#timerIsFor = at;
    if (at === Infinity) return;
    this.#timer = setTimeout(
      () => {
        this.#timerIsFor = Infinity;
        this.input(Input.Tick);
        this.#arm();
      },
      Math.min(Math.max(at - Date.now(), 0), LONGEST_TIMER_MS),
    );
  }

  /** What one action comes to hinders no other. */
  #act(action: number, a: number, low: number, high: number): void {
    try {
      this.#perform(action, a, low, high);
    } catch (error) {
      this.#emitter.emit("error", { error: asError(error) });
    }
  }

  #perform(action: number, a: number, low: number, high: number): unknown {
    const emitter = this.#emitter;
    const connectionId = this.connectionId ?? "";
    switch (action) {
      case Action.Send:
      case Action.Post:
        return this.#write(a, action === Action.Send ? idOf(low, high) : undefined);
      case Action.Settle:
        return this.#settle(a, low);
      case Action.SequenceAck:
        return this.write({ kind: "sequenceAck", sequenceId: idOf(low, high) });
      case Action.Ping:
        return this.write({ kind: "ping" });
      case Action.Open:
        return this.#open(a, (low & 1) === 1);
      case Action.Close:
        return this.#close(a, (low & 1) === 1);
      case Action.Rejoin:
        return this.write(Object.assign(this.#groups[a]!, { ackId: idOf(low, high) }));
      case Action.Cancel: {
        const { message, error } = this.#messages[a]!;
        // The service never had it.
        if (error !== undefined) return;
        return this.write({ kind: "cancelInvocation", invocationId: (message as { invocationId?: string }).invocationId! });
      }
      case Action.RejoinFailed: {
        const { kind, group, ackId } = this.#groups[a]!;
        const errorDetail = this.#refusals.get(ackId!);
        const error = new SendMessageError(`${kind} ${group} failed on the new connection.`, { ackId, errorDetail }, FAILURES[low]![0]);
        return kind === "joinGroup" ? emitter.emit("rejoin-group-failed", { group, error }) : emitter.emit("error", { error });
      }
      case Action.Connected:
        this.status = "connected";
        return emitter.emit("connected", { connectionId, userId: this.userId, mayHaveMissedMessages: (a & 1) === 1 });
      case Action.Recovering:
        this.status = "recovering";
        return emitter.emit("recovering", { connectionId, ...this.#ending });
      case Action.Recovered:
        this.status = "connected";
        this.#farewell = undefined;
        return emitter.emit("recovered", { connectionId });
      case Action.Disconnected: {
        this.status = "disconnected";
        const message = this.#farewell;
        this.connectionId = undefined;
        return emitter.emit("disconnected", {
          ...(connectionId && { connectionId }),
          ...(message && { message }),
          ...this.#ending,
        });
      }
      case Action.Stopped:
        return this.#stopped();
      default:
        return this.#host.streams.act(action, a, low);
    }
  }

  #stopped(): void {
    this.#unwatch?.();
    this.#current = 0;
    this.#socket?.abandon();
    this.#socket = undefined;
    this.status = "stopped";
    this.#arm();
    this.#emitter.emit("stopped", { ...this.#ending });
  }

  #write(number: number, ackId: Id | undefined): void {
    const outgoing = this.#messages[number];
    if (outgoing === undefined) return;
    try {
      if (ackId !== undefined) outgoing.message.ackId = ackId;
      outgoing.frame ??= this.encode(outgoing.message);
    } catch (error) {
      // Trying again would not help.
      outgoing.error = error;
      if (outgoing.isPost) this.#settle(number, Outcome.Aborted);
      else this.input(Input.Abort, number);
      return;
    }
    try {
      this.#socket!.send(outgoing.frame);
      // The session is done with it.
      if (outgoing.isPost) this.#settle(number, Outcome.Done);
    } catch {
      // The session is done with it when more was sent since.
      if (!this.input(Input.Unsent, number)) this.#settle(number, Outcome.NotConnected);
    }
  }

  #settle(number: number, outcome: number): void {
    const outgoing = this.#messages[number];
    if (outgoing === undefined) return;
    this.#messages[number] = undefined;
    this.#free.push(number);
    const { ackId, invocationId } = outgoing.message as { ackId?: Id; invocationId?: string };
    // Nearly always there is none of either, and this is done for every message.
    if (this.#refusals.size) outgoing.detail = this.#refusals.get(ackId!);
    if (this.#invocations.size) this.#invocations.delete(invocationId!);
    outgoing.settle(outcome);
  }

  #open(socket: number, recover: boolean): void {
    // `connect` still waits, though a socket was open: that was its only attempt.
    if (this.onOpened && this.#current) return void this.input(Input.Stop);
    this.#current = socket;
    this.#socket = undefined;
    if (recover) {
      return this.#connect(socket, this.#url + (this.#url.includes("?") ? "&" : "?") + this.#recovery);
    }
    if (this.status !== "stopped") this.status = "connecting";
    this.connectionId = this.#farewell = undefined;
    const { getClientAccessUrl } = this.#credential;
    if (typeof getClientAccessUrl !== "function") {
      return this.#connect(socket, getClientAccessUrl);
    }
    const { signal } = (this.#aborter = new AbortController());
    // In a function, so that what it throws at once is a rejection too.
    const asked = (async () => getClientAccessUrl.call(this.#credential, { abortSignal: signal }))();
    asked.then(
      (url) => this.#connect(socket, url),
      (error: unknown) => {
        this.#closed(socket, new WebPubSubClientError("ERR_URL", `getClientAccessUrl failed: ${asError(error).message}`, error));
      },
    );
  }

  #connect(socket: number, url: unknown): void {
    if (socket !== this.#current) return;
    if (!isClientUrl(url)) {
      // Not at once: the session has not yet heard that there is a socket. A URL is not shown: it is a secret.
      const error = new WebPubSubClientError("ERR_URL", `The client access URL is no ws: or wss: URL, but ${/^\w+:/.exec(url as string) ?? typeof url}.`);
      return queueMicrotask(() => this.#closed(socket, error));
    }
    if (this.connectionId === undefined) this.#url = url;
    let isOpen = false;
    this.#socket = openSocket(url, this.#settings.protocol.name, this.#settings.options, {
      opened: () => {
        isOpen = true;
        this.input(Input.Opened, socket);
        if (socket === this.#current) this.onOpened?.();
      },
      received: (data) => socket === this.#current && this.#received(socket, data),
      closed: (code, reason, error) => {
        if (socket === this.#current) this.#ending = code === undefined ? {} : { code, reason };
        if (socket === this.#givenUp) error = failed(Outcome.TimedOut);
        this.#closed(socket, error, code, isOpen);
      },
    });
  }

  #closed(socket: number, error: WebPubSubClientError, code = 1006, wasOpen = false): void {
    if (socket === this.#current) {
      this.lastError = error;
      this.#socket = undefined;
      // The error of the first attempt is that of `start`. Last of all: who hears it may stop and start the client.
      if (!wasOpen && !this.onOpened) this.#emitter.emit("error", { error });
    }
    this.input(Input.Closed, socket, code);
  }

  #close(socket: number, clean: boolean): void {
    if (socket !== this.#current) return;
    this.#aborter?.abort();
    if (this.#socket !== undefined) {
      this.#ending = {};
      this.#givenUp = socket;
      this.#socket.close(clean ? 1000 : undefined);
    } else {
      // It asks for its URL, which may take as long as it likes.
      queueMicrotask(() => this.input(Input.Closed, socket, 1006));
    }
  }

  #received(socket: number, data: string | ArrayBuffer): void {
    try {
      const messages = this.#settings.protocol.parseMessages(data);
      if (messages === null) {
        this.input(Input.Heard, socket);
      } else if (Array.isArray(messages)) {
        for (const message of messages) this.#receivedMessage(socket, message);
      } else {
        this.#receivedMessage(socket, messages as WebPubSubMessage);
      }
    } catch (error) {
      this.input(Input.Heard, socket);
      const why = asError(error).message;
      this.#emitter.emit("error", { error: new WebPubSubClientError("ERR_FRAME", `A frame could not be read: ${why}`, error) });
    }
  }

  #receivedMessage(socket: number, message: WebPubSubMessage): void {
    switch (message.kind) {
      case "groupData":
      case "serverData":
      case "groupStateSnapshot":
      case "groupStateUpdate":
        return this.#receivedData(socket, message);
      case "ack":
        return this.#receivedAck(socket, message);
      case "connected": {
        const { connectionId, reconnectionToken, userId } = message;
        checkText(connectionId ?? "", reconnectionToken ?? "", userId ?? "");
        const [id, token] = [connectionId, reconnectionToken!].map(encodeURIComponent);
        this.#recovery = `awps_connection_id=${id}&awps_reconnection_token=${token}`;
        this.connectionId = connectionId;
        // JSON says null for an anonymous connection, and protobuf an empty text.
        this.userId = userId || undefined;
        this.input(Input.Connected, socket, connectionId && reconnectionToken ? 1 : 0);
        return;
      }
      case "pong":
        this.input(Input.Pong, socket);
        return;
      case "disconnected":
        this.#farewell = message;
        break;
      case "invokeResponse": {
        const number = this.#invocations.get(message.invocationId);
        const outgoing = this.#messages[number!];
        if (outgoing) {
          outgoing.response = message;
          this.input(Input.Response, number!);
        }
        break;
      }
      case "streamAck":
      case "streamNack":
      case "streamClosed":
        this.#host.streams.acknowledged(message);
    }
    this.input(Input.Heard, socket);
  }

  #receivedData(socket: number, message: DataMessage): void {
    const { sequenceId } = message;
    checkText((message as Partial<GroupDataMessage>).group ?? "");
    const isNew =
      sequenceId == null
        ? this.input(Input.Heard, socket)
        : this.input(Input.Data, socket, checkedId(sequenceId, "sequenceId"));
    if (!isNew) return;
    if (message.kind === "serverData") {
      this.#emitter.emit("server-message", { message: message as never });
    } else if (message.kind === "groupData") {
      this.#emitter.emit("group-message", { message: message as never });
      if (message.stream != null) this.#host.streams.received(message);
    } else {
      this.#host.stateReceived(message, socket);
    }
  }

  #receivedAck(socket: number, { ackId, success, error }: AckMessage): void {
    let outcome = AckOutcome.Success;
    checkedId(ackId, "ackId");
    if (!success) {
      const name = error?.name ?? "";
      const isTransient = /^(InternalServerError|Timeout)$/.test(name);
      outcome = name === "Duplicate" ? AckOutcome.Duplicate : isTransient ? AckOutcome.Transient : AckOutcome.Refused;
      if (error) this.#refusals.set(ackId, error);
    }
    this.input(Input.Ack, socket, ackId, outcome);
    if (!success && !this.#isRunning) this.#refusals.clear();
  }

  #groupNumber(kind: GroupMessage["kind"], group: string): number {
    const known = this.#groups.findIndex((entry) => entry.group === group && entry.kind === kind);
    return known < 0 ? this.#groups.push({ kind, group }) - 1 : known;
  }
}

function isClientUrl(url: unknown): url is string {
  try {
    return typeof url === "string" && /^wss?:$/.test(new URL(url).protocol);
  } catch {
    return false;
  }
}

/** Ends the sessions of clients that nobody holds any more. */
const sessions =
  typeof FinalizationRegistry === "undefined"
    ? undefined
    : new FinalizationRegistry<{ core: Core; session: number }>(({ core, session }) => core.destroy(session));
