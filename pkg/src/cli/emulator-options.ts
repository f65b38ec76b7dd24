// The options that `webpubsub-edge emulator` and `webpubsub-edge emulator exec` share.

import { readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { parseArgs } from "node:util";
import type { Emulator, EmulatorOptions } from "../emulator/index.js";
import { Misuse } from "./misuse.js";

/** Everybody on the machine can see a key on a command line, but not an environment variable. */
const KEY_VARIABLE = "WEBPUBSUB_EMULATOR_KEY";

const DEFAULT_CERTIFICATE_FILE = "webpubsub-emulator-cert.pem";

/** The help on the shared options. */
export const OPTIONS_HELP = `\
  --host HOST              the host name or address to listen on, for containers and phones: 0.0.0.0 for every address;
                           127.0.0.1 when absent. Needs a key of your own
  --public-url URL         the URL of a proxy in front, such as https://emulator.example. Needs a key of your own
  --key KEY                the access key, at least 32 bytes; or ${KEY_VARIABLE} in the environment;
                           the public key of the official emulator when absent
  --tls                    serve https and wss, with a generated certificate or your own
  --tls-cert FILE          your own certificate, as PEM
  --tls-key FILE           its private key, as PEM
  --tls-out FILE           where to write the generated certificate; ${DEFAULT_CERTIFICATE_FILE} when absent
  --hubs FILE              settings of hubs, as JSON:
                           { "chat": { "webSocketKeepAliveIntervalInSeconds": 20, "anonymousConnectPolicy": "deny" } }
  --allow-origin ORIGIN    a web page that may use the emulator, such as https://app.example; can be repeated. Pages of
                           this machine may use WebSockets and REST without it, but not /_emulator
  --allow-unvalidated-entra-tokens
                           take Entra ID tokens, none of which can be validated here
  --max-retained-bytes N   how much the emulator retains for later, such as unacknowledged messages; from 1048576 to
                           2147483648, 536870912 (512 MiB) when absent
  --quiet                  no line for each connection and each REST request
  --help, --version
`;

/** What the command line says. */
export interface Given {
  help: boolean;
  version: boolean;
  /** Whether to print no line for each connection and each REST request. */
  quiet: boolean;
  /** The port, if there is one. */
  port: number | undefined;
  /** Where a key of the user's own comes from: `--key` or the variable. */
  keyFrom: string | undefined;
  /** The file for a generated certificate. */
  certificateFile: string | undefined;
  /** The options of `startEmulator`, but for the port and the logger. */
  options: EmulatorOptions;
}

/**
 * Reads the arguments of a command.
 *
 * @throws {@link Misuse} if an option is unknown or cannot be used.
 */
export async function readArguments(command: string, args: string[]): Promise<Given> {
  const values = parse(command, args);
  const given = { help: values.help === true, version: values.version === true, quiet: values.quiet === true };
  if (given.help || given.version) {
    return { ...given, port: undefined, keyFrom: undefined, certificateFile: undefined, options: {} };
  }
  const keyOfEnvironment = values.key === undefined ? environment(KEY_VARIABLE) : undefined;
  const key = values.key ?? keyOfEnvironment;
  const tls = await tlsOf(values);
  return {
    ...given,
    port: values.port === undefined ? undefined : portOf(values.port),
    keyFrom: key === undefined ? undefined : keyOfEnvironment === undefined ? "--key" : KEY_VARIABLE,
    certificateFile: tls === true ? path.resolve(values["tls-out"] ?? DEFAULT_CERTIFICATE_FILE) : undefined,
    options: {
      key,
      tls,
      host: values.host,
      publicUrl: values["public-url"],
      hubs: values.hubs === undefined ? undefined : await hubsIn(values.hubs),
      allowedOrigins: values["allow-origin"],
      allowUnvalidatedEntraTokens: values["allow-unvalidated-entra-tokens"],
      maxRetainedBytes: values["max-retained-bytes"] === undefined ? undefined : bytesOf(values["max-retained-bytes"]),
    },
  };
}

function parse(command: string, args: string[]) {
  try {
    const { values, tokens } = parseArgs({
      args,
      tokens: true,
      options: {
        port: { type: "string" },
        host: { type: "string" },
        "public-url": { type: "string" },
        key: { type: "string" },
        tls: { type: "boolean" },
        "tls-cert": { type: "string" },
        "tls-key": { type: "string" },
        "tls-out": { type: "string" },
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
    throw new Misuse(`${(error as Error).message.split(". To specify")[0]}. \`webpubsub-edge ${command} --help\` lists the options.`);
  }
}

function portOf(text: string): number {
  const port = Number(text);
  if (!/^\d+$/.test(text) || port > 65_535) {
    throw new Misuse(`--port must be a number from 0 to 65535, not ${text}.`);
  }
  return port;
}

/** Reads the number of `--max-retained-bytes`. The emulator checks its range. */
function bytesOf(text: string): number {
  if (!/^\d+$/.test(text)) {
    throw new Misuse(`--max-retained-bytes must be a whole number, not ${text}.`);
  }
  return Number(text);
}

interface TlsValues {
  tls?: boolean | undefined;
  "tls-cert"?: string | undefined;
  "tls-key"?: string | undefined;
  "tls-out"?: string | undefined;
}

/** The option `tls` of `startEmulator`. A certificate file implies `--tls`. */
async function tlsOf({ tls, "tls-cert": cert, "tls-key": key, "tls-out": out }: TlsValues): Promise<EmulatorOptions["tls"]> {
  if ((cert === undefined) !== (key === undefined)) {
    throw new Misuse("--tls-cert and --tls-key belong together: give both files, or neither for a generated certificate.");
  }
  if (out !== undefined && (cert !== undefined || tls !== true)) {
    throw new Misuse("--tls-out is for a generated certificate: use it with --tls, and without --tls-cert and --tls-key.");
  }
  if (cert === undefined || key === undefined) {
    return tls;
  }
  return { cert: await textOf("--tls-cert", cert), key: await textOf("--tls-key", key) };
}

/** The settings in a file. What is in them is checked by the emulator. */
async function hubsIn(file: string): Promise<Record<string, object>> {
  // Some editors begin a file with a mark.
  const text = (await textOf("--hubs", file)).replace(/^\ufeff/, "");
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

async function textOf(option: string, file: string): Promise<string> {
  try {
    return await readFile(file, "utf8");
  } catch (error) {
    throw new Misuse(`The file of ${option} cannot be read: ${(error as Error).message}`);
  }
}

/** A variable of the environment. Deno without permission to read it returns `undefined`, and prints a note. */
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

/** An error of `startEmulator` in the words of the command. */
export function inWordsOfTheCommand(error: Error, keyFrom: string | undefined): Error {
  if (!(error instanceof TypeError)) {
    return error;
  }
  return new Misuse(
    error.message
      .replace(/: set key to\b/, `: set --key or ${KEY_VARIABLE} to`)
      .replace(/^key\b/, keyFrom ?? "--key")
      .replace(/^host\b/, "--host")
      .replace(/^publicUrl\b/, "--public-url")
      .replace(/^tls: cert\b/, "--tls-cert")
      .replace(/^tls: key (.*) in cert\b/, "--tls-key $1 in --tls-cert")
      .replace(/^tls: key\b/, "--tls-key")
      .replace(/^allowedOrigins\b/, "--allow-origin")
      .replace(/^maxRetainedBytes\b/, "--max-retained-bytes")
      .replace(/^hubs\b/, "--hubs FILE"),
  );
}

/**
 * Writes the generated certificate, if there is one.
 *
 * @throws `Error` if the file cannot be written.
 */
export async function writeCertificate({ certificate }: Emulator, file: string | undefined): Promise<void> {
  if (certificate === undefined || file === undefined) {
    return;
  }
  try {
    await writeFile(file, certificate);
  } catch (error) {
    throw new Error(`The certificate cannot be written: ${(error as Error).message}. Name another file with --tls-out.`);
  }
}
