import { asError, checkedId, checkText } from "./checks.js";
import * as AckOutcome from "./core/ack-outcome.js";
import * as Action from "./core/action.js";
import { CoreSession, idOf, type Instance } from "./core/core.js";
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

/** Takes the frames about streams and group states. */
export interface FrameHost {
  readonly streams: StreamHost;
  /** Takes a message about the states of a group. Each socket has another number. */
  stateReceived(message: GroupStateSnapshotMessage | GroupStateUpdateMessage, socket: number): void;
  /** Called when `status` of the session may have another value. */
  statusChanged(): void;
}

/** Keeps the content of streams. */
export interface StreamHost {
  received(message: GroupDataMessage): void;
  acknowledged(message: StreamAckMessage | StreamNackMessage | StreamClosedMessage): void;
  act(action: number, stream: number, detail: number): void;
  /** Ends all streams: the session has failed. */
  lost(): void;
}

/** The close frame of the last socket, if it had one. */
interface Ending {
  code?: number;
  reason?: string;
}

/** A group that the session in Rust knows by a number. */
interface KnownGroup {
  readonly number: number;
  /** The message that joins the group, or watches its states, on every new connection. */
  readonly join: GroupMessage;
  /** How many unsettled messages name the group. */
  messages: number;
}

/** The messages that can have a sequence id. */
type DataMessage = GroupDataMessage | ServerDataMessage | GroupStateSnapshotMessage | GroupStateUpdateMessage;

/** The size limit of the service for one message, in bytes. It closes the connection for a larger message. */
const MAX_BYTES = 2 ** 20;

/** The longest time-out that `setTimeout` accepts, in milliseconds. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** Hosts a session of the core: it opens sockets, writes and reads frames, and keeps the time. It decides nothing. */
export class ClientSession {
  #status: WebPubSubClientStatus = "stopped";
  connectionId: string | undefined;
  userId: string | undefined;
  /** Why the last attempt to connect failed. A new start clears it. */
  lastError: WebPubSubClientError | undefined;
  /**
   * Called when a socket is open, before the connection is ready. While the session runs, it is set as long as a caller
   * waits in `start` or `connect`. After a failed start, it stays set until the next start replaces it.
   */
  onOpened: (() => void) | undefined;

  readonly #core: CoreSession;
  readonly #settings: Settings;
  readonly #credential: WebPubSubClientCredential;
  readonly #emitter: Emitter<WebPubSubClientEvents<never>>;
  readonly #host: FrameHost;

  readonly #queue: number[] = [];
  /** Whether the session has failed and {@link fail} has run. */
  #hasEnded = false;
  #isRunning = false;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #timerIsFor = Infinity;
  #unwatch: (() => void) | undefined;

  /** The number of the attempt or connection that counts. 0: there is none, and results of earlier ones are ignored. */
  #current = 0;
  #socket: Socket | undefined;
  /** Whether an attempt was made since the start. */
  #hasTried = false;
  /** The last socket that `stop` closed. */
  #stoppedSocket = 0;
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
  /** The groups by their names and by their numbers, and the numbers that are free. */
  readonly #groupsByName = new Map<string, KnownGroup>();
  readonly #groups: (KnownGroup | undefined)[] = [];
  readonly #freeGroups: number[] = [];
  /** Why the service refused, by ack id, until the session says what comes of it. */
  readonly #refusals = new Map<Id, AckMessageError>();

  constructor(
    instance: Instance,
    settings: Settings,
    credential: WebPubSubClientCredential,
    emitter: Emitter<WebPubSubClientEvents<never>>,
    host: FrameHost,
  ) {
    this.#settings = settings;
    this.#credential = credential;
    this.#emitter = emitter;
    this.#host = host;
    this.#core = new CoreSession(instance, settings.session, () => this.fail());
  }

  /** Whether the session has failed and stopped, so that the client needs another one. */
  get hasFailed(): boolean {
    return this.status === "stopped" && this.#core.hasFailed;
  }

