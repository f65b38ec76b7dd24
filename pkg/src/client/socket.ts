import { WebPubSubClientError } from "./errors.js";
import type { WebPubSubClientOptions, WebSocketConstructor, WebSocketLike } from "./options.js";

/** Receives the events of a socket. No event follows after the socket is closed or abandoned. */
export interface SocketListener {
  opened(): void;
  received(data: string | ArrayBuffer): void;
  /** The socket is closed. `code` is undefined if there never was a socket. */
  closed(code: number | undefined, reason: string, error: WebPubSubClientError): void;
}

/** A socket that is open or opens. */
export interface Socket {
  /** How many bytes wait to be sent. 0 if the socket does not tell. */
  readonly bufferedAmount: number;
  /** Sends a frame. Throws if the socket is not open. */
  send(frame: string | ArrayBuffer): void;
  /**
   * Sends a frame, and calls `done` once: at once, or if {@link HIGH_WATER_MARK} bytes wait to be sent already, when the
   * socket has drained or is closed. Throws as `send` does.
   */
  post(frame: string | ArrayBuffer, done: () => void): void;
  /** Begins to close; `closed` follows. */
  close(code?: number): void;
  /** Closes the socket. No event follows. */
  abandon(): void;
}

/** From how many waiting bytes on a post waits for the socket to drain: 1 MiB. */
const HIGH_WATER_MARK = 2 ** 20;

/** How often to look whether the socket of a browser has drained, in milliseconds. Browsers have no event for it. */
const DRAIN_POLL_MS = 10;

/** The `WebSocket` of the package `ws`, which tells when a frame has left. */
type EmittingSocket = WebSocketLike & { on: unknown; send(data: string | ArrayBuffer, sent: () => void): void };

type Upgraded = WebSocketLike & EventTarget & { accept(): void };

function globalSocket(): WebSocketConstructor | undefined {
  return (globalThis as { WebSocket?: WebSocketConstructor }).WebSocket;
}

/** Throws `ERR_NO_WEBSOCKET` if {@link openSocket} has no way to open a socket. */
export function checkSockets({ WebSocket, fetch }: WebPubSubClientOptions): void {
  if (WebSocket || fetch || globalSocket() || "WebSocketPair" in globalThis) return;
  throw new WebPubSubClientError(
    "ERR_NO_WEBSOCKET",
    "This runtime has no WebSocket. In Node 20, install the package ws and pass its WebSocket: new WebPubSubClient(credential, { WebSocket }).",
  );
}

