// `webpubsub-edge session` signs what the Worker accepts: the cases that the Rust code runs too, and the command itself.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, before, test } from "node:test";
import { jwtVerify } from "jose";
import { settingIn } from "../../pkg/dist/cli/dev-vars.js";
import { isGroup, isUserId, signSession, weakness } from "../../pkg/dist/cli/session.js";
import { root } from "../harness.mjs";
import { BUN, DENO, NODE_20 } from "../programs.mjs";

const SECRET = "0123456789abcdef0123456789abcdef";
const vectors = JSON.parse(await readFile(new URL("../vectors/session.json", import.meta.url), "utf8"));

let folder;
before(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "webpubsub-edge-session-"));
});
after(() => rm(folder, { recursive: true, force: true }));

/** Runs the command in a folder of its own, with a `.dev.vars` if one is given. `host` is the program and its arguments. */
async function session(args, { env = {}, devVars, host: [program, ...before] = [process.execPath] } = {}) {
  const file = path.join(folder, ".dev.vars");
  await (devVars === undefined ? rm(file, { force: true }) : writeFile(file, devVars));
  const main = path.join(root, "pkg/dist/cli/main.js");
  const { SESSION_SECRET, ...inherited } = process.env;
  return new Promise((resolve) => {
    execFile(program, [...before, main, "session", ...args], { cwd: folder, env: { ...inherited, NO_COLOR: "1", ...env } }, (error, stdout, stderr) =>
      resolve({ code: error?.code ?? 0, stdout, stderr }),
    );
  });
}

test("a session is signed as in Rust", async () => {
  for (const { secret, now, token, ...granted } of vectors.sessions) {
    assert.equal(await signSession(granted, secret, now), token);
  }
});

test("secrets that can be guessed are refused as in Rust", async () => {
  for (const { secret, problem } of vectors.secrets) assert.equal(weakness(secret) ?? null, problem, secret);
});

test("names are checked as in Rust", () => {
  for (const { name, valid } of vectors.users) assert.equal(isUserId(name), valid, name);
  for (const { name, valid } of vectors.groups) assert.equal(isGroup(name), valid, name);
});

test(".dev.vars is read as in Rust", () => {
  for (const { file, value } of vectors.devVars) assert.equal(settingIn(file, "S") ?? null, value, file);
});

test("the command signs with the secret of the environment, or else of .dev.vars", async () => {
  const inFile = { devVars: `# secrets\nSESSION_SECRET="${SECRET}"\n` };
  for (const from of [{ env: { SESSION_SECRET: SECRET } }, inFile, { env: { SESSION_SECRET: SECRET }, devVars: "SESSION_SECRET=another" }]) {
    const { code, stdout, stderr } = await session(["--sub", "ann", "--group", "blue", "--group", "a b", "--broadcast", "--minutes", "5"], from);
    assert.deepEqual([code, stderr], [0, ""]);
    const { payload } = await jwtVerify(stdout.trim(), new TextEncoder().encode(SECRET), { audience: "webpubsub-edge" });
    const { exp, ...claims } = payload;
    assert.deepEqual(claims, { sub: "ann", groups: ["blue", "a b"], broadcast: true, aud: "webpubsub-edge" });
    assert.ok(Math.abs(exp - Date.now() / 1_000 - 300) < 60);
  }
});

test("what the Worker would refuse is not signed, and the error says what to do", async () => {
  for (const [args, says] of [
    [[], /--sub ID/],
    [["--sub"], /--sub/],
    [["--sub", ""], /user id/],
    [["--sub", ".."], /user id/],
    [["--sub", "ann", "--group", ""], /--group ""/],
    [["--sub", "ann", "--group", "a/b"], /slash/],
    [["--sub", "ann", "--minutes", "0"], /1 to 1440/],
    [["--sub", "ann", "--minutes", "1441"], /1 to 1440/],
    [["--sub", "ann", "--minutes", "1.5"], /1 to 1440/],
    [["--sub", "ann", "--admin"], /--admin/],
    [["ann"], /ann/],
  ]) {
    const { code, stdout, stderr } = await session(args, { env: { SESSION_SECRET: SECRET } });
    assert.deepEqual([code, stdout], [2, ""], args.join(" "));
    assert.match(stderr, says);
    assert.ok(!stderr.includes(SECRET), stderr);
  }
});

test("a secret that is missing, weak or changed by wrangler is an error that does not show it", async () => {
  for (const [from, says] of [
    [{}, /neither in the environment nor in \.dev\.vars/],
    [{ devVars: "SESSION_SECRET=tooshort" }, /shorter than 32 bytes/],
    [{ env: { SESSION_SECRET: "x".repeat(40) } }, /different characters/],
    [{ devVars: `SESSION_SECRET='${SECRET}$NAME'` }, /holds a \$/],
  ]) {
    const { code, stdout, stderr } = await session(["--sub", "ann"], from);
    assert.deepEqual([code, stdout], [1, ""]);
    assert.match(stderr, says);
    assert.doesNotMatch(stderr, /tooshort|xxxx|0123456789/);
  }
});

for (const [name, { program, skip }, before] of [["Node 20", NODE_20, []], ["Bun", BUN, []], ["Deno", DENO, ["run", "--no-prompt", "--allow-env=SESSION_SECRET"]]]) {
  test(`${name} runs the command`, { skip }, async () => {
    const { code, stdout, stderr } = await session(["--sub", "ann"], { env: { SESSION_SECRET: SECRET }, host: [program, ...before] });
    assert.deepEqual([code, stderr], [0, ""]);
    await jwtVerify(stdout.trim(), new TextEncoder().encode(SECRET), { audience: "webpubsub-edge", subject: "ann" });
  });
}

test("Deno without rights says which one is missing", { skip: DENO.skip }, async () => {
  const asked = { env: { SESSION_SECRET: SECRET }, host: [DENO.program, "run", "--no-prompt", "--allow-read"] };
  const { code, stdout, stderr } = await session(["--sub", "ann"], asked);
  assert.deepEqual([code, stdout], [1, ""]);
  assert.match(stderr, /--allow-env=SESSION_SECRET/);
});

test("help says what the options are", async () => {
  const { code, stdout } = await session(["--help"]);
  assert.equal(code, 0);
  for (const option of ["--sub", "--group", "--broadcast", "--minutes", ".dev.vars"]) assert.ok(stdout.includes(option), option);
});
