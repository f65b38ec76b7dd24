/// <reference lib="esnext.disposable" preserve="true" />
import { asError, checkedId, checkMessage } from "./checks.js";
import { loadCore, NEXT_ACK_ID } from "./core/core.js";
import * as Input from "./core/input.js";
import * as Outcome from "./core/outcome.js";
import { Emitter } from "./emitter.js";
import { checkAborted, failed, type Failure, FAILURES, InvocationError, SendMessageError, WebPubSubClientError } from "./errors.js";
import { type GroupState, GroupStateView } from "./group-state.js";
import { MessageQueue } from "./message-queue.js";
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
import { type GroupStream, type GroupStreamSubscription, type GroupStreamWriter, Streams } from "./streams.js";

/**
 * A connection to Azure Web PubSub that survives: it recovers what the network breaks, joins groups again, and with a
 * reliable protocol, which is the default, loses no message in 30 seconds without a network.
 *
 * Nothing is loaded and nothing is opened before {@link start} or {@link connect}. The type argument is what JSON
 * messages are, any JSON when it is left out.
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
export class WebPubSubClient<Message = JSONTypes> {
  readonly #credential: WebPubSubClientCredential;
  readonly #settings: Settings;
  readonly #emitter = new Emitter<WebPubSubClientEvents<Message>>((error, event) => this.#listenerFailed(error, event));
  readonly #streams = new Streams<Message>(() => this.#session, (error) => this.#listenerFailed(error));
  /** What this client keeps in groups, as far as the service has acknowledged it, and what it watches. */
  readonly #states = new Map<string, Readonly<Record<string, string>>>();
  readonly #views = new Map<string, GroupStateView | undefined>();
  #session: ClientSession | undefined;
  #starting: Starting | undefined;
  #stopping: Promise<void> | undefined;
  #hasStopped: (() => void) | undefined;
  #lastInvocation = 0;

  /**
   * @param credential - A client access URL, or where to get one: see {@link WebPubSubClientCredential}. A URL expires
   * soon, so a client that reconnects needs a function.
   * @throws `TypeError` for no credential, or a protocol that is none; `RangeError` for a limit that is negative, a longest
   * delay below the first, or another `mode`.
   */
  constructor(credential: string | WebPubSubClientCredential, options?: WebPubSubClientOptions) {
    this.#credential = typeof credential === "string" ? { getClientAccessUrl: credential } : credential;
    if (!this.#credential?.getClientAccessUrl) throw new TypeError("The credential has no getClientAccessUrl.");
    this.#settings = settingsOf({ ...options });
    this.#emitter.on("connected", (args) => this.#started(args));
    this.#emitter.on("stopped", () => this.#stopped());
  }

  /** What the client is doing. */
  get status(): WebPubSubClientStatus {
    const status = this.#session?.status ?? "stopped";
    return status === "stopped" && this.#starting ? "connecting" : status;
  }

  /** The id of the connection, once there is one. */
  get connectionId(): string | undefined {
    return this.#session?.connectionId;
  }

  /** The user of the connection; `undefined` before there is one, and if the connection is anonymous. */
  get userId(): string | undefined {
    return this.#session?.userId;
  }

  /**
   * Connects, and resolves when the socket is open, as the official client does. {@link connect} waits until the
   * connection is ready. The first attempt is not repeated: it rejects with its error.
   *
   * @throws {@link WebPubSubClientError} `ERR_CONNECT`, `ERR_URL`, `ERR_TIMEOUT`, `ERR_STATE`, `ERR_STOPPED`, `ERR_ABORTED`,
   * `ERR_WASM`.
   */
  async start(options?: StartOptions): Promise<void> {
    await this.#start(options, false);
  }

  /**
   * Connects, and resolves when the connection is ready. The first attempt is not repeated: it has `connectTimeoutInMs`, from
   * asking for the URL to the greeting of the service.
   *
   * @throws As {@link start}.
   */
  async connect(options?: StartOptions): Promise<OnConnectedArgs> {
    return (await this.#start(options, true))!;
  }

  /**
   * Disconnects, whatever the client is doing, and settles everything that waits. Resolves when it has stopped, which
   * is a matter of seconds also when the network is dead.
   */
  stop(): Promise<void> {
    const session = this.#session;
    if (this.status === "stopped") return Promise.resolve();
    const stopped = (this.#stopping ??= new Promise((resolve) => (this.#hasStopped = resolve)));
    // It may not have got further than loading.
    if (!session || session.status === "stopped") this.#emitter.emit("stopped", {});
    else session.input(Input.Stop);
    return stopped;
  }

  /** The same as {@link stop}, for `await using`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  /** Listens to an event. What a listener throws is told by the event `error`, and stops no other listener. */
  on<Name extends keyof WebPubSubClientEvents<Message>>(
    event: Name,
    listener: (args: WebPubSubClientEvents<Message>[Name]) => unknown,
  ): void {
    this.#emitter.on(event, listener);
  }

  /** Stops listening. */
  off<Name extends keyof WebPubSubClientEvents<Message>>(
    event: Name,
    listener: (args: WebPubSubClientEvents<Message>[Name]) => unknown,
  ): void {
    this.#emitter.off(event, listener);
  }

  /**
   * All messages from now on, in order, until the client stops. They are kept while nobody takes them. Asked for while the
   * client is stopped, they are those of its next start: without one, the iteration waits.
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
    const signal = options?.abortSignal;
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

  /** The same as {@link messages}, for `for await (const message of client)`. */
  [Symbol.asyncIterator](): AsyncIterableIterator<GroupDataMessage<Message> | ServerDataMessage<Message>> {
    return this.messages();
  }

  /**
   * Joins a group, and joins it again on every new connection until it is left.
   *
   * @throws {@link SendMessageError}
   */
  joinGroup(groupName: string, options?: JoinGroupOptions): Promise<WebPubSubResult> {
    return this.#send(Input.Join, { kind: "joinGroup", group: groupName }, options);
  }

  /**
   * Leaves a group. It is not joined again on a new connection, even if this is refused.
   *
   * @throws {@link SendMessageError}
   */
  leaveGroup(groupName: string, options?: LeaveGroupOptions): Promise<WebPubSubResult> {
    return this.#send(Input.Leave, { kind: "leaveGroup", group: groupName }, options);
  }

  /**
   * Sends to everybody in a group. The connection needs the right to; it need not be in the group.
   *
   * @throws {@link SendMessageError}; `TypeError` or `RangeError` for content that the data type cannot carry, and for
   * names, metadata and a `ttlSeconds` that the service does not take; `ERR_MESSAGE_TOO_LARGE` over 1 MiB.
   */
  sendToGroup(
    groupName: string,
    content: Message | string | BinaryData,
    dataType: WebPubSubDataType,
    options?: SendToGroupOptions,
  ): Promise<WebPubSubResult> {
    const { noEcho = false, ttlSeconds, metadata } = options ?? {};
    const data = content as JSONTypes;
    return this.#send(
      options?.fireAndForget ? Input.Post : Input.Send,
      { kind: "sendToGroup", group: groupName, ackId: undefined, noEcho, dataType, data, ttlSeconds, metadata },
      options,
    );
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
    const { metadata } = options ?? {};
    const data = content as JSONTypes;
    return this.#send(
      options?.fireAndForget ? Input.Post : Input.Send,
      { kind: "sendEvent", event: eventName, ackId: undefined, dataType, data, metadata },
      options,
    );
  }

  /**
   * Sends an event to the event handler of the hub, and gives its answer, whose JSON is a `Result`.
   *
   * @throws {@link InvocationError}; `TypeError` for content that the data type cannot carry.
   */
  async invokeEvent<Result = Message>(
    eventName: string,
    content: Message | string | BinaryData,
    dataType: WebPubSubDataType,
    options?: InvokeEventOptions,
  ): Promise<InvokeEventResult<Result>> {
    // Without a turn between, as far as it can be: calls are sent in their order.
    const session = this.#session ?? (await this.#load());
    const invocationId = `${options?.invocationId || ++this.#lastInvocation}`;
    if (session.hasInvocation(invocationId)) {
      throw new InvocationError("Invocation id is already registered.", { invocationId }, "ERR_STATE");
    }
    const message = { kind: "invoke", invocationId, target: "event", event: eventName, dataType, data: content as JSONTypes } as const;
    return this.#settled(session, Input.Invoke, message, options, ({ response }, outcome) => {
      const { success, error, dataType, data } = response ?? ({} as Partial<InvokeResponseMessage>);
      const failure: Failure = error ? ["ERR_REFUSED", error.message] : ["ERR_FRAME", "Unsupported invoke response frame."];
      const [code, text] = FAILURES[outcome] ?? (success === true ? [] : failure);
      if (code !== undefined) throw new InvocationError(text!, { invocationId, errorDetail: error }, code);
      return { invocationId, ...(dataType !== undefined && { dataType, data }) } as InvokeEventResult<Result>;
    });
  }

  /**
   * Opens a stream to a group. Its parts arrive in order and complete, or the readers are told that they do not.
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
    const session = this.#session ?? (await this.#load());
    return this.#streams.open(session, groupName, options ?? {});
  }

  /**
   * Calls back for every stream to a group this connection is in. The messages of a stream are also told by the event
   * `group-message`. Throws a `RangeError` for an `idleTimeoutInMs` that is no whole number of 32 bits.
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
    return this.#streams.subscribe(callback, options ?? {});
  }

  /**
   * Sets what this connection keeps in a group, for all who watch it. Once the service has acknowledged it, it is set again
   * on every new connection; when the call fails, that is still the state before. Without a state it is cleared.
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
    const states = this.#states;
    const before = states.get(groupName);
    // What is set anew must not overtake it on a new connection.
    states.delete(groupName);
    try {
      const result = await this.#send(Input.SetState, { kind: "setGroupState", group: groupName, state: state ?? undefined }, options);
      if (state) states.set(groupName, { ...state });
      else states.delete(groupName);
      return result;
    } catch (error) {
      // One that was set anew and is refused would be refused again.
      const isOver = before === state && (error as WebPubSubClientError).code === "ERR_REFUSED";
      if (before && !isOver && !states.has(groupName)) states.set(groupName, before);
      throw error;
    }
  }

  /**
   * Watches what the connections of a group keep there. It is watched again on every new connection, unless
   * `autoRejoinGroups` is false; when that fails, the event `error` tells. A group has one view: the later of two
   * subscriptions replaces the first.
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
    const close = async () => {
      // It may have been replaced.
      if (this.#views.get(groupName) !== view) return;
      this.#views.delete(groupName);
      await this.#send(Input.Leave, { kind: "unsubscribeGroupState", group: groupName }, undefined, (outgoing, outcome) => {
        // Perhaps another one is asked for already.
        this.#views.get(groupName)?.acknowledged();
        return sent(outgoing, outcome);
      });
    };
    const view = new GroupStateView(groupName, close, (error) => this.#listenerFailed(error));
    // The snapshot comes behind the ack, perhaps before anybody who waits for the ack goes on.
    const before = this.#views.get(groupName);
    this.#views.set(groupName, view);
    try {
      await this.#send(Input.Join, { kind: "subscribeGroupState", group: groupName }, options);
    } catch (error) {
      if (this.#views.get(groupName) === view) this.#views.set(groupName, before);
      throw error;
    }
    return view;
  }

  async #start(options: StartOptions | undefined, untilReady: boolean): Promise<OnConnectedArgs | undefined> {
    if (this.#stopping !== undefined || this.status !== "stopped") {
      throw new WebPubSubClientError("ERR_STATE", "Client can be only started when it's Stopped");
    }
    const signal = options?.abortSignal;
    checkAborted(signal);
    let starting: Starting | undefined;
    const abort = () => {
      starting!.reject(failed(Outcome.Aborted, signal!.reason));
      void this.stop();
    };
    signal?.addEventListener("abort", abort);
    const started = new Promise<OnConnectedArgs | undefined>((resolve, reject) => {
      starting = this.#starting = { resolve, reject };
    });
    // It may end while the module is loading, when nobody waits for it yet.
    started.catch(() => {});
    try {
      // Without a turn between where there is nothing to load: what is sent right after must find it started.
      const loading = this.#load();
      const session = this.#session ?? (await loading);
      // It may have been stopped while it was loading, and started again.
      if (this.#starting === starting) {
        session.onOpened = () => untilReady || this.#started(undefined);
        session.start();
      }
      return await started;
    } finally {
      signal?.removeEventListener("abort", abort);
      // There is no module: nothing will ever happen.
      if (this.#starting === starting && !this.#session) this.#emitter.emit("stopped", {});
    }
  }

  #started(args: OnConnectedArgs | undefined): void {
    if (args) {
      // A state ends with its connection.
      for (const [group, state] of this.#states) {
        this.setGroupState(group, state).catch((error) => this.status === "stopped" || this.#listenerFailed(error));
      }
    }
    this.#starting?.resolve(args);
    this.#starting = undefined;
    if (this.#session) this.#session.onOpened = undefined;
  }

  #stopped(): void {
    this.#starting?.reject(
      this.#stopping
        ? failed(Outcome.Stopped)
        : (this.#session?.lastError ?? failed(Outcome.TimedOut)),
    );
    this.#starting = this.#stopping = undefined;
    this.#hasStopped?.();
  }

  /** Makes the session, at the first thing that needs one. */
  #load(): ClientSession | Promise<ClientSession> {
    const core = loadCore();
    if (core instanceof Promise) return core.then(() => this.#load());
    return (this.#session ??= new ClientSession(core, this.#settings, this.#credential, this.#emitter as never, {
      streams: this.#streams as never,
      stateReceived: (message, socket) => this.#views.get(message.group)?.received(message, socket),
    }));
  }

  #send(
    input: number,
    message: UpstreamMessage,
    options: SendEventOptions | undefined,
    result = sent,
  ): Promise<WebPubSubResult> {
    const session = this.#session ?? this.#load();
    return session instanceof Promise
      ? session.then(() => this.#send(input, message, options, result))
      : this.#settled(session, input, message, options, result);
  }

  /** Hands a message to the session; `result` makes of its outcome what the caller gets. */
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
      const abort = () => void session.input(Input.Abort, outgoing.number);
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
      if (signal?.aborted) return outgoing.settle(Outcome.Aborted);
      signal?.addEventListener("abort", abort);
      session.send(input, outgoing, ackId);
    });
  }

  /** An error that is not thrown may be one that nobody ever sees. */
  #listenerFailed(failure: unknown, event?: string): void {
    const error = asError(failure);
    if (event === "error" || !this.#emitter.emit("error", { error })) console.error(error);
  }
}

/** A start that somebody waits for. */
interface Starting {
  readonly resolve: (args: OnConnectedArgs | undefined) => void;
  readonly reject: (error: Error) => void;
}

/** What a caller gets of a message. */
function sent({ message: { ackId }, detail }: Outgoing, outcome: number): WebPubSubResult {
  const failure = FAILURES[outcome];
  if (failure !== undefined) {
    const why = detail ? ` ${detail.name}: ${detail.message}` : "";
    throw new SendMessageError(failure[1] + why, { ackId, errorDetail: detail }, failure[0]);
  }
  const isDuplicated = outcome === Outcome.Duplicate;
  return ackId === undefined ? { isDuplicated } : { ackId, isDuplicated };
}
