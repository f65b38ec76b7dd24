/** The wasm module of the WebSocket client as text, made by build.mjs. */
export const text: string;
/** What its characters stand for. */
export const table: string;
