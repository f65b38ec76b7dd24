// The types, as a user's compiler sees them in the packed package.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { cp, mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { installPacked } from "../packed.mjs";
import { DENO } from "../programs.mjs";
import { assertSnapshot } from "../snapshot.mjs";

const here = path.dirname(fileURLToPath(import.meta.url));
const nodeModules = path.join(here, "../node_modules");
const official = path.join(nodeModules, "@azure/web-pubsub");

let packed;
before(async () => {
  // Under tests/, where the types of the hosts are installed.
  packed = await installPacked(path.join(here, "../target"));
  for (const file of (await readdir(here)).filter((name) => /\.c?ts$/.test(name))) {
    await cp(path.join(here, file), path.join(packed.folder, file));
  }
});
after(() => packed?.remove());

const RESOLUTIONS = { bundler: "preserve", node16: "node16", nodenext: "nodenext" };
/** What every host compiles that has the globals of the web. */
const EVERYWHERE = ["api.ts", "events.ts", "client.ts", "entries.ts", "globals.ts"];
/** Where the global types come from, and what is compiled with them. Node's have no WebAssembly; "none" has nothing at all. */
const HOSTS = {
  DOM: { lib: ["ES2022", "DOM", "DOM.Iterable"], types: [], files: [...EVERYWHERE, "module.ts", "emulator.ts", "browser.ts"] },
  WebWorker: { lib: ["ES2022", "WebWorker"], types: [], files: [...EVERYWHERE, "module.ts", "emulator.ts", "browser.ts"] },
  Workers: { lib: ["ES2022"], types: ["@cloudflare/workers-types"], files: [...EVERYWHERE, "module.ts", "emulator.ts", "worker.ts"] },
  Node: { lib: ["ES2022"], types: ["node"], files: [...EVERYWHERE, "emulator.ts", "sockets.ts", "official.ts"] },
  "DOM and Node": {
    lib: ["ES2022", "DOM", "DOM.Iterable"],
    types: ["node"],
    files: [...EVERYWHERE, "module.ts", "emulator.ts", "browser.ts", "sockets.ts", "official.ts"],
  },
  Bun: {
    lib: ["ESNext"],
    types: ["bun-types"],
    // Bun's types want newer ones of Node than the Node host has.
    typeRoots: [path.join(nodeModules, "bun-types/node_modules/@types"), nodeModules],
    files: [...EVERYWHERE, "module.ts", "emulator.ts"],
  },
  none: { lib: ["ES2022"], types: [], files: ["bare.ts"] },
};

for (const [host, { files, ...options }] of Object.entries(HOSTS)) {
  for (const [moduleResolution, module] of Object.entries(RESOLUTIONS)) {
    // Resolution has nothing to do with it: once without it is enough.
    const exactOptionalPropertyTypes = module !== "nodenext";
    test(`the globals of ${host}, ${moduleResolution}`, () =>
      compile("typescript", files, { module, moduleResolution, ...options, exactOptionalPropertyTypes }));
  }
  test(`the globals of ${host}, TypeScript 5.9`, () =>
    compile("typescript-5", files, { module: "nodenext", ...options, exactOptionalPropertyTypes: true }));
}

// What the guides tell a project of CommonJS, whose code is no ES module at run time.
for (const typescript of ["typescript", "typescript-5"]) {
  const { lib, types } = HOSTS.Node;
  const options = { lib, types, verbatimModuleSyntax: false };
  for (const module of ["node20", "nodenext"]) {
    test(`CommonJS imports every entry, ${typescript}, ${module}`, () =>
      compile(typescript, ["commonjs.cts", "dynamic.cts"], { module, ...options }));
  }

  test(`CommonJS imports every entry dynamically, ${typescript}, node16`, async () => {
    await compile(typescript, ["dynamic.cts"], { module: "node16", ...options });
    const advice = /TS1479: .*CommonJS.* Consider writing a dynamic 'import\("webpubsub-edge"\)'/;
    await assert.rejects(compile(typescript, ["commonjs.cts"], { module: "node16", ...options }), advice);
  });

  test(`CommonJS imports every entry, ${typescript}, commonjs`, () =>
    compile(typescript, ["commonjs.cts", "dynamic.cts"], { module: "commonjs", ...options }));
}

test("Deno checks them, the declarations of the package included", { skip: DENO.skip }, async () => {
  const files = [...EVERYWHERE, "module.ts", "emulator.ts", "browser.ts"];
  // The files import one another by the names that they have when compiled.
  const options = ["--all", "--node-modules-dir=manual", "--unstable-sloppy-imports"];
  const env = { ...process.env, DENO_DIR: path.join(packed.folder, ".deno"), DENO_NO_UPDATE_CHECK: "1", NO_COLOR: "1" };
  await run(DENO.program, ["check", ...options, ...files], { cwd: packed.folder, env });
});

test("the samples of the official SDK compile after changing the import line", async () => {
  const readme = await readFile(path.join(official, "README.md"), "utf8");
  const samples = [...readme.matchAll(/^```ts [^\n]*\n(.*?)^```/gms)]
    .map(([, code]) => code)
    .filter((code) => code.includes('from "@azure/web-pubsub"'));
  assert.ok(samples.length >= 10, `only ${samples.length} samples found`);
  await mkdir(path.join(packed.folder, "samples"));
  const files = samples.map((_, index) => `samples/${index}.ts`);
  for (const [index, code] of samples.entries()) {
    await writeFile(path.join(packed.folder, files[index]), code.replace('"@azure/web-pubsub"', '"webpubsub-edge"'));
  }
  const { lib } = HOSTS.DOM;
  // One sample has a parameter without a type.
  const options = { module: "nodenext", lib, types: [], noImplicitAny: false, noUnusedLocals: false };
  await compile("typescript", [...files, "identity.d.ts"], options);
});

