// The Rust client over `Fetch` in real hosts: the service and Entra ID are a server here that says what it saw.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, before, test } from "node:test";
import { promisify } from "node:util";
import { eventually, root } from "../harness.mjs";
import { bundle, startWorkerd } from "../packed.mjs";

/** Long enough on two busy cores; a process that a timer of ours kept alive for its ten minutes would be ended. */
const PROCESS_MS = 60_000;
// What xtask-bindgen writes throws by wasm exceptions, which Node 20 does not know.
const HOSTS = { workerd: undefined, "Node 24": process.env.NODE24 };

let folder;
let workerd;
let server;

before(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "webpubsub-edge-fetch-"));
  await cp(path.join(root, "target/fetch"), folder, { recursive: true });
  const glue = (await readFile(path.join(folder, "index.js"), "utf8")).replace("import source ", "import ");
  await writeFile(path.join(folder, "index.js"), glue);
  await writeFile(path.join(folder, "node.mjs"), forNode(glue));
  await writeFile(path.join(folder, "worker.mjs"), WORKER);
  await bundle(folder, "worker.mjs", { loader: { ".wasm": "copy" }, outdir: "workerd" });
  [server, workerd] = await Promise.all([startService(), startWorkerd(path.join(folder, "workerd"), "main.js")]);
});

after(async () => {
  workerd?.stop();
  await server?.close();
  await rm(folder, { recursive: true, force: true });
});

for (const [host, program] of Object.entries(HOSTS)) {
  const skip = host !== "workerd" && !(program && existsSync(program)) && "this Node is installed for Linux on x64 only";
  test(host, { skip }, async (t) => {
    /** Plays a scenario and looks at what came of it, before the host may let go of anything by itself. */
    const play = async (scenario, look) => {
      const seen = server.record();
      const { result, end } = await (host === "workerd" ? inWorkerd(scenario) : inNode(program, scenario));
      try {
        await look(result, seen);
      } finally {
        await end();
      }
    };

    await t.test("headers go there and come back", () => play("answers", (result, seen) => {
      assert.equal(result, '202 [("x-ms-request-id", "r1")]');
      assert.equal(seen.length, 1);
      const [{ method, url, headers, body }] = seen;
      assert.deepEqual([method, url, body], ["POST", "/service/api/hubs/hub/:send?api-version=2024-12-01", "hello"]);
      assert.equal(headers.traceparent, "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01");
      assert.equal(headers["content-type"], "text/plain");
    }));

    await t.test("calls at the same time share a token of Entra ID, and the answer to a challenge", () => play("entra", (result, seen) => {
      assert.equal(result, "Ok(()) Ok(()) Ok(())");
      const of = (path) => seen.filter(({ url }) => url.startsWith(path));
      const form = { grant_type: "client_credentials", client_id: "client", scope: "https://webpubsub.azure.com/.default" };
      assert.deepEqual(
        of("/entra/tenant/oauth2/v2.0/token").map(({ body }) => Object.fromEntries(new URLSearchParams(body))),
        [
          { ...form, client_secret: "s&cret" },
          { ...form, client_secret: "s&cret", claims: '{"a":1}' },
        ],
      );
      assert.deepEqual(of("/challenge/").map(({ headers }) => headers.authorization).sort(), [
        ...Array(3).fill("Bearer entra-1"),
        ...Array(3).fill("Bearer entra-2"),
      ]);
    }));

    for (const [scenario, expected] of [
      ["dropped", "dropped"],
      ["timeout", "Err(Network(Timeout))"],
      ["total timeout", "Err(DeadlineExceeded)"],
      ["timeout of the transport", "Err(Network(Timeout))"],
      ["endless", "Err(Network(AnswerTooLarge))"],
    ]) {
      await t.test(`${scenario}: the request is aborted, not only its answer ignored`, () => play(scenario, async (result, seen) => {
        assert.equal(result, expected);
        assert.equal(seen.length, 1);
        await eventually(() => seen[0].isAborted, "the connection to be let go");
      }));
    }
  });
}

async function inWorkerd(scenario) {
  const { body } = await fetch(workerd.origin, { method: "POST", body: JSON.stringify([scenario, server.origin]) });
  const reader = body.getReader();
  const { value } = await reader.read();
  const end = async () => {
    server.endWaiting();
    await reader.read();
  };
  return { result: new TextDecoder().decode(value), end };
}

async function inNode(program, scenario) {
  const { stdout } = await promisify(execFile)(program, ["node.mjs", scenario, server.origin], { cwd: folder, timeout: PROCESS_MS });
  return { result: stdout, end: async () => {} };
}

/** Its answer stays open until the test is done: workerd itself aborts what a request that is over has left. */
const WORKER = `import { run } from "./index.js";
export default {
  async fetch(request) {
    if (request.method === "HEAD") {
      return new Response(null);
    }
    const [scenario, origin] = await request.json();
    const result = new TextEncoder().encode(await run(scenario, origin));
    return new Response(new ReadableStream({
      async start(controller) {
        controller.enqueue(result);
        await fetch(origin + "/wait");
        controller.close();
      },
    }));
  },
};
`;

/** Node gives no wasm module for an import without a flag. */
function forNode(glue) {
  const read = 'const wasmModule = new WebAssembly.Module(readFileSync(new URL("index_bg.wasm", import.meta.url)));';
  const head = 'import { readFileSync } from "node:fs";\n';
  const withModule = glue.replace(/^import wasmModule from .*$/m, read);
  assert.notEqual(withModule, glue);
  return `${head}${withModule}\nprocess.stdout.write(await run(...process.argv.slice(2)));\n`;
}

/** Answers as the first segment of the path says, `/wait` when it is told to; `record()` begins a new list of what it sees. */
async function startService() {
  let seen = [];
  let tokens = 0;
  let over = Promise.withResolvers();
  const answers = {
    service: (_request, response) => response.writeHead(202, { "x-ms-request-id": "r1" }).end(),
    entra: (_request, response) => response.end(JSON.stringify({ access_token: `entra-${++tokens}`, expires_in: 3600 })),
    challenge: ({ headers }, response) => {
      const challenge = { "www-authenticate": `Bearer error="x", claims="${btoa('{"a":1}')}"` };
      const isFirst = headers.authorization === "Bearer entra-1";
      response.writeHead(isFirst ? 401 : 202, isFirst ? challenge : {}).end();
    },
    hang: () => {},
    endless: (_request, response) => {
      const chunk = Buffer.alloc(65536, " ");
      const write = () => {
        while (!response.destroyed && response.write(chunk));
      };
      response.on("drain", write);
      write();
    },
  };
  const http = createServer(async (request, response) => {
    const { method, url, headers } = request;
    if (url === "/wait") {
      await over.promise;
      response.end();
      return;
    }
    const entry = { method, url, headers, body: "", isAborted: false };
    seen.push(entry);
    response.once("close", () => (entry.isAborted = !response.writableFinished));
    for await (const chunk of request) {
      entry.body += chunk;
    }
    answers[url.split("/")[1]](request, response);
  });
  await new Promise((resolve) => http.listen(0, "127.0.0.1", resolve));
  const record = () => {
    tokens = 0;
    over = Promise.withResolvers();
    return (seen = []);
  };
  const endWaiting = () => over.resolve();
  const close = () => {
    http.closeAllConnections();
    return new Promise((resolve) => http.close(resolve));
  };
  return { origin: `http://127.0.0.1:${http.address().port}`, record, endWaiting, close };
}
