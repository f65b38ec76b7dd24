// The module, where the host's types have WebAssembly.

import module from "webpubsub-edge/webpubsub_edge.wasm";
import { same } from "./equal.js";

same<typeof module, WebAssembly.Module>();
