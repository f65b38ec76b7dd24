// `webpubsub-edge/emulator` for runtimes without server sockets: Cloudflare Workers, Vercel Edge and browsers.

export { EMULATOR_ACCESS_KEY } from "./access-key.js";

const HERE =
  "startEmulator cannot run here: Cloudflare Workers, edge runtimes and browsers cannot listen on a port. Call it in Node, " +
  "Deno or Bun, for example in the setup of your tests, or start `npx webpubsub-edge emulator`; then use its connection " +
  "string and client URLs here.";

const NODE_WITH_BROWSER_MODULES =
  "startEmulator cannot run here: this is Node, but your tools chose the modules for browsers. In Jest with jsdom, set " +
  'testEnvironmentOptions: { customExportConditions: ["node"] }; in a bundler, target Node.';

/**
 * Rejects, because this runtime cannot listen on a port.
 *
 * @throws (rejects with) `Error` with the code `ERR_RUNTIME` that says where `startEmulator` can run.
 */
export async function startEmulator(): Promise<never> {
  const { process } = globalThis as { process?: { versions?: { node?: string }; release?: { name?: string } } };
  // Workers with `nodejs_compat` have `process.versions.node` too, but no `HTMLElement`.
  const isNode = process?.versions?.node !== undefined && "HTMLElement" in globalThis;
  throw Object.assign(new Error(isNode ? NODE_WITH_BROWSER_MODULES : HERE), { code: "ERR_RUNTIME" });
}
