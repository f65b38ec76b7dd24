// Every snippet of the documentation is compiled, and run where it can be: what a reader copies works.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readFile, readdir } from "node:fs/promises";
import path from "node:path";
import { after, before, test } from "node:test";
import { promisify } from "node:util";
import { pathToFileURL } from "node:url";
import { EMULATOR_ACCESS_KEY, startEmulator } from "../../pkg/dist/emulator/index.js";
import { root } from "../harness.mjs";
import { installPacked } from "../packed.mjs";
import { keepConnected } from "./connected.mjs";
import { snippetsOf } from "./extract.mjs";
import { runRust } from "./rust.mjs";
import { runTypeScript, typeCheck, writeTypeScript } from "./typescript.mjs";

const markdown = async (folder) => (await readdir(path.join(root, folder))).filter((name) => name.endsWith(".md")).map((name) => `${folder}/${name}`);
const sources = (await readdir(path.join(root, "pkg/src"), { recursive: true })).filter((name) => name.endsWith(".ts"));
const pages = ["README.md", ...(await markdown("docs")), ...(await markdown("pkg")), ...sources.map((name) => `pkg/src/${name}`)];
const home = pathToFileURL(`${root}/`);
const snippets = (await Promise.all(pages.map((page) => snippetsOf(home, page)))).flat();
const of = (language) => snippets.filter((snippet) => snippet.language === language && snippet.mode !== "skip");

let packed;
let emulator;
let ann;
let newChat;
let errors;
let globals;

before(async () => {
  [packed, emulator] = await Promise.all([installPacked(), startEmulator()]);
  await writeTypeScript(of("ts"), packed.folder, root);
  errors = await typeCheck(packed.folder, root);

  const { WebPubSubServiceClient } = await import(
    pathToFileURL(path.join(packed.folder, "node_modules/webpubsub-edge/dist/entrypoints/index.js"))
  );
  const { connectionString } = emulator;
  const client = new WebPubSubServiceClient(connectionString, "chat");
  ann = keepConnected(client, { userId: "ann", groups: ["chat", "news"] });
  process.env.AZURE_WEBPUBSUB_CONNECTION_STRING = connectionString;
  const { WebPubSubClient } = await import(
    pathToFileURL(path.join(packed.folder, "node_modules/webpubsub-edge/dist/entrypoints/client.js"))
  );
  const roles = ["joinLeaveGroup", "sendToGroup", "setGroupState", "getGroupState"].map((name) => `webpubsub.${name}`);
  const getClientAccessUrl = async () => (await client.getClientAccessToken({ userId: "cat", roles })).url;
  newChat = async () => {
    const chat = new WebPubSubClient({ getClientAccessUrl });
    await chat.connect();
    return chat;
  };
  globals = {
    client,
    fetch: fetchWithNegotiate(client),
    userId: "ann",
    group: "news",
    traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    getVercelOidcToken: async () => "an assertion",
    env: {
      AZURE_WEBPUBSUB_CONNECTION_STRING: connectionString,
      ACCESS_KEY: EMULATOR_ACCESS_KEY,
      SECOND_ACCESS_KEY: "another key",
      TENANT_ID: "contoso.example",
      CLIENT_ID: "client",
      CLIENT_SECRET: "secret",
    },
  };
});

after(async () => {
  ann?.stop();
  await emulator?.stop();
  await packed?.remove();
});

test("there are snippets in every place that is searched", () => {
  for (const page of ["README.md", "docs/", "pkg/README.md", "pkg/SKILL.md", "pkg/src/service/client.ts", "pkg/src/entrypoints/slim.ts", "pkg/src/client/client.ts", "pkg/src/emulator/start.ts"]) {
    assert.ok(snippets.some(({ name }) => name.startsWith(page)), page);
  }
});

test("docs/from-azure-web-pubsub.md has every export and method of the official package", async () => {
  const types = new URL("tests/node_modules/@azure/web-pubsub/dist/esm/", home);
  const [index, ...classes] = await Promise.all(
    ["index", "hubClient", "groupClient"].map((name) => readFile(new URL(`${name}.d.ts`, types), "utf8")),
  );
  const exported = [...index.matchAll(/export \{([^}]*)\}/g)].flatMap(([, list]) => list.match(/\w+/g));
  const methods = classes.flatMap((text) => [...text.matchAll(/^ {4}(\w+)\(/gm)].map(([, name]) => name));
  const page = await readFile(new URL("docs/from-azure-web-pubsub.md", home), "utf8");
  const missing = [...new Set([...exported, ...methods])].filter((name) => !new RegExp(`\\b${name}\\b`).test(page));
  assert.ok(exported.length > 20 && methods.length > 20);
  assert.deepEqual(missing.filter((name) => name !== "constructor"), []);
});

