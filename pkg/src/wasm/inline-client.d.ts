/** The wasm module of the WebSocket client as text, made by build.mjs. */
export const text: string;