for (const typescript of ["typescript", "typescript-5"]) {
  test(`a misspelt option of a client is the mistake that is reported, ${typescript}`, async () => {
    const code = 'import { WebPubSubServiceClient } from "webpubsub-edge";\n' +
      'new WebPubSubServiceClient("connection string", "hub", { retryOption: {} });\n';
    await writeFile(path.join(packed.folder, "misspelt.ts"), code);
    const options = { module: "nodenext", lib: HOSTS.DOM.lib, types: [] };
    await assert.rejects(compile(typescript, ["misspelt.ts"], options), ({ message }) => {
      // The last signature is the one whose mistake is shown at the end, or alone.
      const reported = message.trim().split("\n").at(-1);
      assert.match(reported, /'retryOption' does not exist in type .*Did you mean to write 'retryOptions'/);
      return true;
    });
  });
}

/** Names that the official SDK exports and this package does not, with the reason. */
const LEFT_OUT = {
  GroupAdminClientOptions: "nothing of the official API takes it",
  WebPubSubServiceClientLogOptions: "our log is a function, which is told neither headers nor queries",
};

test("every name that the official SDK exports is there", async () => {
  const index = await readFile(path.join(official, "dist/esm/index.d.ts"), "utf8");
  const lists = [...index.matchAll(/export \{([^}]*)\}/g)].map(([, list]) => list.split(","));
  const theirs = lists.flat().map((name) => name.trim()).filter((name) => name !== "");
  assert.ok(theirs.length > 30, `only ${theirs.length} names found`);
  const outOfDate = Object.keys(LEFT_OUT).filter((name) => !theirs.includes(name));
  assert.deepEqual(outOfDate, [], "names of the table that are not official");
  await compileNames("webpubsub-edge", theirs, LEFT_OUT);
});

test("every name that the official client exports is there", async () => {
  const dist = path.join(nodeModules, "@azure/web-pubsub-client/dist/esm");
  const theirs = new Set();
  for (const file of (await readdir(dist, { recursive: true })).filter((name) => /^(webPubSub.*|(models|protocols|errors)\/index|models\/messages)\.d\.ts$/.test(name))) {
    const code = await readFile(path.join(dist, file), "utf8");
    for (const [, name] of code.matchAll(/export (?:declare )?(?:interface|type|class|const) (\w+)/g)) theirs.add(name);
  }
  assert.ok(theirs.size > 60, `only ${theirs.size} names found`);
  await compileNames("webpubsub-edge/client", [...theirs], {});
});

async function compileNames(entry, names, leftOut) {
  const lines = names.map((name) => `${name in leftOut ? "// @ts-expect-error\n" : ""}export type { ${name} } from "${entry}";\n`);
  await writeFile(path.join(packed.folder, "names.ts"), lines.join(""));
  await compile("typescript", ["names.ts"], { module: "nodenext", lib: HOSTS.DOM.lib, types: [] });
}

test("the public declarations are those of api.txt", async () => {
  const dist = path.join(packed.folder, "node_modules/webpubsub-edge/dist");
  const files = new Map();
  const queue = ["globals.d.ts", "entrypoints/index.d.ts", "entrypoints/slim.d.ts", "wasm/module.d.ts", "entrypoints/client.d.ts", "entrypoints/client-protobuf.d.ts", "emulator/index.d.ts"];
  for (const file of queue) {
    if (files.has(file)) continue;
    const code = await readFile(path.join(dist, file), "utf8");
    files.set(file, code);
    for (const [, specifier] of code.matchAll(/from "([^"]+)\.js"/g)) {
      queue.push(path.posix.join(path.posix.dirname(file), `${specifier}.d.ts`));
    }
  }
  const text = [...files].map(([file, code]) => `// ${file}\n${withoutComments(code)}`).join("\n");
  await assertSnapshot(path.join(here, "api.txt"), text);
});

/** Compiles files of the folder as strictly as there is. */
async function compile(typescript, files, options) {
  const config = {
    compilerOptions: {
      target: "ES2022",
      noEmit: true,
      strict: true,
      skipLibCheck: false,
      noUncheckedIndexedAccess: true,
      verbatimModuleSyntax: true,
      ...options,
    },
    files,
  };
  const file = path.join(packed.folder, `tsconfig.${crypto.randomUUID()}.json`);
  await writeFile(file, JSON.stringify(config));
  await run(process.execPath, [path.join(nodeModules, typescript, "bin/tsc"), "--project", file], { cwd: packed.folder });
}

/** Runs a compiler; what it says is the error. */
async function run(program, args, options) {
  try {
    await promisify(execFile)(program, args, options);
  } catch ({ stdout, stderr }) {
    throw new Error(stdout + stderr);
  }
}

function withoutComments(code) {
  return code.replaceAll(/\/\*.*?\*\//gs, "").replaceAll(/^\s*\n/gm, "");
}
