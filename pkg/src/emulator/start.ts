/// <reference lib="esnext.disposable" preserve="true" />
import type { JSONTypes } from "../client/messages.js";
import { type GenerateClientTokenOptions, WebPubSubServiceClient } from "../entrypoints/index.js";
import { rangeError } from "../service/errors.js";
import { EMULATOR_ACCESS_KEY } from "./access-key.js";
import type { EmulatorEventHandler } from "./events.js";
import { type EmulatorFaults, faultsOf } from "./faults.js";
import { Host } from "./host.js";
import { type EmulatorOptions, readEmulatorOptions, settingsError, settingsOf } from "./options.js";
import { Time } from "./time.js";
import { tlsOf } from "./tls.js";

/** The time as the emulator sees it. */
export interface EmulatorClock {
  /** Milliseconds since 1970. */
  now(): number;
  /**
   * Lets time pass: everything that was due by then has happened when this resolves, and clients could answer the pings
   * in between. `advance(0)` looks at the clock anew.
   *
   * @throws (rejects with) `RangeError` for less than 0.
   */
  advance(milliseconds: number): Promise<void>;
}

/** A hub as it is now. */
export interface HubSnapshot {
  /** Its name, in lower case. */
  hub: string;
  /** Its connections. */
  connections: HubConnection[];
  /** Its groups, and how many connections each has. */
  groups: { group: string; connections: number }[];
}

/** A connection of a hub. */
export interface HubConnection {
  connectionId: string;
  /** The user; `null` if the connection is anonymous, as in the REST API and in frames of the JSON subprotocols. */
  userId: string | null;
  /** The subprotocol, or `simple`. */
  protocol: string;
  /** False while a lost connection waits for its client to come back. */
  open: boolean;
  /** The groups it is in. */
  groups: string[];
}

/** An emulator that runs. */
export interface Emulator {
  /** What a `WebPubSubServiceClient`, ours or the official one, takes. */
  readonly connectionString: string;
  /** The URL of the emulator: `http://127.0.0.1:9770`, or the option `publicUrl`. */
  readonly endpoint: string;
  /** With a generated certificate (`tls: true`): the root certificate to trust, as PEM. Otherwise `undefined`. */
  readonly certificate: string | undefined;
  /** The URL with which a client connects to a hub. */
  clientUrl(hub: string, options?: GenerateClientTokenOptions): string;
  /** Breaks things on purpose. */
  readonly faults: EmulatorFaults;
  /** The time as it sees it. */
  readonly clock: EmulatorClock;
  /**
   * Answers the events and invocations of a hub's clients, in place of a web server with an event handler. Gives what
   * removes the handler again: what it was asked before, it still answers; what comes after fails. `Message` is what
   * JSON events are.
   *
   * A hub has one handler. Without one, events and invocations fail with `InternalServerError`; so they do when the
   * handler throws, or does not answer within 100 seconds of the emulator's clock. Clients repeat an event that failed so.
   *
   * @throws `WebPubSubError` with the code `ERR_STATE` when the hub has a handler, `ERR_HUB` when this is no name of a hub.
   *
   * @example
   * ```ts
   * import { startEmulator } from "webpubsub-edge/emulator";
   *
   * const emulator = await startEmulator();
   * emulator.onEvent("chat", async (event) => {
   *   if (event.name === "whoami") return { user: event.userId, connection: event.connectionId };
   *   if (event.dataType === "text") return event.data.toUpperCase();
   *   throw new Error(`Nobody knows the event ${event.name}.`);
   * });
   * await emulator.stop();
   * ```
   */
  onEvent<Message = JSONTypes>(hub: string, handler: EmulatorEventHandler<Message>): () => void;
  /**
   * What a hub holds.
   *
   * @throws `WebPubSubError` with the code `ERR_HUB` when this is no name of a hub.
   */
  inspect(hub: string): HubSnapshot;
  /** Drops every connection, stops listening and forgets everything; nothing else can be asked of it then. */
  stop(): Promise<void>;
  /** The same, for `await using`. */
  [Symbol.asyncDispose](): Promise<void>;
}