test("docs/from-azure-web-pubsub-client.md has every method, option and event of the official client", async () => {
  const types = new URL("tests/node_modules/@azure/web-pubsub-client/dist/esm/", home);
  const [client, options] = await Promise.all(
    ["webPubSubClient", "models/index"].map((name) => readFile(new URL(`${name}.d.ts`, types), "utf8")),
  );
  const methods = [...client.matchAll(/^ {4}([a-z]\w+)\(/gm)].map(([, name]) => name);
  const events = [...client.matchAll(/event: "([\w-]+)"/g)].map(([, name]) => name);
  const members = [...options.matchAll(/^ {4}(?:readonly )?(\w+)\??:/gm)].map(([, name]) => name);
  assert.ok(methods.length > 10 && events.length >= 6 && members.length > 20);
  const page = await readFile(new URL("docs/from-azure-web-pubsub-client.md", home), "utf8");
  const missing = [...new Set([...methods, ...events, ...members])].filter((name) => !new RegExp(`\\b${name}\\b`).test(page));
  assert.deepEqual(missing.filter((name) => name !== "constructor"), []);
});

test("docs/websocket-client.md has every method, event and error code of the client", async () => {
  const [client, options, errors, page] = await Promise.all(
    ["pkg/src/client/client.ts", "pkg/src/client/options.ts", "pkg/src/client/errors.ts", "docs/websocket-client.md"].map((name) =>
      readFile(new URL(name, home), "utf8"),
    ),
  );
  const methods = [...client.matchAll(/^ {2}(?:async )?([a-z]\w+)[(<]/gm)].map(([, name]) => name);
  const [, list] = /interface WebPubSubClientEvents.*\{([^}]*)\}/.exec(options);
  const events = [...list.matchAll(/^ {2}"?([\w-]+)"?:/gm)].map(([, name]) => name);
  const codes = [...errors.matchAll(/^ {2}\| "(ERR_\w+)"/gm)].map(([, name]) => name);
  assert.ok(methods.length >= 14 && events.length >= 9 && codes.length >= 12);
  const missing = [...methods, ...events, ...codes].filter((name) => !new RegExp(`\\b${name}\\b`).test(page));
  assert.deepEqual(missing.filter((name) => name !== "constructor"), []);
});

/** The `fetch` of a page whose own server answers `POST /negotiate`. */
function fetchWithNegotiate(client) {
  const { fetch } = globalThis;
  return async (input, init) => {
    if (input !== "/negotiate") return fetch(input, init);
    if (init?.method !== "POST") return Response.json({ error: { code: "MethodNotAllowed" } }, { status: 405 });
    const roles = ["webpubsub.joinLeaveGroup", "webpubsub.sendToGroup"];
    return Response.json(await client.getClientAccessToken({ userId: "ann", roles }));
  };
}

for (const snippet of snippets.filter(({ mode }) => mode === "skip")) {
  test(snippet.name, { skip: snippet.reason }, () => {});
}

for (const snippet of of("ts")) {
  test(snippet.name, async (t) => {
    const found = errors.get(path.basename(snippet.file));
    assert.ok(found === undefined, `tsc finds errors:\n${found}`);
    if (snippet.mode === "run") {
      // One of its own: what an earlier snippet listens to would print here.
      const chat = /\bchat\b/.test(snippet.code) ? await newChat() : undefined;
      try {
        await runTypeScript(snippet, { ...globals, chat, connectionId: await ann.connectionId() });
      } finally {
        await chat?.stop();
      }
    } else {
      await t.test(`${snippet.name} runs`, { skip: snippet.reason }, () => {});
    }
  });
}

test("Rust", { timeout: 280_000 }, (t) => runRust(t, of("rust"), { root, ann }));

test("Python", async (t) => {
  const version = await promisify(execFile)("python3", ["--version"]).catch(() => undefined);
  if (version === undefined) {
    t.skip("there is no python3 to read it with");
    return;
  }
  for (const { name, code } of of("python")) {
    await t.test(name, async () => {
      const flags = "import ast, sys; compile(sys.argv[1], sys.argv[2], 'exec', ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)";
      await promisify(execFile)("python3", ["-c", flags, code, name]);
    });
  }
});
