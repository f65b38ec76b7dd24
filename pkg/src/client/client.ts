/// <reference lib="esnext.disposable" preserve="true" />
import { type OptionNames, readOptions } from "../read-options.js";
import { asError, checkedId, checkMessage } from "./checks.js";
import { high, idOf, loadInstance, low, type ModuleSource, NEXT_ACK_ID } from "./core/core.js";
import * as Input from "./core/input.js";
import * as Outcome from "./core/outcome.js";
import { Emitter } from "./emitter.js";
import { checkAborted, failed, type Failure, FAILURES, InvocationError, SendMessageError, WebPubSubClientError } from "./errors.js";
import { type GroupState, GroupStateView } from "./group-state.js";
import { MessageQueue } from "./message-queue.js";
import {
  ABORT_OPTIONS,
  ACK_OPTIONS,
  EVENTS,
  INVOKE_EVENT_OPTIONS,
  ON_GROUP_STREAM_OPTIONS,
  OPEN_GROUP_STREAM_OPTIONS,
  SEND_EVENT_OPTIONS,
  SEND_TO_GROUP_OPTIONS,
} from "./option-names.js";
import type {
  BinaryData,
  GroupDataMessage,
  InvokeResponseMessage,
  JSONTypes,
  ServerDataMessage,
  UpstreamMessage,
  WebPubSubDataType,
} from "./messages.js";
import type {
  AckOptions,
  InvokeEventOptions,
  InvokeEventResult,
  JoinGroupOptions,
  LeaveGroupOptions,
  MessagesOptions,
  OnConnectedArgs,
  OnGroupStreamOptions,
  OpenGroupStreamOptions,
  SendEventOptions,
  SendToGroupOptions,
  StartOptions,
  WebPubSubClientCredential,
  WebPubSubClientEvents,
  WebPubSubClientOptions,
  WebPubSubClientStatus,
  WebPubSubResult,
} from "./options.js";
import type { Outgoing } from "./outgoing.js";
import { ClientSession } from "./session.js";
import { type Settings, settingsOf } from "./settings.js";
import { checkSockets } from "./socket.js";
import { Starting } from "./starting.js";
import { type GroupStream, type GroupStreamSubscription, type GroupStreamWriter, Streams } from "./streams.js";

/**
 * A connection to Azure Web PubSub that survives failures of the network: it recovers, or connects anew and joins its groups
 * again. With a reliable protocol, which is the default, no message is lost if the network is away for up to 30 seconds.
 *
 * The client loads and opens nothing before {@link start} or {@link connect}. The type argument is the type of JSON messages;
 * without it, they may be any JSON.
 *
 * @example
 * ```ts
 * import { roles } from "webpubsub-edge";
 * import { WebPubSubClient } from "webpubsub-edge/client";
 *
 * const getClientAccessUrl = async () => (await client.getClientAccessToken({ roles: [roles.joinLeaveGroup("news")] })).url;
 * const chat = new WebPubSubClient({ getClientAccessUrl }); // in a page, ask your own server for the URL
 * chat.on("group-message", ({ message }) => console.log(message.group, message.data));
 * await chat.connect();
 * await chat.joinGroup("news");
 * await chat.stop();
 * ```
 */
export abstract class WebPubSubClient<Message = JSONTypes> {
  readonly #credential: WebPubSubClientCredential;
  readonly #settings: Settings;
  readonly #emitter = new Emitter<WebPubSubClientEvents<Message>>(EVENTS, (error, event) => this.#listenerFailed(error, event));
  readonly #streams = new Streams<Message>(() => this.#session, (error) => this.#listenerFailed(error));
  /** The states of this connection by group, as far as the service has acknowledged them. */
  readonly #states = new Map<string, Readonly<Record<string, string>>>();
  /** The views of the groups whose states this client watches. */
  readonly #views = new Map<string, GroupStateView | undefined>();
  #session: ClientSession | undefined;
  /** The call of `start` or `connect` that waits. With {@link #stopping}, it waits for the stop first. */
  #starting: Starting | undefined;
  /** The promise of `stop`, until the client has stopped. */
  #stopping: Promise<void> | undefined;
  #hasStopped: (() => void) | undefined;
  /** The status that `status-changed` told last. */
  #toldStatus: WebPubSubClientStatus = "stopped";
  #lastInvocation = 0;

