import { inflateRawSync } from "node:zlib";
import { type Actions, Emulator, initSync } from "./wasm/glue.js";
import { base64 } from "./wasm/inline.js";

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
  return new Emulator(settings, actions);
}