/**
 * Starts an emulator of Azure Web PubSub in this process: Node, Deno or Bun. It listens on 127.0.0.1 unless the option
 * `host` says otherwise, and keeps everything in memory. Any number can run side by side.
 *
 * @throws (rejects with) `TypeError` that names the option that cannot be used, with the code `ERR_OPTION` for a name
 * that does not exist and `ERR_ARGUMENT_TYPE` for a value; `Error` with the code `EADDRINUSE` when the port is taken, and
 * `ERR_RUNTIME` in Workers, edge runtimes and browsers, which cannot listen on a port.
 *
 * @example
 * ```ts
 * import { WebPubSubServiceClient } from "webpubsub-edge";
 * import { startEmulator } from "webpubsub-edge/emulator";
 *
 * const emulator = await startEmulator();
 * const service = new WebPubSubServiceClient(emulator.connectionString, "chat");
 * const socket = new WebSocket(emulator.clientUrl("chat", { userId: "ann" }));
 * const received = new Promise<MessageEvent>((resolve) => (socket.onmessage = resolve));
 * await new Promise((resolve) => (socket.onopen = resolve));
 * await service.sendToUser("ann", { text: "hello" });
 * console.log((await received).data); // {"text":"hello"}
 * await emulator.stop();
 * ```
 */
export function startEmulator(options: EmulatorOptions = {}): Promise<Emulator> {
  return startFor("program", options);
}

/**
 * Starts an emulator for a program or for the command, whose errors recommend different things.
 *
 * @internal
 */
export async function startFor(startedBy: "program" | "command", options: EmulatorOptions): Promise<Emulator> {
  const read = readEmulatorOptions(options);
  const { port = 0, host: address, publicUrl, key = EMULATOR_ACCESS_KEY, now, logger } = read;
  const time = new Time(now ?? Date.now);
  // Later, when the service is done with what it is told about: a logger may do anything, and fail.
  const log = logger && ((line: string) => void Promise.resolve(line).then(logger).catch(() => {}));
  const tls = await tlsOf(read);
  const host = newHost({ settings: { ...settingsOf(read), startedBy }, time, isRunning: now === undefined, log, tls });
  const listened = await listen(host, port, address ?? LOOPBACK);
  const endpoint = publicUrl ?? `${tls === undefined ? "http" : "https"}://${reachable(address)}:${listened}`;
  const connectionString = `Endpoint=${endpoint};AccessKey=${key};Version=1.0;`;
  let stopped: Promise<void> | undefined;
  const stop = () => (stopped ??= host.stop());
  const serviceOf = (hub: string) => new WebPubSubServiceClient(connectionString, hub, { now: () => time.now() });
  // Checks the name, as every client does. No client can be in a hub of another name.
  const hubOf = (hub: string) => serviceOf(hub).hubName.toLowerCase();
  return {
    connectionString,
    endpoint,
    certificate: tls?.root,
    clientUrl: (hub, tokenOptions) => serviceOf(hub).getClientAccessTokenSync(tokenOptions).url,
    faults: faultsOf(host, time, hubOf),
    clock: {
      now: () => time.now(),
      advance: async (milliseconds) => {
        if (!(milliseconds >= 0 && milliseconds <= Number.MAX_SAFE_INTEGER)) {
          throw rangeError("ERR_CLOCK", "Time only goes forward: advance takes 0 or more milliseconds.");
        }
        await host.advance(Math.floor(milliseconds));
      },
    },
    onEvent: (hub, handler) => host.onEvent(hubOf(hub), handler),
    inspect: (hub) => host.service.inspect(hubOf(hub)) as HubSnapshot,
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

function newHost(options: ConstructorParameters<typeof Host>[0]): Host {
  try {
    return new Host(options);
  } catch (error) {
    throw settingsError(error);
  }
}

const LOOPBACK = "127.0.0.1";

/** The host of a URL at which this machine reaches an emulator that listens on an address. */
function reachable(address = LOOPBACK): string {
  switch (address) {
    case "0.0.0.0":
      return LOOPBACK;
    case "::":
      return "[::1]";
    default:
      return address.includes(":") ? `[${address}]` : address;
  }
}

async function listen(host: Host, port: number, address: string): Promise<number> {
  try {
    return await host.listen(port, address);
  } catch (cause) {
    await host.stop();
    const { code, message } = cause as NodeJS.ErrnoException;
    const text =
      code === "EADDRINUSE"
        ? `Port ${port} of ${address} is in use: stop what uses it, name another port, or none for a free one.`
        : `The emulator cannot listen on port ${port} of ${address}: ${message}`;
    throw Object.assign(new Error(text, { cause }), { code });
  }
}
