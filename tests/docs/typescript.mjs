// Type-checks the TypeScript snippets against the packed package, and runs them against the emulator.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { copyFile, mkdir, symlink, writeFile } from "node:fs/promises";
import path from "node:path";
import { setTimeout } from "node:timers/promises";
import { pathToFileURL } from "node:url";

/** How long what is printed may take to come. */
const LATEST_MS = 5000;

/** Lays the snippets down beside the installed package; each gets a `file`. */
export async function writeTypeScript(snippets, folder, root) {
  const at = (...names) => path.join(folder, ...names);
  await mkdir(at("snippets"));
  await mkdir(at("node_modules/@azure/identity"), { recursive: true });
  for (const name of ["core-auth", "web-pubsub"]) {
    await symlink(path.join(root, "tests/node_modules/@azure", name), at("node_modules/@azure", name), "dir");
  }
  // Only what a constructor takes: no snippet that runs asks it for a token.
  await writeFile(at("node_modules/@azure/identity/package.json"), '{ "type": "module", "exports": "./index.js" }');
  await writeFile(at("node_modules/@azure/identity/index.js"), "export class DefaultAzureCredential { async getToken() {} }\n");
  await copyFile(path.join(root, "tests/docs/prelude.d.ts"), at("snippets/prelude.d.ts"));
  await writeFile(at("snippets/tsconfig.json"), JSON.stringify({
    compilerOptions: {
      target: "ES2024",
      module: "ESNext",
      moduleResolution: "bundler",
      lib: ["ES2024", "DOM", "DOM.Iterable", "DOM.AsyncIterable"],
      types: ["node"],
      typeRoots: [path.join(root, "tests/node_modules/@types")],
      strict: true,
      exactOptionalPropertyTypes: true,
      noUncheckedIndexedAccess: true,
      verbatimModuleSyntax: true,
      moduleDetection: "force",
      skipLibCheck: true,
      noEmit: true,
    },
  }));

  const namesOf = async (entry) => Object.keys(await import(pathToFileURL(at(`node_modules/webpubsub-edge/dist/entrypoints/${entry}.js`))));
  const service = (await namesOf("index")).map((name) => [name, "webpubsub-edge"]);
  const chat = (await namesOf("client")).map((name) => [name, "webpubsub-edge/client"]);
  // A page goes on from its own imports; an example in the sources from those of the whole package.
  let page;
  let imported;
  for (const [index, snippet] of snippets.entries()) {
    const [file] = snippet.name.split(":");
    if (file !== page) {
      page = file;
      imported = new Map(file.startsWith("pkg/src/client/") ? chat : file.endsWith(".ts") ? service : []);
    }
    snippet.file = at("snippets", `${index}-${snippet.name.replaceAll(/[^A-Za-z0-9]+/g, "-")}.ts`);
    // Below the snippet: what tsc says of a line is then about that line of it.
    await writeFile(snippet.file, `${snippet.code}\n${inherited(snippet.code, imported)}export {};\n`);
  }
}

/** What `tsc` says of each file, by its name. */
export async function typeCheck(folder, root) {
  const tsc = path.join(root, "pkg/node_modules/typescript/bin/tsc");
  const output = await new Promise((resolve) =>
    execFile(process.execPath, [tsc, "--project", "snippets", "--pretty", "false"], { cwd: folder }, (_error, stdout) => resolve(stdout)),
  );
  const errors = new Map();
  for (const [, file, error] of output.matchAll(/^snippets\/(\S+?)(\(.*(?:\n {2}.*)*)/gm)) {
    errors.set(file, `${errors.get(file) ?? ""}${error}\n`);
  }
  assert.equal(output.trim() === "", errors.size === 0, `what tsc says is not about a snippet:\n${output}`);
  return errors;
}

/** Runs a snippet, and what it exports for a host to call. */
export async function runTypeScript(snippet, globals) {
  Object.assign(globalThis, globals);
  const expected = [...snippet.code.matchAll(/console\.log\(.*\)[;,] \/\/ (.+)$/gm)].map(([, text]) => text);
  const printed = [];
  const { log } = console;
  console.log = (...values) => printed.push(values.map(String).join(" "));
  try {
    const exported = await import(pathToFileURL(snippet.file));
    await callHandlers(exported, globals.env);
    // What a listener prints may come after the snippet's last line.
    const until = Date.now() + LATEST_MS;
    while (printed.length < expected.length && Date.now() < until) await setTimeout(5);
  } finally {
    console.log = log;
  }
  if (expected.length > 0) {
    assert.deepEqual(printed, expected);
  }
}

/** The `fetch` of a Worker, or the methods of a Next route: each must answer with success. */
async function callHandlers(exported, env) {
  const calls = Object.entries(exported).filter(([name]) => ["GET", "POST"].includes(name));
  const worker = exported.default?.fetch;
  if (worker !== undefined) {
    calls.push(["POST", (request) => worker(request, env)]);
  }
  for (const [method, handler] of calls) {
    for (const route of ["/negotiate", "/broadcast"]) {
      const body = method === "POST" ? JSON.stringify({ text: "hello" }) : undefined;
      const response = await handler(new Request(`http://localhost${route}`, { method, body }));
      assert.ok(response.ok, `${method} ${route} answers ${response.status}: ${await response.text()}`);
    }
  }
}

/** The import of what earlier snippets of the page imported and this one does not name itself. */
function inherited(code, imported) {
  let lines = "";
  const own = [...code.matchAll(/^import (type )?\{([^}]*)\} from "([^"]+)";/gm)].flatMap(([, type, list, from]) =>
    list.split(",").filter((item) => item.trim() !== "").map((item) => [`${type ?? ""}${item.trim()}`, from]),
  );
  const bare = (item) => item.replace(/^type /, "").replace(/^.* as /, "");
  const named = new Set(own.map(([item]) => bare(item)));
  for (const [item, from] of imported) {
    const isDeclared = new RegExp(`^\\s*(export )?(const|let|class|function|interface|type) ${bare(item)}\\b`, "m").test(code);
    if (!named.has(bare(item)) && !isDeclared) {
      lines += `import { ${item} } from "${from}";\n`;
    }
  }
  for (const [item, from] of own) {
    imported.set(item, from);
  }
  return lines;
}
