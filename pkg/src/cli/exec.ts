// `webpubsub-edge emulator exec`: runs a command with an emulator of its own.

import { type ChildProcess, spawn } from "node:child_process";
import { access } from "node:fs/promises";
import { constants } from "node:os";
import type { Emulator } from "../emulator/index.js";
import { startFor } from "../emulator/start.js";
import { inWordsOfTheCommand, OPTIONS_HELP, readArguments, writeCertificate } from "./emulator-options.js";
import { Misuse } from "./misuse.js";
import { version } from "./version.js";

const HELP = `webpubsub-edge emulator exec [options] -- COMMAND [arguments]

Starts an emulator of Azure Web PubSub on a free port, runs the command, and stops the emulator when the command ends.
The exit code is that of the command. The command finds the connection string in its environment:
AZURE_WEBPUBSUB_CONNECTION_STRING and WebPubSubConnectionString. CLOUDFLARE_INCLUDE_PROCESS_ENV=true makes wrangler
pass both to a Worker. The lines of the emulator go to the standard error output.

  --port N                 the port; a free one when absent
${OPTIONS_HELP}`;

/** Starts an emulator, runs a command, and ends this process with the exit code of the command. */
export async function runExec(args: string[]): Promise<void> {
  // What follows `--` is the command, with options of its own.
  const end = args.indexOf("--");
  const [program, ...rest] = end === -1 ? [] : args.slice(end + 1);
  if (program === "") throw new Misuse("emulator exec: the command after `--` is empty.");
  if (program === undefined && !args.some((argument) => /^(-[hv]|--help|--version)$/.test(argument))) {
    throw new Misuse("emulator exec needs a command after `--`, for example: webpubsub-edge emulator exec -- npm run dev");
  }
  const given = await readArguments("emulator exec", end === -1 ? args : args.slice(0, end));
  if (given.help) {
    process.stdout.write(HELP);
    return;
  }
  if (given.version || program === undefined) {
    process.stdout.write(`${version}\n`);
    return;
  }
  const environment = currentEnvironment();
  await warnOfDevVars(environment["CLOUDFLARE_ENV"]);
  const print = (line: string) => void process.stderr.write(`emulator: ${line}\n`);
  const emulator = await startFor("command", {
    ...given.options,
    port: given.port ?? 0,
    logger: given.quiet ? undefined : print,
  }).catch((error: Error) => {
    throw inWordsOfTheCommand(error, given.keyFrom);
  });
  let code: number;
  try {
    await writeCertificate(emulator, given.certificateFile);
    print(`listens on ${emulator.endpoint}`);
    code = await run(program, rest, { ...environment, ...variablesFor(emulator, environment, given.certificateFile) });
  } finally {
    await emulator.stop();
  }
  process.exit(code);
}

function currentEnvironment(): NodeJS.ProcessEnv {
  try {
    return { ...process.env };
  } catch {
    throw new Error("emulator exec passes its environment on, but cannot read it. In Deno, add --allow-env and --allow-run.");
  }
}

function variablesFor(emulator: Emulator, environment: NodeJS.ProcessEnv, certificateFile: string | undefined): NodeJS.ProcessEnv {
  const variables: NodeJS.ProcessEnv = {
    AZURE_WEBPUBSUB_CONNECTION_STRING: emulator.connectionString,
    WebPubSubConnectionString: emulator.connectionString,
    CLOUDFLARE_INCLUDE_PROCESS_ENV: "true",
  };
  if (certificateFile !== undefined) {
    // Node adds these certificates to its own. REQUESTS_CA_BUNDLE would replace those that Python trusts.
    if (environment["NODE_EXTRA_CA_CERTS"] === undefined) {
      variables["NODE_EXTRA_CA_CERTS"] = certificateFile;
    } else {
      process.stderr.write(`emulator: NODE_EXTRA_CA_CERTS is set already: add the certificate in ${certificateFile} to its file.\n`);
    }
  }
  return variables;
}

/** Warns of a file that wrangler reads in place of the environment. */
async function warnOfDevVars(cloudflareEnvironment: string | undefined): Promise<void> {
  const names = [".dev.vars", ...(cloudflareEnvironment ? [`.dev.vars.${cloudflareEnvironment}`] : [])];
  for (const name of names) {
    const exists = await access(name).then(() => true, () => false);
    if (exists) {
      process.stderr.write(
        `emulator: Warning: wrangler ignores the environment, and so the connection string of this emulator, because ` +
          `this folder has a ${name}. Rename the file, or start \`webpubsub-edge emulator\` and write its connection string ` +
          `into the file.\n`,
      );
    }
  }
}

/** Runs a command to its end, forwards signals to it, and returns its exit code. */
function run(program: string, args: string[], env: NodeJS.ProcessEnv): Promise<number> {
  return new Promise((resolve, reject) => {
    const child = start(program, args, env);
    const stopForwarding = forwardSignals(child);
    child.once("error", ({ code, message }: NodeJS.ErrnoException) => {
      stopForwarding();
      const reason = code === "ENOENT" ? "there is no such program" : message;
      reject(Object.assign(new Error(`The command ${program} cannot be run: ${reason}.`), { exitCode: code === "ENOENT" ? 127 : 126 }));
    });
    child.once("exit", (code, signal) => {
      stopForwarding();
      resolve(code ?? 128 + (signal === null ? 0 : constants.signals[signal]));
    });
  });
}

function start(program: string, args: string[], env: NodeJS.ProcessEnv): ChildProcess {
  if (process.platform !== "win32") {
    return spawn(program, args, { stdio: "inherit", env });
  }
  // On Windows, npm and its like are scripts, which only a shell runs.
  const quoted = [program, ...args].map((text) => (/[\s"&|<>^()]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text));
  return spawn(quoted.join(" "), { stdio: "inherit", env, shell: true });
}

function hasTerminal(): boolean {
  return [process.stdin, process.stdout, process.stderr].some(({ isTTY }) => isTTY);
}

function forwardSignals(child: ChildProcess): () => void {
  const signals = ["SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT"] as const;
  const listeners = signals.map((signal) => {
    const listener = () => {
      // A terminal sends these keys to the command too, and many programs take a second signal as a kill.
      const isFromKeyboard = hasTerminal() && (signal === "SIGINT" || signal === "SIGQUIT");
      if (!isFromKeyboard) child.kill(signal);
    };
    process.on(signal, listener);
    return () => process.off(signal, listener);
  });
  return () => listeners.forEach((remove) => remove());
}
