// Vercel Edge takes a module through "?module" and refuses to compile bytes at run time.
import { provide } from "../client/core/core.js";
import module from "../wasm/webpubsub_edge_client.wasm?module";

provide(() => module);

export * from "../client/index.js";
