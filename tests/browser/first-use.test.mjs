// The path of a new user: docs/runtimes.md, "A page with Vite, from an empty folder", carried out word for word.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, readFile, symlink, writeFile } from "node:fs/promises";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import { eventually, root } from "../harness.mjs";
import { installPacked } from "../packed.mjs";
import { freePort } from "../ports.mjs";
import { skip, useBrowser } from "./browser.mjs";

const TITLE = "A page with Vite, from an empty folder";
/** The port in the text, which another program on this machine may use. */
const DEFAULT_PORT = "9770";

describe(TITLE, { skip }, () => {
  const openTab = useBrowser();
  const started = [];
  let packed;
  let origin;

  before(async () => {
    const [emulatorPort, pagePort] = [await freePort(), await freePort()];
    const files = await filesOfGuide();
    assert.deepEqual(files.map(({ name }) => name), ["vite.config.js", "index.html", "main.js", ".env"]);
    packed = await installPacked();
    for (const { name, text } of files) {
      await writeFile(path.join(packed.folder, name), text.replaceAll(DEFAULT_PORT, String(emulatorPort)));
    }
    await linkVite(packed.folder);
    await start(["webpubsub-edge", "emulator", `--port=${emulatorPort}`], /Endpoint=http/);
    await start(["vite", `--port=${pagePort}`, "--strictPort", "--host=127.0.0.1"], /Local:/);
    origin = `http://127.0.0.1:${pagePort}`;
  });
  after(async () => {
    for (const child of started) await end(child);
    await packed?.remove();
  });

  test("a message appears on the screen of both tabs, and no request is refused", async (t) => {
    const tabs = [];
    const refused = [];
    for (let index = 0; index < 2; index++) {
      // The page has no icon, so Vite answers 404.
      const page = await openTab(t, "about:blank", { expected: /status of 404/ });
      page.on("response", (response) => response.status() >= 400 && refused.push(response.url()));
      const joined = new Promise((resolve) => {
        page.on("websocket", (socket) => {
          socket.on("framereceived", ({ payload }) => /"ack"/.test(payload) && resolve());
        });
      });
      await page.goto(origin);
      await joined;
      tabs.push(page);
    }
    await tabs[0].getByLabel("Message").fill("hello");
    await tabs[0].getByRole("button", { name: "Send" }).click();
    for (const page of tabs) await page.getByRole("listitem").filter({ hasText: "hello" }).waitFor();
    assert.deepEqual(refused.filter((url) => !url.endsWith("/favicon.ico")), []);
  });

  /** Runs a command of the package through npx, as the guide does, until its output matches. */
  async function start(command, isUp) {
    const child = spawn("npx", command, {
      cwd: packed.folder,
      // npx starts another process, which a signal reaches through the group.
      detached: true,
      stdio: ["ignore", "pipe", "pipe"],
      env: { ...process.env, NO_COLOR: "1" },
    });
    started.push(child);
    let log = "";
    for (const output of [child.stdout, child.stderr]) output.on("data", (chunk) => (log += chunk));
    await eventually(() => isUp.test(log) || child.exitCode !== null, `${command.join(" ")} to start`);
    assert.match(log, isUp);
  }
});

/** The files of the guide: the first line of each code block names its file in a comment. */
async function filesOfGuide() {
  const guide = await readFile(path.join(root, "docs/runtimes.md"), "utf8");
  const start = guide.indexOf(`## ${TITLE}`);
  assert.ok(start >= 0, `docs/runtimes.md has no section "${TITLE}"`);
  const section = guide.slice(start, guide.indexOf("\n## ", start + 1));
  const blocks = [...section.matchAll(/^ *```\w+\n([^]*?)^ *```$/gm)].map(([, block]) => block.replace(/^ {3}/gm, ""));
  return blocks.flatMap((block) => {
    const [, name] = /^(?:\/\/|#|<!--) (\S+)(?: -->)?\n/.exec(block) ?? [];
    return name === undefined ? [] : [{ name, text: block.slice(block.indexOf("\n") + 1) }];
  });
}

/** Puts the Vite of the tests where `npm install vite` puts it. */
async function linkVite(folder) {
  const vite = path.join(root, "tests/node_modules/vite");
  await mkdir(path.join(folder, "node_modules/.bin"), { recursive: true });
  await symlink(vite, path.join(folder, "node_modules/vite"), "dir");
  await symlink(path.join(vite, "bin/vite.js"), path.join(folder, "node_modules/.bin/vite"));
}

async function end(child) {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, "exit");
  process.kill(-child.pid, "SIGTERM");
  await ended;
}
