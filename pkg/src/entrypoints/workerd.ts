// Cloudflare Workers compile a .wasm file at deploy time and refuse to compile bytes at run time.
import module from "../wasm/webpubsub_edge.wasm";
import { provide } from "../wasm/core.js";

provide(() => module);

export * from "../service/index.js";
