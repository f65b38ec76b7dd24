// `webpubsub-edge emulator`.

import { readFile } from "node:fs/promises";
import { parseArgs } from "node:util";
import type { Emulator, EmulatorOptions } from "../emulator/index.js";
import { startFor } from "../emulator/start.js";
import { Misuse } from "./misuse.js";
import { version } from "./version.js";

/** The port of the official emulator. */
const DEFAULT_PORT = 8080;

/** So many ports are tried when none was asked for. */
const TRIED_PORTS = 20;

/** The key on a command line is seen by everybody on the machine; an environment variable is not. */
const KEY_VARIABLE = "WEBPUBSUB_EMULATOR_KEY";

const HELP = `webpubsub-edge emulator [options]

Starts an emulator of Azure Web PubSub on 127.0.0.1, which keeps everything in memory. Ctrl-C ends it.

  --port N                 the port; ${DEFAULT_PORT}, or the next free one, when absent
  --key KEY                the access key, at least 32 bytes; or ${KEY_VARIABLE} in the environment;
                           the public key of the official emulator when absent
  --hubs FILE              settings of hubs, as JSON:
                           { "chat": { "webSocketKeepAliveIntervalInSeconds": 20, "anonymousConnectPolicy": "deny" } }
  --allow-origin ORIGIN    a page elsewhere that may use the emulator, such as http://localhost:5173; can be repeated
  --allow-unvalidated-entra-tokens
                           take Entra ID tokens, none of which can be validated here
  --max-retained-bytes N   how much the emulator retains for later, such as unacknowledged messages; from 1048576 to
                           2147483648, 536870912 (512 MiB) when absent
  --quiet                  no line for each connection and each REST request
  --help, --version
`;

/** Runs the emulator until it is told to end. */
export async function runEmulator(args: string[]): Promise<void> {
  endWithoutHarm(process.stdout);
  endWithoutHarm(process.stderr);
  const given = parse(args);
  if (given.help) {
    process.stdout.write(HELP);
    return;
  }
  if (given.version) {
    process.stdout.write(`${version}\n`);
    return;
  }
  const keyOfEnvironment = given.key === undefined ? environment(KEY_VARIABLE) : undefined;
  const key = given.key ?? keyOfEnvironment;
  const options: EmulatorOptions = {
    key,
    hubs: given.hubs === undefined ? undefined : await hubsIn(given.hubs),
    allowedOrigins: given["allow-origin"],
    allowUnvalidatedEntraTokens: given["allow-unvalidated-entra-tokens"],
    maxRetainedBytes: bytesOf(given["max-retained-bytes"]),
    logger: given.quiet ? undefined : (line) => void process.stdout.write(`${line}\n`),
  };
  const keyFrom = keyOfEnvironment === undefined ? "--key" : KEY_VARIABLE;
  const port = given.port === undefined ? undefined : portOf(given.port);
  const emulator = await start(options, port).catch((error: Error) => {
    throw error instanceof TypeError ? new Misuse(inOptions(error.message, keyFrom)) : error;
  });
  process.stdout.write(greeting(emulator, key === undefined ? undefined : keyFrom));
  endOnSignal(emulator);
}

/** What is wrong with the options of `startEmulator`, in the words of the command. */
function inOptions(message: string, keyFrom: string): string {
  return message
    .replace(/^key\b/, keyFrom)
    .replace(/^allowedOrigins\b/, "--allow-origin")
    .replace(/^maxRetainedBytes\b/, "--max-retained-bytes")
    .replace(/^hubs\b/, "--hubs FILE");
}

/** Whoever reads what is printed may leave; then nothing more is printed, and the emulator goes on. */
function endWithoutHarm(output: NodeJS.WriteStream): void {
  output.on("error", () => {});
}

