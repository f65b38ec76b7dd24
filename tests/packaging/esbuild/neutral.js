export { use } from "./use.mjs";
