// What wasm-bindgen makes of pkg/wasm-emulator, as far as it is used here.

/** Creates the bindings of one instance, which wasm-bindgen keeps in variables of its module. */
export function createGlue(): {
  /** Creates the instance. */
  initSync(options: { module: WebAssembly.Module }): void;
  Emulator: new (settings: string, actions: Actions) => Emulator;
};

/** Carries out what the service decides. Arrays are windows into wasm's memory: good only until the method returns. */
export interface Actions {
  accept(socket: number, subprotocol: string | undefined): void;
  refuse(socket: number, status: number, headers: string[], body: Uint8Array): void;
  /** For each frame: its length in `frames`, to how many sockets it goes, and to which. */
  send(plan: Uint32Array, frames: Uint8Array): void;
  ping(sockets: Uint32Array): void;
  close(socket: number, code: number, reason: string): void;
  abort(socket: number): void;
  respond(request: number, status: number, headers: string[], body: Uint8Array): void;
  /** A line for the log. Only with the setting `log`. */
  log(line: string): void;
  /** Sets the clock forward by `ms` milliseconds, then answers the request. */
  advanceClock(request: number, ms: number, status: number, headers: string[], body: Uint8Array): void;
  /** `metadata` are names and values in turn; text and JSON are UTF-8. */
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
  ): void;
  /** Nobody waits for the answer to this event any more. */
  eventOver(hub: string, id: number): void;
}

/** One emulated service. Times are milliseconds since 1970, headers are names and values in turn. */
export interface Emulator {
  free(): void;
  readonly maxBodyBytes: number;
  readonly maxBacklogBytes: number;
  /** Whether the request's body is worth reading; if not, the request has been answered. */
  admit(now: number, request: number, method: string, url: string, headers: string[]): boolean;
  request(now: number, request: number, method: string, url: string, headers: string[], body: Uint8Array): void;
  upgrade(now: number, socket: number, url: string, headers: string[], random: Uint8Array): void;
  text(now: number, socket: number, text: Uint8Array): void;
  binary(now: number, socket: number, bytes: Uint8Array): void;
  pong(now: number, socket: number): void;
  backlog(now: number, socket: number, bytes: number): void;
  closed(now: number, socket: number, code: number): void;
  /** Says whether the events of a hub are answered here. */
  answerEvents(hub: string, does: boolean): void;
  /** Answers an event: with nothing when there is no type of data. */
  reply(now: number, hub: string, id: number, dataType: string | undefined, data: Uint8Array): void;
  fail(now: number, hub: string, id: number, message: string): void;
  tick(now: number): void;
  /** When `tick` is due. */
  wakeAt(): number | undefined;
  inspect(hub: string): unknown;
  /** @throws Error that says what is wrong with the fault. */
  injectFault(now: number, hub: string | undefined, fault: string): unknown;
  listFaults(now: number, hub: string | undefined): unknown;
  removeFault(now: number, id: number): boolean;
  clearFaults(now: number, hub: string | undefined): void;
}
