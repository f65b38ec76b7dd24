// What the emulator uses of the server of `ws`, which build.mjs bundles into ws.js.
import type { EventEmitter } from "node:events";
import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";

declare class WebSocketServer {
  constructor(options: {
    noServer: true;
    maxPayload: number;
    handleProtocols: (offered: Set<string>) => string | false;
  });
  handleUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer, accepted: (socket: WebSocket) => void): void;
}

interface WebSocket extends EventEmitter {
  on(event: "message", listener: (data: Buffer, isBinary: boolean) => void): this;
  on(event: "pong", listener: () => void): this;
  on(event: "close", listener: (code: number) => void): this;
  on(event: "error", listener: (error: Error) => void): this;
  close(code: number, reason: string): void;
  terminate(): void;
}

declare namespace WebSocketServer {
  export type { WebSocket };
}

export default WebSocketServer;