  /**
   * @param credential - A client access URL or its source: see {@link WebPubSubClientCredential}. A URL soon expires, so a
   * client that reconnects needs a function.
   * @throws `TypeError` if the credential has no `getClientAccessUrl`, for an unknown option (code `ERR_OPTION`), and for a
   * protocol that is none; `RangeError` for a negative limit, a longest delay below the first, or another `mode`.
   */
  constructor(credential: string | WebPubSubClientCredential, options?: WebPubSubClientOptions) {
    this.#credential = typeof credential === "string" ? { getClientAccessUrl: credential } : credential;
    if (!this.#credential?.getClientAccessUrl) throw new TypeError("The credential has no getClientAccessUrl.");
    this.#settings = settingsOf(options);
    this.#emitter.on("connected", (args) => this.#connected(args));
    this.#emitter.on("stopped", () => this.#stopped());
  }

  /** The state of the client. The event `status-changed` tells every change. */
  get status(): WebPubSubClientStatus {
    const status = this.#session?.status ?? "stopped";
    return status === "stopped" && this.#starting ? "connecting" : status;
  }

  /** The id of the connection. `undefined` before there is one. */
  get connectionId(): string | undefined {
    return this.#session?.connectionId;
  }

  /** The user of the connection. `""` if the client is anonymous, `undefined` before the first connection. */
  get userId(): string | undefined {
    return this.#session?.userId;
  }

  /**
   * How many bytes the client has written that the host has not sent to the network yet. It grows while the service reads
   * more slowly than the client sends. 0 without a connection, and on hosts whose sockets do not tell, such as Cloudflare
   * Workers. Messages that wait for a connection do not count.
   */
  get bufferedAmount(): number {
    return this.#session?.bufferedAmount ?? 0;
  }

  /**
   * Connects, and resolves when the socket is open, as the official client does. {@link connect} waits until the connection is
   * ready. In both, the first attempt is the only one, unless the client has `connectRetryOptions`: the call rejects with the
   * error of the last attempt. While the client stops, the call waits for the stop, and then starts it again.
   *
   * If the client is stopped before the call resolves, the call rejects with `ERR_STOPPED`, whose `name` is `AbortError`. That
   * is no failure: there is no event `error`, and no unhandled rejection if nobody waits for this promise.
   *
   * @throws {@link WebPubSubClientError} `ERR_CONNECT`, `ERR_NO_WEBSOCKET`, `ERR_URL`, `ERR_TIMEOUT`, `ERR_STATE`,
   * `ERR_STOPPED`, `ERR_ABORTED`, `ERR_WASM`.
   */
  start(options?: StartOptions): Promise<void> {
    return this.#start(options, "start", false) as Promise<undefined>;
  }

  /**
   * Connects, and resolves when the connection is ready. Each attempt may take `connectTimeoutInMs`, from the call of
   * `getClientAccessUrl` to the greeting of the service. For retries and stops, see {@link start}.
   *
   * @throws As {@link start}.
   */
  connect(options?: StartOptions): Promise<OnConnectedArgs> {
    return this.#start(options, "connect", true) as Promise<OnConnectedArgs>;
  }

  /**
   * Disconnects in every state, and settles all calls that wait. Resolves when the client has stopped, which takes seconds at
   * most, even if the network is dead.
   */
  stop(): Promise<void> {
    const starting = this.#starting;
    this.#starting = undefined;
    starting?.stop();
    if (this.#stopping) return this.#stopping;
    if (!starting && this.status === "stopped") return Promise.resolve();
    const session = this.#session;
    const stopped = (this.#stopping = new Promise((resolve) => (this.#hasStopped = resolve)));
    // The session may not exist yet, or not have started.
    if (!session || session.status === "stopped") this.#emitter.emit("stopped", {});
    else session.input(Input.Stop);
    return stopped;
  }

  /** Calls {@link stop}, for `await using`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  /**
   * Adds a listener, and returns a function that removes it. The event `error` tells what a listener throws; the other
   * listeners are called all the same.
   *
   * @throws `TypeError` for an unknown event, and for a listener that is not a function.
   */
  on<Name extends keyof WebPubSubClientEvents<Message>>(
    event: Name,
    listener: (args: WebPubSubClientEvents<Message>[Name]) => unknown,
  ): () => void {
    return this.#emitter.on(event, listener);
  }

  /**
   * Removes a listener.
   *
   * @throws `TypeError` for an unknown event.
   */
  off<Name extends keyof WebPubSubClientEvents<Message>>(
    event: Name,
    listener: (args: WebPubSubClientEvents<Message>[Name]) => unknown,
  ): void {
    this.#emitter.off(event, listener);
  }

  /**
   * Returns all messages from now on, in order, until the client stops. The iterator keeps messages until they are taken. If
   * the client is stopped at the time of the call, the iterator waits for the messages of its next start.
   *
   * @example
   * ```ts
   * const messages = chat.messages();
   * await client.sendToUser("cat", "hello", { contentType: "text/plain" });
   * for await (const message of messages) {
   *   console.log(message.data); // hello
   *   break; // or go on until the client stops
   * }
   * ```
   */
  messages(options?: MessagesOptions): AsyncIterableIterator<GroupDataMessage<Message> | ServerDataMessage<Message>> {
    const queue = new MessageQueue<GroupDataMessage<Message> | ServerDataMessage<Message>>();
    const take = ({ message }: { message: GroupDataMessage<Message> | ServerDataMessage<Message> }) => queue.push(message);
    const end = () => queue.end();
    const { abortSignal: signal } = readOptions(options, ABORT_OPTIONS, "messages");
    const each = (method: "on" | "off") => {
      this[method]("group-message", take);
      this[method]("server-message", take);
      this[method]("stopped", end);
    };
    queue.onEnd = () => {
      each("off");
      signal?.removeEventListener("abort", end);
    };
    signal?.addEventListener("abort", end);
    each("on");
    if (signal?.aborted) end();
    return queue;
  }

  /** Calls {@link messages}, for `for await (const message of client)`. */
  [Symbol.asyncIterator](): AsyncIterableIterator<GroupDataMessage<Message> | ServerDataMessage<Message>> {
    return this.messages();
  }

  /**
   * Joins a group. Every new connection joins it again, until {@link leaveGroup}.
   *
   * @throws {@link SendMessageError}
   */
  joinGroup(groupName: string, options?: JoinGroupOptions): Promise<WebPubSubResult> {
    return this.#read(options, ACK_OPTIONS, "joinGroup", (given) =>
      this.#send(Input.Join, { kind: "joinGroup", group: groupName }, given),
    );
  }

  /**
   * Leaves a group. A new connection does not join it again, even if the service refuses this call.
   *
   * @throws {@link SendMessageError}
   */
  leaveGroup(groupName: string, options?: LeaveGroupOptions): Promise<WebPubSubResult> {
    return this.#read(options, ACK_OPTIONS, "leaveGroup", (given) =>
      this.#send(Input.Leave, { kind: "leaveGroup", group: groupName }, given),
    );
  }

  /**
   * Sends to all connections in a group. The connection needs the role for it, but need not be in the group.
   *
   * @throws {@link SendMessageError}; `TypeError` or `RangeError` for content that the data type cannot carry, and for
   * names, metadata and a `ttlSeconds` that the service does not accept; `ERR_MESSAGE_TOO_LARGE` over 1 MiB.
   */
  sendToGroup(
    groupName: string,
    content: Message | string | BinaryData,
    dataType: WebPubSubDataType,
    options?: SendToGroupOptions,
  ): Promise<WebPubSubResult> {
    return this.#read(options, SEND_TO_GROUP_OPTIONS, "sendToGroup", (given) => {
      const { fireAndForget, noEcho = false, ttlSeconds, metadata } = given;
      const message = { kind: "sendToGroup", group: groupName, ackId: undefined, noEcho, dataType, data: content, ttlSeconds, metadata };
      return this.#send(fireAndForget ? Input.Post : Input.Send, message as UpstreamMessage, given);
    });
  }

  /**
   * Sends an event to the event handler of the hub.
   *
   * @throws {@link SendMessageError}; `TypeError` for content that the data type cannot carry.
   */
  sendEvent(
    eventName: string,
    content: Message | string | BinaryData,
    dataType: WebPubSubDataType,
    options?: SendEventOptions,
  ): Promise<WebPubSubResult> {
    return this.#read(options, SEND_EVENT_OPTIONS, "sendEvent", (given) => {
      const { fireAndForget, metadata } = given;
      const message = { kind: "sendEvent", event: eventName, ackId: undefined, dataType, data: content, metadata };
      return this.#send(fireAndForget ? Input.Post : Input.Send, message as UpstreamMessage, given);
    });
  }

  /**
   * Sends an event to the event handler of the hub, and returns its answer. `Result` is the type of its JSON.
   *
   * @throws {@link InvocationError}; `TypeError` for content that the data type cannot carry.
   */
  async invokeEvent<Result = Message>(
    eventName: string,
    content: Message | string | BinaryData,
    dataType: WebPubSubDataType,
    options?: InvokeEventOptions,
  ): Promise<InvokeEventResult<Result>> {
    const given = readOptions(options, INVOKE_EVENT_OPTIONS, "invokeEvent");
    const ready = this.#ready();
    // Calls are sent in their order, so there is no turn of the event loop in between if the session is there.
    const session = ready instanceof Promise ? await ready : ready;
    const invocationId = `${given.invocationId || ++this.#lastInvocation}`;
    if (session.hasInvocation(invocationId)) {
      throw new InvocationError("Invocation id is already registered.", { invocationId }, "ERR_STATE");
    }
    const message = { kind: "invoke", invocationId, target: "event", event: eventName, dataType, data: content } as const;
    return this.#settled(session, Input.Invoke, message, given, ({ response }, outcome) => {
      const { success, error, dataType, data } = response ?? ({} as Partial<InvokeResponseMessage>);
      const failure: Failure = error ? ["ERR_REFUSED", error.message] : ["ERR_FRAME", "Unsupported invoke response frame."];
      const [code, text] = FAILURES[outcome] ?? (success === true ? [] : failure);
      if (code !== undefined) throw new InvocationError(text!, { invocationId, errorDetail: error }, code);
      return { invocationId, ...(dataType !== undefined && { dataType, data }) } as InvokeEventResult<Result>;
    });
  }

  /**
   * Opens a stream to a group. Its parts arrive in order and complete; otherwise the readers get an error.
   *
   * @example
   * ```ts
   * const stream = await chat.openGroupStream("news");
   * await stream.write("Hello, ", "text");
   * await stream.write("world", "text");
   * await stream.end();
   * ```
   *
   * @throws {@link WebPubSubClientError}
   */
  async openGroupStream(groupName: string, options?: OpenGroupStreamOptions): Promise<GroupStreamWriter<Message>> {
    const given = readOptions(options, OPEN_GROUP_STREAM_OPTIONS, "openGroupStream");
    const ready = this.#ready();
    const session = ready instanceof Promise ? await ready : ready;
    return this.#streams.open(session, groupName, given);
  }

  /**
   * Calls back for every stream to a group of this connection. The event `group-message` tells the messages of a stream too.
   *
   * @throws `RangeError` for an `idleTimeoutInMs` that is not a whole number of 32 bits.
   *
   * @example
   * ```ts
   * const subscription = chat.onGroupStream(async (stream) => {
   *   for await (const part of stream) console.log(part.data);
   * });
   * await subscription.close();
   * ```
   */
  onGroupStream(
    callback: (stream: GroupStream<Message>) => unknown,
    options?: OnGroupStreamOptions,
  ): GroupStreamSubscription {
    return this.#streams.subscribe(callback, readOptions(options, ON_GROUP_STREAM_OPTIONS, "onGroupStream"));
  }

  /**
   * Sets the state of this connection in a group, for all who watch it. Without a state, it clears the state. Every new
   * connection sets the state that the service acknowledged last.
   *
   * @example
   * ```ts
   * await chat.setGroupState("news", { activity: "typing" });
   * await chat.setGroupState("news", undefined);
   * ```
   *
   * @throws {@link SendMessageError}; `TypeError` for a state that is no object of strings.
   */
  async setGroupState(
    groupName: string,
    state: Readonly<Record<string, string>> | undefined,
    options?: AckOptions,
  ): Promise<WebPubSubResult> {
    const given = readOptions(options, ACK_OPTIONS, "setGroupState");
    const states = this.#states;
    const before = states.get(groupName);
    // A new connection must not set the state before after this one.
    states.delete(groupName);
    try {
      const message = { kind: "setGroupState", group: groupName, state: state ?? undefined } as UpstreamMessage;
      const result = await this.#send(Input.SetState, message, given);
      if (state) states.set(groupName, { ...state });
      else states.delete(groupName);
      return result;
    } catch (error) {
      // A state that a new connection set again, and that was refused, would be refused again.
      const isOver = before === state && (error as WebPubSubClientError).code === "ERR_REFUSED";
      if (before && !isOver && !states.has(groupName)) states.set(groupName, before);
      throw error;
    }
  }

  /**
   * Watches the states of the connections in a group. Every new connection watches them again, unless `autoRejoinGroups` is
   * false; the event `error` tells if that fails. A group has one view: a second subscription replaces the first.
   *
   * @example
   * ```ts
   * const state = await chat.subscribeGroupState("news");
   * state.onChange(() => {
   *   for (const item of state.items.values()) console.log(item.userId, item.state?.activity); // cat typing
   * });
   * await chat.setGroupState("news", { activity: "typing" });
   * ```
   *
   * @throws {@link SendMessageError}
   */
  async subscribeGroupState(groupName: string, options?: AckOptions): Promise<GroupState> {
    const given = readOptions(options, ACK_OPTIONS, "subscribeGroupState");
    const close = async () => {
      // Another view may have replaced this one.
      if (this.#views.get(groupName) !== view) return;
      this.#views.delete(groupName);
      await this.#send(Input.Leave, { kind: "unsubscribeGroupState", group: groupName }, undefined, (outgoing, outcome) => {
        // The application may have subscribed again meanwhile.
        this.#views.get(groupName)?.acknowledged();
        return sent(outgoing, outcome);
      });
    };
    const view = new GroupStateView(groupName, close, (error) => this.#listenerFailed(error));
    // The snapshot follows the ack, perhaps before this function goes on after the ack.
    const before = this.#views.get(groupName);
    this.#views.set(groupName, view);
    try {
      await this.#send(Input.Join, { kind: "subscribeGroupState", group: groupName }, given);
    } catch (error) {
      if (this.#views.get(groupName) === view) this.#views.set(groupName, before);
      throw error;
    }
    return view;
  }

  #start(options: StartOptions | undefined, call: string, untilReady: boolean): Promise<OnConnectedArgs | undefined> {
    return this.#read(options, ABORT_OPTIONS, call, ({ abortSignal }) => {
      if (this.#starting || (!this.#stopping && this.status !== "stopped")) {
        throw new WebPubSubClientError("ERR_STATE", "Client can be only started when it's Stopped");
      }
      checkAborted(abortSignal);
      const starting = (this.#starting = new Starting(untilReady, abortSignal, () => void this.stop()));
      this.#statusChanged();
      this.#begin(starting).catch((error) => {
        starting.reject(error);
        if (this.#starting === starting) this.#emitter.emit("stopped", {});
      });
      return starting.promise;
    });
  }

  async #begin(starting: Starting): Promise<void> {
    if (this.#stopping) await this.#stopping;
    const loading = this.#load();
    // Without a turn of the event loop if the session is there: a message that is sent right after must find it started.
    const session = loading instanceof Promise ? await loading : loading;
    // The client may have been stopped meanwhile, and started again.
    if (this.#starting !== starting) return;
    checkSockets(this.#settings.options);
    session.onOpened = () => {
      starting.opened();
      // `connect` goes on waiting.
      if (starting.isOver) this.#started();
    };
    session.start();
  }

  #connected(args: OnConnectedArgs): void {
    // The service forgets a state with its connection.
    for (const [group, state] of this.#states) {
      this.setGroupState(group, state).catch((error) => this.status === "stopped" || this.#listenerFailed(error));
    }
    this.#starting?.ready(args);
    this.#started();
  }

  #started(): void {
    this.#starting = undefined;
    if (this.#session) this.#session.onOpened = undefined;
  }

  #stopped(): void {
    const hasStopped = this.#hasStopped;
    if (!this.#stopping) {
      // The session gave up by itself.
      this.#starting?.reject(this.#session?.lastError ?? failed(Outcome.TimedOut));
      this.#starting = undefined;
    }
    this.#stopping = this.#hasStopped = undefined;
    this.#statusChanged();
    hasStopped?.();
  }

  /**
   * @internal
   * Returns the source of the WebAssembly module. Each entry point has its own, in a method, so that importing an entry
   * point has no side effects and bundlers can leave out a module that is not used.
   */
  protected abstract moduleSource(): ModuleSource;

  #statusChanged(): void {
    const { status } = this;
    const previousStatus = this.#toldStatus;
    if (status === previousStatus) return;
    this.#toldStatus = status;
    this.#emitter.emit("status-changed", { status, previousStatus });
  }

  /** Returns the session. A call waits for a start that waits for a stop. */
  #ready(): ClientSession | Promise<ClientSession> {
    if (this.#stopping && this.#starting) return this.#stopping.then(() => this.#ready());
    return this.#load();
  }

  /** Returns the session. It is created when it is first needed, and again after a failure. */
  #load(): ClientSession | Promise<ClientSession> {
    if (this.#session?.hasFailed === false) return this.#session;
    this.#session?.fail();
    this.#session = undefined;
    const instance = loadInstance(this.moduleSource());
    if (instance instanceof Promise) return instance.then(() => this.#load());
    return (this.#session = new ClientSession(instance, this.#settings, this.#credential, this.#emitter as never, {
      streams: this.#streams as never,
      stateReceived: (message, socket) => this.#views.get(message.group)?.received(message, socket),
      statusChanged: () => this.#statusChanged(),
    }));
  }

  /** Calls with the options, and rejects with what the call throws. Most calls have no options, so these are not copied. */
  #read<Options extends object, Result>(
    options: Options | undefined,
    names: OptionNames<Options>,
    call: string,
    run: (given: Options) => Promise<Result>,
  ): Promise<Result> {
    try {
      return run(options === undefined ? (NO_OPTIONS as Options) : readOptions(options, names, call));
    } catch (error) {
      return Promise.reject(error);
    }
  }

  #send(
    input: number,
    message: UpstreamMessage,
    options: SendEventOptions | undefined,
    result = sent,
  ): Promise<WebPubSubResult> {
    const session = this.#ready();
    return session instanceof Promise
      ? session.then(() => this.#send(input, message, options, result))
      : this.#settled(session, input, message, options, result);
  }

  /** Hands a message to the session. `result` turns the outcome into the result of the call, or throws its error. */
  #settled<Result>(
    session: ClientSession,
    input: number,
    message: UpstreamMessage,
    options: AckOptions | undefined,
    result: (sent: Outgoing, outcome: number) => Result,
  ): Promise<Result> {
    return new Promise((resolve, reject) => {
      checkMessage(message);
      const ackId = options?.ackId === undefined ? NEXT_ACK_ID : checkedId(options.ackId, "ackId");
      const signal = options?.abortSignal;
      const abort = () => session.abort(outgoing.number);
      const outgoing: Outgoing = {
        message,
        isPost: input === Input.Post,
        number: 0,
        frame: undefined,
        settle: (outcome) => {
          signal?.removeEventListener("abort", abort);
          try {
            if (outgoing.error !== undefined) throw outgoing.error;
            resolve(result(outgoing, outcome));
          } catch (error) {
            reject(signal?.aborted ? Object.assign(error as Error, { cause: signal.reason }) : error);
          }
        },
      };
      // The result carries the id of the caller, also if the message is never written.
      if (options?.ackId !== undefined && input !== Input.Post && input !== Input.Invoke) {
        outgoing.message.ackId = idOf(low(ackId), high(ackId));
      }
      if (signal?.aborted) return outgoing.settle(Outcome.Aborted);
      signal?.addEventListener("abort", abort);
      session.send(input, outgoing, ackId);
    });
  }

  /** Emits what a listener threw. Without a listener for `error`, the console gets it. */
  #listenerFailed(failure: unknown, event?: string): void {
    const error = asError(failure);
    if (event === "error" || !this.#emitter.emit("error", { error })) console.error(error);
  }
}

const NO_OPTIONS = Object.freeze({});

/** Returns the result of a message, or throws its error. */
function sent({ message, detail }: Outgoing, outcome: number): WebPubSubResult {
  const ackId = message.ackId as number | undefined;
  const failure = FAILURES[outcome];
  if (failure !== undefined) {
    const why = detail ? ` ${detail.name}: ${detail.message}` : "";
    throw new SendMessageError(failure[1] + why, { ackId, errorDetail: detail }, failure[0]);
  }
  const isDuplicated = outcome === Outcome.Duplicate;
  return ackId === undefined ? { isDuplicated } : { ackId, isDuplicated };
}
