// Compiles the Rust snippets into one program, and runs each of them in a process of its own against the emulator.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdir, writeFile } from "node:fs/promises";
import path from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);

export async function runRust(t, snippets, { root, ann }) {
  await mkdir(path.join(root, "target/docs"), { recursive: true });
  await writeFile(path.join(root, "target/docs/main.rs"), program(snippets));
  // The workspace's own target folder, where most of the dependencies are compiled already.
  const env = { ...process.env, CARGO_TARGET_DIR: path.join(root, "target"), CARGO_TERM_COLOR: "never" };
  const cargo = ["build", "--quiet", "--locked", "--manifest-path", path.join(root, "tests/docs/rust/Cargo.toml")];
  await run("cargo", cargo, { env }).catch(({ stderr }) => assert.fail(`the snippets do not compile:\n${stderr}`));

  const binary = path.join(root, "target/debug/webpubsub-edge-snippets");
  for (const [index, { name, code, mode, reason }] of snippets.entries()) {
    // The definitions are used by what follows them.
    if (!isItems(code)) {
      await t.test(name, { skip: mode === "check" && reason }, async () => {
        const { stdout } = await run(binary, [String(index), await ann.connectionId()], { env });
        const expected = [...code.matchAll(/println!\(.*\)[;,] \/\/ (.+)$/gm)].map(([, text]) => `${text}\n`);
        assert.equal(stdout, expected.join(""));
      });
    }
  }
}

/** Whether a snippet is definitions; any other is the body of a function. */
function isItems(code) {
  return /^(#\[|pub |struct |impl |(async )?fn )/m.test(code);
}

function program(snippets) {
  const transport = snippets.findIndex(({ code }) => code.includes("pub struct Reqwest"));
  let page;
  let above;
  const modules = snippets.map(({ name, code }, index) => {
    const [file] = name.split(":");
    if (file !== page) {
      page = file;
      above = [];
    }
    // Each in a block of its own, where it may name again what stands above.
    const blocks = above.map((use) => `${use} {`).join("\n");
    const ends = "}".repeat(above.length);
    if (isItems(code)) {
      above.push(`use crate::snippet_${index}::*;`);
      return `/// ${name}\npub mod snippet_${index} {\n${code}\n}`;
    }
    above.push(...[...code.matchAll(/^use [^;]+;/gm)].map(([use]) => use));
    return `/// ${name}
mod snippet_${index} {
use webpubsub_edge::service::ServiceClient;
use crate::snippet_${transport}::Reqwest;
pub async fn run(service: ServiceClient<Reqwest>, connection_id: &str) -> Result<(), Box<dyn std::error::Error>> {
${blocks}
${code}
;${ends}
Ok(()) }
}`;
  });
  const arms = snippets.flatMap(({ code }, index) => (isItems(code) ? [] : [`${index} => snippet_${index}::run(service, &id).await,`]));
  return `#![allow(dead_code, unused)]
${modules.join("\n")}
#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let index: usize = arguments.next().unwrap().parse()?;
    let id = arguments.next().unwrap();
    let connection_string = std::env::var("AZURE_WEBPUBSUB_CONNECTION_STRING")?;
    let transport = snippet_${transport}::Reqwest::default();
    let service = webpubsub_edge::service::ServiceClient::from_connection_string(&connection_string, "chat", transport)?;
    match index {
        ${arms.join("\n        ")}
        _ => Err("no such snippet".into()),
    }
}
`;
}