function parse(args: string[]) {
  try {
    const { values, tokens } = parseArgs({
      args,
      tokens: true,
      options: {
        port: { type: "string" },
        key: { type: "string" },
        hubs: { type: "string" },
        "allow-origin": { type: "string", multiple: true },
        "allow-unvalidated-entra-tokens": { type: "boolean" },
        "max-retained-bytes": { type: "string" },
        quiet: { type: "boolean" },
        help: { type: "boolean", short: "h" },
        version: { type: "boolean", short: "v" },
      },
    });
    const names = tokens.flatMap((token) => (token.kind === "option" && token.name !== "allow-origin" ? [token.name] : []));
    const twice = names.find((name, at) => names.indexOf(name) < at);
    if (twice !== undefined) throw new Misuse(`--${twice} is there twice.`);
    return values;
  } catch (error) {
    if (error instanceof Misuse) throw error;
    throw new Misuse(`${(error as Error).message.split(". To specify")[0]}. \`webpubsub-edge emulator --help\` tells the options.`);
  }
}

/** Reads the number of `--max-retained-bytes`. The emulator checks its range. */
function bytesOf(text: string | undefined): number | undefined {
  if (text === undefined || /^\d+$/.test(text)) return text === undefined ? undefined : Number(text);
  throw new Misuse(`--max-retained-bytes must be a whole number, not ${text}.`);
}

function portOf(text: string): number {
  const port = Number(text);
  if (!/^\d+$/.test(text) || port > 65_535) {
    throw new Misuse(`--port must be a number from 0 to 65535, not ${text}.`);
  }
  return port;
}

/** The settings in a file. What is in them is checked by the emulator. */
async function hubsIn(file: string): Promise<Record<string, object>> {
  let text: string;
  try {
    // Some editors begin a file with a mark.
    text = (await readFile(file, "utf8")).replace(/^\ufeff/, "");
  } catch (error) {
    throw new Misuse(`The file of --hubs cannot be read: ${(error as Error).message}`);
  }
  try {
    const hubs = JSON.parse(text);
    if (typeof hubs === "object" && hubs !== null && !Array.isArray(hubs)) {
      return hubs;
    }
  } catch (error) {
    throw new Misuse(`The file of --hubs is no JSON: ${(error as Error).message}`);
  }
  throw new Misuse("The file of --hubs must hold an object: the settings of each hub under its name.");
}

/** A variable of the environment. Deno without the right to read it has none, which is said. */
function environment(name: string): string | undefined {
  let value: string | undefined;
  try {
    value = process.env[name];
  } catch {
    process.stderr.write(`Note: the environment cannot be read, so ${name} does not count if it is set (Deno: --allow-env).\n`);
    return undefined;
  }
  if (value === "") throw new Misuse(`${name} is set, but empty: give it a key of at least 32 bytes, or unset it.`);
  return value;
}

/** Starts on the port that was asked for, or else on the first free one from the default on. */
async function start(options: EmulatorOptions, port: number | undefined): Promise<Emulator> {
  if (port !== undefined) {
    return startFor("command", { ...options, port });
  }
  for (let tried = DEFAULT_PORT; ; tried++) {
    try {
      return await startFor("command", { ...options, port: tried });
    } catch (error) {
      if ((error as { code?: string }).code !== "EADDRINUSE" || tried === DEFAULT_PORT + TRIED_PORTS) {
        throw error;
      }
      process.stdout.write(`Port ${tried} is in use, trying ${tried + 1}.\n`);
    }
  }
}

/** A key of one's own is not printed: terminals are shared, and logs are kept. */
function greeting({ endpoint, connectionString }: Emulator, keyFrom: string | undefined): string {
  const key = keyFrom === undefined ? connectionString : `Endpoint=${endpoint};AccessKey=<the key of ${keyFrom}>;Version=1.0;`;
  return `The emulator of webpubsub-edge ${version} listens on ${endpoint}

  ${key}

Next: give this connection string to your server in place of the one from the Azure portal. The official SDK for
JavaScript also needs { allowInsecureConnection: true }, as this is http. See what a hub holds, here "chat", and which
hubs there are:

  curl "${endpoint}/_emulator?hub=chat"
  curl "${endpoint}/_emulator"

Ctrl-C ends it.
`;
}

function endOnSignal(emulator: Emulator): void {
  const end = () => void emulator.stop().then(() => process.exit(0));
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    process.once(signal, end);
  }
}
