/**
 * The WebSocket client of Azure Web PubSub.
 *
 * @module
 */
import { provide } from "../client/core/core.js";
import { table, text } from "../wasm/inline-client.js";
import { bytesOfText } from "../wasm/text.js";

provide(() => WebAssembly.compile(bytesOfText(text, table)));

export * from "../client/index.js";
