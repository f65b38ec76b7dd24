/** The module as Cloudflare Workers and Vercel Edge hand it over, compiled: what `initSync` of `webpubsub-edge/slim` takes. */
declare const module: WebAssembly.Module;
export default module;
