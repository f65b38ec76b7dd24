// `webpubsub-edge emulator`.

import type { Emulator, EmulatorOptions } from "../emulator/index.js";
import { startFor } from "../emulator/start.js";
import { type Given, inWordsOfTheCommand, OPTIONS_HELP, readArguments, writeCertificate } from "./emulator-options.js";
import { runExec } from "./exec.js";
import { version } from "./version.js";

/** A port that few programs use by default: many samples of Azure Web PubSub use 8080 themselves. */
const DEFAULT_PORT = 9770;

/** The number of ports to try if no port was named. */
const TRIED_PORTS = 20;

const HELP = `webpubsub-edge emulator [options]

Starts an emulator of Azure Web PubSub, which keeps everything in memory. Ctrl-C ends it.

  --port N                 the port; ${DEFAULT_PORT}, or the next free one, when absent
${OPTIONS_HELP}
webpubsub-edge emulator exec [options] -- COMMAND

Runs a command with an emulator of its own: \`webpubsub-edge emulator exec --help\`.
`;

/** Runs the emulator until it is told to end. */
export async function runEmulator(args: string[]): Promise<void> {
  endWithoutHarm(process.stdout);
  endWithoutHarm(process.stderr);
  if (args[0] === "exec") {
    return runExec(args.slice(1));
  }
  const given = await readArguments("emulator", args);
  if (given.help) {
    process.stdout.write(HELP);
    return;
  }
  if (given.version) {
    process.stdout.write(`${version}\n`);
    return;
  }
  const options: EmulatorOptions = {
    ...given.options,
    logger: given.quiet ? undefined : (line) => void process.stdout.write(`${line}\n`),
  };
  const emulator = await start(options, given.port).catch((error: Error) => {
    throw inWordsOfTheCommand(error, given.keyFrom);
  });
  await writeCertificate(emulator, given.certificateFile).catch(async (error: Error) => {
    await emulator.stop();
    throw error;
  });
  process.stdout.write(greeting(emulator, given));
  endOnSignal(emulator);
}

/** If nobody reads the output any more, the emulator goes on without printing. */
function endWithoutHarm(output: NodeJS.WriteStream): void {
  output.on("error", () => {});
}

/** Starts on the port that was named, or else on the first free port from the default on. */
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

function greeting(emulator: Emulator, given: Given): string {
  const { endpoint, connectionString } = emulator;
  const isSecure = endpoint.startsWith("https:");
  // A key of the user's own is not printed: terminals are shared, and logs are kept.
  const shown =
    given.keyFrom === undefined ? connectionString : `Endpoint=${endpoint};AccessKey=<the key of ${given.keyFrom}>;Version=1.0;`;
  const insecure = isSecure ? "" : " The official SDK for\nJavaScript also needs { allowInsecureConnection: true }, because this is http.";
  const isExposed = given.options.host !== undefined || given.options.publicUrl !== undefined;
  const inspect = (query: string) =>
    [
      `curl "${endpoint}/_emulator${query}"`,
      ...(isExposed ? [`-H "Authorization: Bearer <the key of ${given.keyFrom}>"`] : []),
      ...(given.certificateFile === undefined ? [] : [`--cacert "${given.certificateFile}"`]),
    ].join(" ");
  return `The emulator of webpubsub-edge ${version} listens on ${endpoint}

  ${shown}

Next: give this connection string to your server in place of the one from the Azure portal.${insecure}
Pages of this machine may connect from any port; --allow-origin allows other pages. See which hubs there are, and what a
hub holds, here "chat":

  ${inspect("")}
  ${inspect("?hub=chat")}
${certificateNote(given.certificateFile)}
Ctrl-C ends it.
`;
}

function certificateNote(file: string | undefined): string {
  if (file === undefined) {
    return "";
  }
  return `
The certificate is new at each start. To trust it, set one of these for your programs before they start:

  NODE_EXTRA_CA_CERTS=${file}
  REQUESTS_CA_BUNDLE=${file}
`;
}

function endOnSignal(emulator: Emulator): void {
  const end = () => void emulator.stop().then(() => process.exit(0));
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    process.once(signal, end);
  }
}
