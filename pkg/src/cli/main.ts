#!/usr/bin/env node
// `npx webpubsub-edge`: the commands of the package.

import { runEmulator } from "./emulator.js";
import { Misuse } from "./misuse.js";
import { runSession } from "./session.js";
import { version } from "./version.js";

const HELP = `webpubsub-edge ${version}: Azure Web PubSub without the service

  webpubsub-edge emulator   starts the emulator; --help lists its options
  webpubsub-edge emulator exec -- COMMAND
                            runs a command with an emulator of its own
  webpubsub-edge session    signs a session for the Worker template; --help lists its options
  webpubsub-edge --version  prints the version
`;

try {
  await run(process.argv.slice(2));
} catch (error) {
  process.stderr.write(`webpubsub-edge: ${(error as Error).message}\n`);
  process.exitCode = error instanceof Misuse ? 2 : ((error as { exitCode?: number }).exitCode ?? 1);
}

async function run([command, ...rest]: string[]): Promise<void> {
  switch (command) {
    case "emulator":
      return runEmulator(rest);
    case "session":
      return runSession(rest);
    case undefined:
    case "help":
    case "--help":
    case "-h":
      process.stdout.write(HELP);
      return;
    case "--version":
    case "-v":
      process.stdout.write(`${version}\n`);
      return;
    default:
      throw new Misuse(`There is no command ${command}. \`webpubsub-edge --help\` tells what there is.`);
  }
}
