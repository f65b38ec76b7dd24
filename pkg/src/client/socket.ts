import { WebPubSubClientError } from "./errors.js";
import type { WebPubSubClientOptions, WebSocketConstructor, WebSocketLike } from "./options.js";

/** What a socket tells. Once it is closed or abandoned it tells nothing more. */
export interface SocketListener {
  opened(): void;
  received(data: string | ArrayBuffer): void;
  /** `code` is absent when the socket never was one. */
  closed(code: number | undefined, reason: string, error: WebPubSubClientError): void;
}

/** A socket that was asked for. */
export interface Socket {
  send(frame: string | ArrayBuffer): void;
  /** Begins to close; `closed` follows. */
  close(code?: number): void;
  /** Closes, and tells nothing more. */
  abandon(): void;
}

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

/** Opens a socket with a `WebSocket`, or by an upgrade over `fetch`. It never throws, and calls nobody before it returns. */
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

  function opened(): void {
    isOpen = true;
    if (!isOver) listener.opened();
  }

  function over(code: number | undefined, reason: string): void {
    if (!isOver) {
      isOver = true;
      listener.closed(code, reason, new WebPubSubClientError("ERR_CONNECT", describe(url, code, reason, failure)));
    }
  }

  function use(made: WebSocketLike): void {
    socket = made;
    made.binaryType = "arraybuffer";
    made.onopen = opened;
    made.onmessage = ({ data }: { data: string | ArrayBuffer }) => isOver || listener.received(data);
    // It stays to the end: Node ends over an error that nobody listens to.
    made.onerror = (event: unknown) => {
      failure ??= event;
      // Node 22 tells no close of a socket that did not open.
      if (!isOpen) over(1006, "");
    };
    // Deno tells 0 when it broke.
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
    if (isOver) webSocket.close();
    else opened();
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
      // Not at once, as the caller has no socket yet.
      queueMicrotask(() => fail(error));
    }
  } else {
    upgrade(fetch ?? ((url, init) => globalThis.fetch(url, init))).catch(fail);
  }

  return {
    send: (frame) => {
      // A socket that closes drops what it is given without a word.
      if (socket?.readyState !== 1) throw new Error();
      socket.send(frame);
    },
    close: (code) => {
      if (socket === undefined) over(undefined, "");
      else shut(code);
    },
    abandon: () => {
      isOver = true;
      shut();
    },
  };
}

/** The hosts of this machine, where the emulator may listen. */
const LOOPBACK = /^(.+\.)?localhost$|^127(\.\d+){3}$|^\[::1\]$/;

/**
 * Describes why a socket is closed. Browsers do not tell: their event has no message. Of an error, only the text up to the query
 * of a URL is told, because the query is a secret.
 */
function describe(url: string, code: number | undefined, reason: string, failure: unknown): string {
  const { message, code: name } = ((failure as { error?: unknown } | undefined)?.error ?? failure ?? {}) as { message?: unknown; code?: unknown };
  // The error of several attempts, an AggregateError, has only a code.
  const said = [code, reason, String(message || name || "").replace(/\?.*/s, "")].filter(Boolean).join(", ");
  const { host, hostname } = new URL(url);
  const advice = LOOPBACK.test(hostname) ? " If this is the emulator, its log says why." : "";
  return `The socket to ${host} is closed${said && `: ${said}`}.${advice}`;
}