/** Opens a socket with a `WebSocket`, or by an upgrade over `fetch`. It never throws, and calls the listener only after it has returned. */
export function openSocket(
  url: string,
  protocol: string,
  { WebSocket, fetch }: WebPubSubClientOptions,
  listener: SocketListener,
): Socket {
  const Constructor = WebSocket ?? globalSocket();
  let socket: WebSocketLike | undefined;
  let failure: unknown;
  let isOpen = false;
  let isOver = false;
  /** The posts that wait for the socket to drain. */
  const undrained = new Set<() => void>();
  let drainTimer: ReturnType<typeof setTimeout> | undefined;

  function opened(): void {
    isOpen = true;
    // A socket may open although it was closed before.
    if (isOver) shut();
    else listener.opened();
  }

  function over(code: number | undefined, reason: string): void {
    if (!isOver) {
      isOver = true;
      drained();
      listener.closed(code, reason, new WebPubSubClientError("ERR_CONNECT", describe(url, code, reason, failure)));
    }
  }

  function use(made: WebSocketLike): void {
    socket = made;
    made.binaryType = "arraybuffer";
    made.onopen = opened;
    made.onmessage = ({ data }: { data: string | ArrayBuffer }) => isOver || listener.received(data);
    // The listener is never removed: an `error` event without a listener ends a Node process.
    made.onerror = (event: unknown) => {
      failure ??= event;
      // Node 22 emits no `close` event for a socket that did not open.
      if (!isOpen) over(1006, "");
    };
    // Deno gives the code 0 for a broken connection.
    made.onclose = (event: { code: number; reason: string } | undefined) => over(event?.code || 1006, event?.reason ?? "");
  }

  async function upgrade(fetch: NonNullable<WebPubSubClientOptions["fetch"]>): Promise<void> {
    const headers: Record<string, string> = { Upgrade: "websocket" };
    if (protocol !== "") headers["Sec-WebSocket-Protocol"] = protocol;
    const response = await fetch(url.replace(/^ws/, "http"), { headers });
    const { webSocket } = response as unknown as { webSocket?: Upgraded | null };
    if (!webSocket) throw new Error(`The upgrade got status ${response.status}.`);
    for (const type of ["message", "error", "close"] as const) {
      webSocket.addEventListener(type, (event) => webSocket[`on${type}`]?.(event as never));
    }
    use(webSocket);
    webSocket.accept();
    opened();
  }

  function send(frame: string | ArrayBuffer, sent?: () => void): void {
    // A socket that is closing drops frames without an error.
    if (socket?.readyState !== 1) throw new Error();
    if (sent) (socket as EmittingSocket).send(frame, sent);
    else socket.send(frame);
  }

  function post(frame: string | ArrayBuffer, done: () => void): void {
    if (!isFull()) {
      send(frame);
      return done();
    }
    undrained.add(done);
    try {
      if ("on" in socket!) {
        send(frame, () => undrained.delete(done) && done());
      } else {
        send(frame);
        drainTimer ??= setTimeout(pollDrain, DRAIN_POLL_MS);
      }
    } catch (error) {
      undrained.delete(done);
      throw error;
    }
  }

  function isFull(): boolean {
    return (socket?.bufferedAmount ?? 0) >= HIGH_WATER_MARK;
  }

  function pollDrain(): void {
    drainTimer = isFull() ? setTimeout(pollDrain, DRAIN_POLL_MS) : undefined;
    if (drainTimer === undefined) drained();
  }

  /** Lets all posts go on that wait. */
  function drained(): void {
    clearTimeout(drainTimer);
    for (const done of undrained) done();
    undrained.clear();
  }

  const shut = (code?: number) => {
    try {
      socket?.close(code);
    } catch (error) {
      fail(error);
    }
  };
  const fail = (error: unknown) => {
    failure = error;
    over(undefined, "");
  };
  if (fetch === undefined && Constructor !== undefined) {
    try {
      use(protocol === "" ? new Constructor(url) : new Constructor(url, protocol));
    } catch (error) {
      // Later, because the caller does not have the socket yet.
      queueMicrotask(() => fail(error));
    }
  } else {
    upgrade(fetch ?? ((url, init) => globalThis.fetch(url, init))).catch(fail);
  }

  return {
    get bufferedAmount() {
      return socket?.bufferedAmount ?? 0;
    },
    send,
    post,
    close: (code) => {
      if (socket === undefined) over(undefined, "");
      else shut(code);
    },
    abandon: () => {
      isOver = true;
      drained();
      shut();
    },
  };
}

/** The hosts of this machine, where the emulator may listen. */
const LOOPBACK = /^(.+\.)?localhost$|^127(\.\d+){3}$|^\[::1\]$/;

/**
 * Describes why a socket is closed. The error events of browsers have no text. The text of an error ends before the query of a
 * URL, which is a secret.
 */
function describe(url: string, code: number | undefined, reason: string, failure: unknown): string {
  const { message, code: name } = ((failure as { error?: unknown } | undefined)?.error ?? failure ?? {}) as { message?: unknown; code?: unknown };
  // An AggregateError of several attempts has a code and no text.
  const said = [code, reason, String(message || name || "").replace(/\?.*/s, "")].filter(Boolean).join(", ");
  const { host, hostname } = new URL(url);
  const advice = LOOPBACK.test(hostname) ? " If this is the emulator, its log says why." : "";
  return `The socket to ${host} is closed${said && `: ${said}`}.${advice}`;
}
