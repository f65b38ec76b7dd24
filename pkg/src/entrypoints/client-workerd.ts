// Cloudflare Workers compile a .wasm file at deploy time and refuse to compile bytes at run time.
import { provide } from "../client/core/core.js";
import module from "../wasm/webpubsub_edge_client.wasm";

provide(() => module);

export * from "../client/index.js";
