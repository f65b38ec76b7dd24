import * as glue from "./webpubsub_edge.js";

/** Gives the module, or its bytes. */
export type ModuleSource = () => WebAssembly.Module | BufferSource;

let source: ModuleSource | undefined;
let ready = false;

/** Says where the module comes from. Each entry point calls this; nothing is compiled before the first use. */
export function provide(from: ModuleSource): void {
  source ??= from;
}

/** The exports of the module, which is started on the first call. */
export function core(): typeof glue {
  if (!ready) {
    if (source === undefined) {
      throw new TypeError("webpubsub-edge/slim has no WebAssembly module yet: call initSync(module) first.");
    }
    glue.initSync({ module: source() });
    ready = true;
  }
  return glue;
}
