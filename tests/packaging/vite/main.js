import { use } from "./use.mjs";

globalThis.use = use;
