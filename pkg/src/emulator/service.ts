import { inflateRawSync } from "node:zlib";
import { type Actions, Emulator, initSync } from "./wasm/glue.js";
import { base64 } from "./wasm/inline.js";

/**
 * What the service is told, as JSON, which takes less than values do: nothing that holds itself, and no number that is
 * none, for which JSON would say `null`.
 *
 * @throws `TypeError` that names what is wrong.
 * @internal
 */
export function jsonOf(what: string, value: object): string {
  const check = (name: string, value: unknown) => {
    if (typeof value === "bigint" || (typeof value === "number" && !Number.isFinite(value))) {
      throw new TypeError(`${name} must be a number that JSON has, not ${value}.`);
    }
    return value;
  };
  try {
    return JSON.stringify(value, check);
  } catch (error) {
    const { message } = error as Error;
    // The rest is said by the runtime, each in its own way, and tells of values that hold themselves.
    throw message.includes(" must be a number ") ? error : new TypeError(`${what} cannot be written as JSON: they hold themselves, or nest too deep.`);
  }
}

let isStarted = false;

/**
 * An emulated service. The module is compiled for the first; all of a process share it.
 *
 * @throws `Error` that says which setting is wrong.
 * @internal
 */
export function newService(settings: object, actions: Actions): Emulator {
  if (!isStarted) {
    initSync({ module: new WebAssembly.Module(new Uint8Array(inflateRawSync(Buffer.from(base64, "base64")))) });
    isStarted = true;
  }
  return new Emulator(jsonOf("The options", settings), actions);
}
