import { WebPubSubError } from "../service/errors.js";
import type { CoreFunction } from "./calls.js";
import { pack } from "./packed.js";

/** Returns the compiled module. It is called once, before the first call of the core. */
export type ModuleSource = () => WebAssembly.Module;

/** The exports of pkg/wasm. */
interface Exports {
  readonly memory: WebAssembly.Memory;
  /** Returns the address of a buffer of at least `length` bytes. */
  input(length: number): number;
  /** Runs a function with the bytes in the buffer, which have `units` code units. Returns the address of the answer. */
  call(number: number, length: number, units: number): number;
  /** Returns the length of the answer in bytes. */
  length(): number;
}

/** The most that one call can carry, in UTF-16 code units. Tokens and URLs near this size are useless already. */
const MAX_INPUT_LENGTH = 2 * 2 ** 20;

/** An instance whose memory has grown beyond this size is replaced. Memory never shrinks. */
const MAX_MEMORY_BYTES = 16 * 2 ** 20;

let source: ModuleSource | undefined;
let compiled: WebAssembly.Module | undefined;
let instance: Exports | undefined;

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** Sets the source of the module. All clients of a process share one module: later sources are ignored. */
export function setModuleSource(from: ModuleSource): void {
  source ??= from;
}

/**
 * Calls a function of the core, and compiles the module before the first call. The answer can be the line of an error.
 *
 * @throws `WebPubSubError` with the code `ERR_PARAMETER` if the fields have more than 2 Mi characters together.
 *
 * The module keeps no state between calls, so an instance can be replaced at any time. An instance in which a call threw is
 * not used again: a trap leaves the module's data half written, and a stack overflow leaves its stack pointer where it was.
 */
export function core<Fields>(target: CoreFunction<Fields>, fields: Fields): string {
  const packed = pack(target.order(fields));
  if (packed.length > MAX_INPUT_LENGTH) {
    throw new WebPubSubError(
      "ERR_PARAMETER",
      `The arguments have ${packed.length} characters together; at most ${MAX_INPUT_LENGTH} are allowed.`,
    );
  }
  const exports = (instance ??= instantiate());
  // Set again when the call has succeeded.
  instance = undefined;
  const answer = exchange(exports, target.number, packed);
  if (exports.memory.buffer.byteLength <= MAX_MEMORY_BYTES) {
    instance = exports;
  }
  return answer;
}

/** Writes the fields into the memory, calls the function, and reads its answer. */
function exchange({ memory, input, call, length }: Exports, number: number, packed: string): string {
  // In UTF-8 a code unit takes up to three bytes.
  const address = run(input, packed.length * 3);
  const { written } = encoder.encodeInto(packed, new Uint8Array(memory.buffer, address));
  // The call can grow the memory, which replaces its buffer.
  const answer = run(call, number, written, packed.length);
  return decoder.decode(new Uint8Array(memory.buffer, answer, run(length)));
}

/**
 * Calls an export. All calls of exports are in this one place, so that the engine does not compile them into their callers:
 * V8 11.3 (Node 20) mistakes numbers for strings in such a function, and the process crashes. This costs 2 % of a token.
 */
function run(target: (...values: number[]) => number, a = 0, b = 0, c = 0): number {
  return target(a, b, c);
}

function instantiate(): Exports {
  compiled ??= source!();
  // A copy, because the engine reads its own object slowly.
  return { ...(new WebAssembly.Instance(compiled).exports as unknown as Exports) };
}
