import type { WebAssemblyModule } from "../globals.js";

/** The module as Cloudflare Workers and Vercel Edge hand it over, compiled: what `initSync` of `webpubsub-edge/slim` takes. */
declare const module: WebAssemblyModule;
export default module;
