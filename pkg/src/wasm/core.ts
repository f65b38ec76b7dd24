import { pack, type Packable } from "./packed.js";

/** Gives the compiled module. */
export type ModuleSource = () => WebAssembly.Module;

// What the core does, by its number in pkg/wasm/src/service.rs, where the arguments and answers are told.
export const CONNECTION_STRING = 0;
export const ENDPOINT = 1;
export const CHECK_NAME = 2;
export const CLIENT_URL = 3;
export const CLIENT_BASE = 4;
export const REQUEST = 5;
export const AFTER_TRY = 6;
export const STATUS_MESSAGE = 7;

/** The exports of pkg/wasm. */
interface Core {
  readonly memory: WebAssembly.Memory;
  /** Starts a call: gives the address of so many free bytes. */
  input(length: number): number;
  /** Does something with so many bytes of input, of so many code units, and gives the address of its answer. */
  call(what: number, input: number, length: number, units: number): number;
  /** How many bytes the last answer has. */
  length(): number;
}

let source: ModuleSource | undefined;
let started: Core | undefined;

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** Says where the module comes from. Each entry point calls this; nothing is compiled before the first use. */
export function provide(from: ModuleSource): void {
  source ??= from;
}

/** Asks the core, which is started by the first call. The answer can be the line of an error. */
export function core(what: number, fields: readonly Packable[]): string {
  const { memory, input, call, length } = (started ??= start());
  const packed = pack(fields);
  // In UTF-8 a code unit takes three bytes at most.
  const address = run(input, packed.length * 3);
  const { written } = encoder.encodeInto(packed, new Uint8Array(memory.buffer, address));
  // The call can make memory grow, which makes it another buffer.
  const answer = run(call, what, address, written, packed.length);
  return decoder.decode(new Uint8Array(memory.buffer, answer, run(length)));
}

/**
 * Calls an export. All calls stand in this one place so that the engine does not know which it is and compiles none into
 * its caller: V8 up to 11.3, which is in Node 20, reads numbers as texts in a function that it has compiled so, and the
 * process ends. It costs a fiftieth of a token.
 */
function run(target: (...values: number[]) => number, a = 0, b = 0, c = 0, d = 0): number {
  return target(a, b, c, d);
}

function start(): Core {
  if (source === undefined) {
    throw new TypeError("webpubsub-edge/slim has no WebAssembly module yet: call initSync(module) first.");
  }
  // A copy, because the engine's own object is slow to read.
  return { ...(new WebAssembly.Instance(source()).exports as unknown as Core) };
}
