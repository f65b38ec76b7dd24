// Vercel Edge takes a module through "?module" and refuses to compile bytes at run time.
import module from "../wasm/webpubsub_edge.wasm?module";
import { provide } from "../wasm/core.js";

provide(() => module);

export * from "../service/index.js";
