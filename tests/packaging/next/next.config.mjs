import path from "node:path";

// next itself is installed in tests/, above this project; Next.js would guess the root from lock files.
const root = path.resolve("../..");

export default { turbopack: { root }, outputFileTracingRoot: root };