  /** How many bytes wait in the socket to be sent. */
  get bufferedAmount(): number {
    return this.#socket?.bufferedAmount ?? 0;
  }

  get status(): WebPubSubClientStatus {
    return this.#status;
  }

  set status(status: WebPubSubClientStatus) {
    this.#status = status;
    this.#host.statusChanged();
  }

  start(): void {
    this.status = "connecting";
    this.lastError = undefined;
    this.#core.isRunning = true;
    this.#hasTried = false;
    this.#unwatch = watchHost(
      () => this.input(Input.Wake),
      () => this.input(Input.Offline),
    );
    this.input(Input.Start);
  }

  /** Sends a message, and numbers it. `input` says how it is answered. */
  send(input: number, outgoing: Outgoing, ackId: Id): void {
    const number = (outgoing.number = this.#free.pop() ?? this.#messages.length);
    this.#messages[number] = outgoing;
    if (input === Input.Invoke) {
      this.#invocations.set((outgoing.message as { invocationId: string }).invocationId, number);
    }
    const isOfGroup = input === Input.Join || input === Input.Leave || input === Input.SetState;
    this.input(input, number, ackId, isOfGroup ? this.#useGroup(outgoing) : 0);
  }

  /** Stops waiting for a message. What is written is not taken back. */
  abort(number: number): void {
    // The session in Rust is done with a post that waits for the socket to drain.
    if (!this.input(Input.Abort, number)) this.#settle(number, Outcome.Aborted);
  }

  hasInvocation(id: string): boolean {
    return this.#invocations.has(id);
  }

  /** Encodes a message as a frame. Throws for a message that the protocol or the service cannot carry. */
  encode(message: UpstreamMessage): string | ArrayBuffer {
    const { protocol } = this.#settings;
    const frame = protocol.writeMessage(message);
    if (frame == null) throw new TypeError(`The protocol "${protocol.name}" has no such message: ${message.kind}.`);
    // A string has `length`, an ArrayBuffer has `byteLength`. A UTF-16 code unit takes up to three bytes.
    const { length, byteLength } = frame as { length?: number; byteLength?: number };
    if (byteLength! > MAX_BYTES || (length! * 3 > MAX_BYTES && new Blob([frame]).size > MAX_BYTES)) {
      throw new WebPubSubClientError("ERR_MESSAGE_TOO_LARGE", "The message is over 1 MiB.");
    }
    return frame;
  }

  /** Writes a message without a result, if the protocol has a frame for it. */
  write(message: UpstreamMessage): void {
    const frame = this.#settings.protocol.writeMessage(message);
    if (frame != null) this.writeFrame(frame);
  }

  /** Writes a frame without a result. If the socket does not take the frame, its `close` event follows. */
  writeFrame(frame: string | ArrayBuffer): void {
    try {
      this.#socket?.send(frame);
    } catch {
      // As above.
    }
  }

  /** Hands an input to the session in Rust, and carries out the actions that follow. Gives the answer of `Session::handle`. */
  input(tag: number, a = 0, id: Id = 0, b = 0): boolean {
    const answer = this.#core.handle(tag, a, id, b);
    const count = answer >>> 2;
    try {
      if (count) this.#run(this.#core.actionsAt, count);
      if (answer & 2) this.#arm();
    } catch (error) {
      // The call stack was full: some actions were not carried out.
      this.#core.isBroken = true;
      this.#core.end(error);
      return false;
    }
    return (answer & 1) === 1;
  }

  /** Carries out actions one after the other. The actions of an input that an action leads to come last. */
  #run(at: number, count: number): void {
    const { words } = this.#core;
    const queue = this.#queue;
    const isFirst = !this.#isRunning;
    // Mostly there is a single action, which needs no queue.
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

  /** Sets the timer. A timer that fires too early stays: it does no harm, and a new timer costs more than a call. */
  #arm(): void {
    const at = this.#core.wakeAt();
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

  /** Carries out an action. An error becomes an `error` event, and the next action follows. */
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
        return this.write({ kind: "sequenceAck", sequenceId: idOf(low, high) as number });
      case Action.Ping:
        return this.write({ kind: "ping" });
      case Action.Open:
        return this.#open(a, (low & 1) === 1);
      case Action.Close:
        return this.#close(a, (low & 1) === 1);
      case Action.Rejoin:
        return this.write(Object.assign(this.#groups[a]!.join, { ackId: idOf(low, high) }));
      case Action.Cancel: {
        const { message, error } = this.#messages[a]!;
        // The invocation could not be encoded, so the service never got it.
        if (error !== undefined) return;
        return this.write({ kind: "cancelInvocation", invocationId: (message as { invocationId?: string }).invocationId! });
      }
      case Action.RejoinFailed: {
        const { kind, group, ackId } = this.#groups[a]!.join;
        const errorDetail = this.#refusals.get(ackId!);
        const error = new SendMessageError(`${kind} ${group} failed on the new connection.`, { ackId, errorDetail }, FAILURES[low]![0]);
        return kind === "joinGroup" ? emitter.emit("rejoin-group-failed", { group, error }) : emitter.emit("error", { error });
      }
      case Action.ForgetGroup:
        return this.#forgetGroup(a);
      case Action.Connected:
        this.status = "connected";
        return emitter.emit("connected", { connectionId, userId: this.userId ?? "", mayHaveMissedMessages: (a & 1) === 1 });
      case Action.Recovering:
        this.status = "recovering";
        return emitter.emit("recovering", { connectionId, ...this.#ending });
      case Action.Recovered:
        this.status = "connected";
        this.#farewell = undefined;
        return emitter.emit("recovered", { connectionId });
      case Action.Disconnected: {
        const message = this.#farewell;
        this.connectionId = undefined;
        this.status = "disconnected";
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

  /**
   * Ends the session after its core has failed. The connection, messages on their way, streams, and the list of groups to
   * join again are lost. Everything that waits is rejected with `ERR_WASM`.
   */
  fail(): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.#core.end();
    const error = (this.lastError = this.#core.failure!);
    this.#aborter?.abort();
    for (const [number, outgoing] of this.#messages.entries()) {
      if (outgoing !== undefined) {
        outgoing.error = error;
        this.#settle(number, Outcome.Lost);
      }
    }
    this.#host.streams.lost();
    this.connectionId = undefined;
    this.#ending = {};
    if (this.status === "stopped") return this.#arm();
    // Whoever waits for the start gets the error.
    const isReported = this.onOpened !== undefined;
    this.#stopped();
    if (!isReported) this.#emitter.emit("error", { error });
  }

  #stopped(): void {
    this.#core.isRunning = false;
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
      return this.abort(number);
    }
    const socket = this.#socket!;
    try {
      if (outgoing.isPost) {
        // By then the number may belong to another message.
        socket.post(outgoing.frame, () => this.#messages[number] === outgoing && this.#settle(number, Outcome.Done));
      } else {
        socket.send(outgoing.frame);
      }
    } catch {
      // The session in Rust does not know the message any more if more was sent since.
      if (!this.input(Input.Unsent, number)) this.#settle(number, Outcome.NotConnected);
    }
  }

  #settle(number: number, outcome: number): void {
    const outgoing = this.#messages[number];
    if (outgoing === undefined) return;
    this.#messages[number] = undefined;
    this.#free.push(number);
    const { ackId, invocationId } = outgoing.message as { ackId?: Id; invocationId?: string };
    // Both maps are nearly always empty. This runs for every message, so it skips the lookups then.
    if (this.#refusals.size) outgoing.detail = this.#refusals.get(ackId!);
    if (this.#invocations.size) this.#invocations.delete(invocationId!);
    if (outgoing.group !== undefined) this.#groups[outgoing.group]!.messages--;
    outgoing.settle(outcome);
  }

  #open(socket: number, recover: boolean): void {
    // `start` or `connect` still waits, and may make one attempt only: the one before.
    if (this.onOpened && this.#hasTried && !this.#settings.retriesConnect) return void this.input(Input.Stop);
    this.#hasTried = true;
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
    // The async function turns an error that is thrown at once into a rejection.
    const asked = (async () => getClientAccessUrl.call(this.#credential, { abortSignal: signal }))();
    asked.then(
      (url) => this.#connect(socket, url),
      (error: unknown) => {
        this.#closed(socket, new WebPubSubClientError("ERR_URL", `getClientAccessUrl failed: ${asError(error).message}`, error));
      },
    );
  }

  /** Opens a socket to a URL, unless the attempt was given up while the URL was asked for. */
  #connect(socket: number, url: unknown): void {
    if (socket !== this.#current) return;
    if (!isClientUrl(url)) {
      // Later, as all failures of a socket are reported. The error does not show the URL, which is a secret.
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
        this.#closed(socket, error, code, isOpen);
      },
    });
  }

  /** An attempt has failed, or the socket of a connection is closed. */
  #closed(socket: number, error: WebPubSubClientError, code = 1006, wasOpen = false): void {
    if (socket !== this.#current) return;
    this.#socket = undefined;
    this.#attemptFailed(socket, error, wasOpen);
    this.input(Input.Closed, socket, code);
  }

  /**
   * Reports a failed attempt by the event `error`. If `start` or `connect` waits and may make one attempt only, that call
   * rejects with the error instead. The end of an open connection is reported by other events.
   */
  #attemptFailed(socket: number, error: WebPubSubClientError, wasOpen: boolean): void {
    this.lastError = error;
    const isReported = this.onOpened ? this.#settings.retriesConnect : !wasOpen;
    if (isReported && socket !== this.#stoppedSocket) this.#emitter.emit("error", { error });
  }

  /** Closes a socket, or gives up an attempt. */
  #close(socket: number, clean: boolean): void {
    if (socket !== this.#current) return;
    if (clean) this.#stoppedSocket = socket;
    if (this.#socket !== undefined) this.#ending = {};
    const aborter = this.#aborter;
    if (clean) {
      // The session waits for the end of the socket, or stops at once if there is none.
      this.#socket?.close(1000);
      aborter?.abort();
      return;
    }
    // The session does not wait: from here on, it ignores what comes of the URL and of the socket.
    this.#current = 0;
    this.#socket?.abandon();
    this.#socket = undefined;
    aborter?.abort();
    if (this.status !== "connected") this.#attemptFailed(socket, failed(Outcome.TimedOut), false);
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
        this.userId = userId ?? "";
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

  /** Gives the number of the group that a message names. The number stays in use at least until the message is settled. */
  #useGroup(outgoing: Outgoing): number {
    const { kind, group } = outgoing.message as GroupMessage;
    const join: GroupMessage = { kind: /State/.test(kind) ? "subscribeGroupState" : "joinGroup", group };
    let known = this.#groupsByName.get(nameOf(join));
    if (known === undefined) {
      known = { number: this.#freeGroups.pop() ?? this.#groups.length, join, messages: 0 };
      this.#groups[known.number] = known;
      this.#groupsByName.set(nameOf(join), known);
    }
    known.messages++;
    return (outgoing.group = known.number);
  }

  /** Frees the number of a group, unless a message that names it was sent since the session forgot the group. */
  #forgetGroup(number: number): void {
    const known = this.#groups[number];
    if (known === undefined || known.messages > 0) return;
    this.#groupsByName.delete(nameOf(known.join));
    this.#groups[number] = undefined;
    this.#freeGroups.push(number);
  }
}

/** The key of a group: a group that is joined and the states of that group are two different things. */
function nameOf({ kind, group }: GroupMessage): string {
  return `${kind} ${group}`;
}

function isClientUrl(url: unknown): url is string {
  try {
    return typeof url === "string" && /^wss?:$/.test(new URL(url).protocol);
  } catch {
    return false;
  }
}
