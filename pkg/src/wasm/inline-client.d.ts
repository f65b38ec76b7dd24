/** The wasm module of the WebSocket client, deflated and in base64, made by build.mjs. */
export const deflated: string;
