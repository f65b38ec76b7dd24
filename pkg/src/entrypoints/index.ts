/**
 * Azure Web PubSub for edge runtimes.
 *
 * @module
 */
import { decodeBase64 } from "../wasm/base64.js";
import { provide } from "../wasm/core.js";
import { base64 } from "../wasm/inline.js";

provide(() => new WebAssembly.Module(decodeBase64(base64)));

export * from "../service/index.js";
