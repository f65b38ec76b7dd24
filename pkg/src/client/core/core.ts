// The session in WebAssembly: numbers go in and numbers come out. The other side is pkg/wasm-client.

import type { WebAssemblyMemory, WebAssemblyModule } from "../../globals.js";
import { WebPubSubClientError } from "../errors.js";
import type { Id } from "../messages.js";

/** Gives the compiled module, at once where it is there already. */
export type ModuleSource = () => WebAssemblyModule | Promise<WebAssemblyModule>;

/** The exports of pkg/wasm-client. */
export interface Core {
  readonly memory: WebAssemblyMemory;
  words(): number;
  create(): number;
  destroy(session: number): void;
  handle(session: number, now: number, tag: number, a: number, low: number, high: number, b: number): number;
  actions(session: number): number;
  wake_at(session: number): number;
}

let source: ModuleSource | undefined;
let core: Core | Promise<Core> | undefined;

/** Says where the module comes from. Each entry point calls this; nothing is compiled before the first use. */
export function provide(from: ModuleSource): void {
  source ??= from;
}

/** The module, which one instance serves for all sessions. It is compiled by the first call; a failure is not kept. */
export function loadCore(): Core | Promise<Core> {
  if (core === undefined) {
    try {
      const module = source!();
      core = module instanceof Promise ? later(module) : (new WebAssembly.Instance(module).exports as unknown as Core);
    } catch (error) {
      throw refused(error);
    }
  }
  return core;
}

async function later(module: Promise<WebAssembly.Module>): Promise<Core> {
  try {
    const { exports } = await WebAssembly.instantiate(await module);
    return (core = exports as unknown as Core);
  } catch (error) {
    core = undefined;
    throw refused(error);
  }
}

function refused(cause: unknown): WebPubSubClientError {
  return new WebPubSubClientError("ERR_WASM", "WebAssembly is refused here. A Content-Security-Policy needs 'wasm-unsafe-eval'.", cause);
}

const WORD = 2 ** 32;

/** What the core takes for "the next one": all bits set. */
export const NEXT_ACK_ID = -1;

/** The lower half of an id. */
export const low = (id: Id): number => (typeof id === "bigint" ? Number(id & 0xffff_ffffn) : id >>> 0);

/** The upper half of an id. */
export const high = (id: Id): number => (typeof id === "bigint" ? Number(id >> 32n) : Math.floor(id / WORD) >>> 0);

/** An id of two halves, in the type that holds it exactly. */
export function idOf(low: number, high: number): Id {
  return high < 0x20_0000 ? high * WORD + low : (BigInt(high) << 32n) | BigInt(low);
}
