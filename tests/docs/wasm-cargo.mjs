// The cargo that compiles for wasm. Where rustup has no wasm32 target, xtask uses another toolchain: see xtask/src/debian.rs.

import { chmod, mkdir, writeFile } from "node:fs/promises";
import path from "node:path";

/**
 * Gives a folder for PATH. Its `cargo` compiles for wasm32 with the toolchain that xtask found. It is empty where the
 * usual cargo can do that.
 */
export async function wasmCargo(folder) {
  await mkdir(folder, { recursive: true });
  const { program, variables } = JSON.parse(process.env.WASM_TOOLCHAIN ?? '{"variables":[]}');
  if (variables.length === 0) return folder;
  const exports = variables.map(([name, value]) => `export ${name}='${value}'`).join("\n");
  const script = `#!/bin/sh
case " $* " in
  *" wasm32-unknown-unknown "*)
    ${exports}
    exec '${program}' "$@" ;;
esac
PATH="\${PATH#*:}" exec cargo "$@"
`;
  await writeFile(path.join(folder, "cargo"), script);
  await chmod(path.join(folder, "cargo"), 0o755);
  return folder;
}
