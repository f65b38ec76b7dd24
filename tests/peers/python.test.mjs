// The official Python SDKs against the emulator under `wrangler dev` and as a command. Their environment is made in
// target/python.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import { promisify } from "node:util";
import { HOSTS } from "../emulator/hosts.mjs";
import { root } from "../harness.mjs";

const run = promisify(execFile);

const FOLDER = path.join(root, "tests/peers/python");
const ENVIRONMENT = path.join(root, "target/python");
const IS_WINDOWS = process.platform === "win32";
const SYSTEM_PYTHON = IS_WINDOWS ? "python" : "python3";
const PYTHON = path.join(ENVIRONMENT, IS_WINDOWS ? "Scripts/python.exe" : "bin/python");
/** So many tests each flavour has. */
const TESTS = 12;

const skip = await reasonToSkip();

describe("the official Python SDKs", () => {
  before(async () => {
    if (!skip) {
      await install();
    }
  });

  const folder = mkdtempSync(path.join(tmpdir(), "webpubsub-edge-python-"));
  after(() => rmSync(folder, { recursive: true, force: true }));

  for (const [name, host, certificateFile] of [
    ["wrangler dev", "wrangler dev"],
    ["Node 24", "Node 24"],
    ["Node 24 over https", "Node 24", path.join(folder, "cert.pem")],
  ]) {
    describe(name, { concurrency: true }, () => {
      let emulator;

      before(async () => {
        if (!skip) {
          emulator = await HOSTS[host].start({ takesEntraTokens: true, certificateFile });
        }
      });

      after(() => emulator?.stop());

      for (const [name, suite] of [
        ["with threads", "TestSync"],
        ["with asyncio", "TestAio"],
      ]) {
        test(`${name}: every operation, and the WebSocket client`, { skip }, () => runSuite(suite, emulator, certificateFile));
      }
    });
  }
});

async function runSuite(suite, { origin, key }, certificateFile) {
  // The variables of requests, of the standard library with aiohttp, and of websocket-client.
  const variables = ["REQUESTS_CA_BUNDLE", "SSL_CERT_FILE", "WEBSOCKET_CLIENT_CA_BUNDLE"];
  const trust = certificateFile === undefined ? {} : Object.fromEntries(variables.map((variable) => [variable, certificateFile]));
  const said = await run(PYTHON, ["-m", "unittest", "--verbose", `test_peers.${suite}`], {
    cwd: FOLDER,
    timeout: 120_000,
    env: {
      ...process.env,
      ...trust,
      CONNECTION_STRING: `Endpoint=${origin};AccessKey=${key};Version=1.0;`,
      // Nothing is written beside the sources.
      PYTHONDONTWRITEBYTECODE: "1",
    },
  }).catch((failure) => assert.fail(`${failure.message}\n${failure.stderr}`));
  assert.match(said.stderr, new RegExp(`^Ran ${TESTS} tests in `, "m"));
  assert.match(said.stderr, /^OK$/m, "none is skipped");
}

/** Why the tests cannot run here, or false. */
async function reasonToSkip() {
  const version = await run(SYSTEM_PYTHON, ["-c", "import sys; print(sys.version_info >= (3, 11))"]).catch(() => undefined);
  if (version === undefined) {
    return `${SYSTEM_PYTHON} is not installed`;
  }
  if (version.stdout.trim() !== "True") {
    return `${SYSTEM_PYTHON} is older than 3.11, which the official SDKs' own dependencies need`;
  }
  const canMakeEnvironments = (await hasVenv()) || (await installVenv());
  return canMakeEnvironments ? false : `${SYSTEM_PYTHON} lacks venv or ensurepip, without which there is no environment`;
}

/** Debian splits ensurepip off, without which venv fails. */
async function hasVenv() {
  return run(SYSTEM_PYTHON, ["-c", "import venv, ensurepip"]).then(() => true, () => false);
}

async function installVenv() {
  if (!existsSync("/etc/debian_version") || process.getuid?.() !== 0) {
    return false;
  }
  console.log("Python has no venv; this is Debian and you are root, so its package is installed: python3-venv");
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
  await run("apt-get", ["-qq", "update"], { env }).catch(() => {});
  await run("apt-get", ["-qq", "install", "-y", "--no-install-recommends", "python3-venv"], { env }).catch(() => {});
  return hasVenv();
}

/** Makes the environment, unless it is there with these very requirements and this Python. */
async function install() {
  const requirements = path.join(FOLDER, "requirements.txt");
  const { stdout: version } = await run(SYSTEM_PYTHON, ["-c", "import sys; print(sys.version, sys.executable)"]);
  const wanted = `${version}${readFileSync(requirements, "utf8")}`;
  const stamp = path.join(ENVIRONMENT, "installed.txt");
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === wanted) {
    return;
  }
  rmSync(ENVIRONMENT, { recursive: true, force: true });
  mkdirSync(path.dirname(ENVIRONMENT), { recursive: true });
  await run(SYSTEM_PYTHON, ["-m", "venv", ENVIRONMENT]);
  await run(PYTHON, ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--requirement", requirements]);
  writeFileSync(stamp, wanted);
}
