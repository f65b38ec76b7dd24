// `webpubsub-edge session`: signs a session for the Worker template.
//
// src/session.rs and xtask/session have the same rules in Rust. Both run the cases of tests/vectors/session.json.

import { readFile } from "node:fs/promises";
import { parseArgs } from "node:util";
import { settingIn } from "./dev-vars.js";
import { Misuse } from "./misuse.js";

const SECRET = "SESSION_SECRET";
const SECRETS_FILE = ".dev.vars";

const AUDIENCE = "webpubsub-edge";
const MIN_SECRET_BYTES = 32;
const MIN_DIFFERENT_BYTES = 6;
const MAX_MINUTES = 24 * 60;
const MAX_GROUP_LENGTH = 1024;

const HELP = `webpubsub-edge session --sub ID [options]

Prints a session for the Worker template: a token that says who calls the Worker and what the caller may do. The Worker
accepts it as "Authorization: Bearer <session>", and the demo page in its session field. The session is signed with
${SECRET}, which is read from the environment or from ${SECRETS_FILE} in the current folder.

  --sub ID          the user id
  --group NAME      a group that the user may join and send to; can be repeated
  --broadcast       the user may send to everybody
  --minutes N       how long the session is valid, 1 to ${MAX_MINUTES}; 60 by default
  --help
`;

/** What a session grants, and for how many minutes. */
export interface Session {
  readonly sub: string;
  readonly groups: readonly string[];
  readonly broadcast: boolean;
  readonly minutes: number;
}

/** Prints a session. */
export async function runSession(args: string[]): Promise<void> {
  const session = sessionOf(args);
  if (session === undefined) {
    process.stdout.write(HELP);
    return;
  }
  const token = await signSession(session, await secret(), Math.floor(Date.now() / 1_000));
  process.stdout.write(`${token}\n`);
}

/**
 * Signs a session with HS256.
 *
 * @param now Seconds since 1970.
 * @throws `Error` if the secret could be guessed.
 */
export async function signSession(session: Session, secret: string, now: number): Promise<string> {
  const problem = weakness(secret);
  if (problem !== undefined) throw new Error(`${problem}.`);
  const { sub, groups, broadcast, minutes } = session;
  const claims = {
    sub,
    ...(groups.length > 0 && { groups }),
    ...(broadcast && { broadcast }),
    aud: AUDIENCE,
    exp: now + minutes * 60,
  };
  const signed = `${base64url('{"alg":"HS256","typ":"JWT"}')}.${base64url(JSON.stringify(claims))}`;
  const key = await crypto.subtle.importKey("raw", utf8(secret), { name: "HMAC", hash: "SHA-256" }, false, ["sign"]);
  return `${signed}.${base64url(await crypto.subtle.sign("HMAC", key, utf8(signed)))}`;
}

/** Says why a secret cannot sign sessions, or returns `undefined`. */
export function weakness(secret: string): string | undefined {
  const bytes = utf8(secret);
  const advice = "make one with `openssl rand -base64 32`";
  if (bytes.length < MIN_SECRET_BYTES) return `${SECRET} is shorter than ${MIN_SECRET_BYTES} bytes; ${advice}`;
  if (new Set(bytes).size < MIN_DIFFERENT_BYTES) {
    return `${SECRET} has fewer than ${MIN_DIFFERENT_BYTES} different characters, so it can be guessed; ${advice}`;
  }
  return undefined;
}

/** Returns whether the service accepts a name as a user id. */
export function isUserId(name: string): boolean {
  return name !== "" && name !== "." && name !== "..";
}

/** Matches white space as Rust defines it. `trim` differs: it removes U+FEFF, and does not remove U+0085. */
const BLANK = /^\p{White_Space}*$/u;

/** Returns whether the service accepts a name as a group. */
export function isGroup(name: string): boolean {
  return isUserId(name) && name.length <= MAX_GROUP_LENGTH && !BLANK.test(name);
}

/** Reads the options. Returns `undefined` if help is wanted. */
function sessionOf(args: string[]): Session | undefined {
  const given = parse(args);
  if (given.help) return undefined;
  if (given.sub === undefined) throw new Misuse("--sub ID, the user id, is missing.");
  if (!isUserId(given.sub)) throw new Misuse(`--sub ${JSON.stringify(given.sub)}: the service does not accept this user id.`);
  const groups = given.group ?? [];
  for (const group of groups) {
    if (!isGroup(group)) throw new Misuse(`--group ${JSON.stringify(group)}: the service does not accept this group name.`);
    if (group.includes("/")) {
      throw new Misuse(`--group ${JSON.stringify(group)}: the Worker does not accept a group name with a slash.`);
    }
  }
  return { sub: given.sub, groups, broadcast: given.broadcast ?? false, minutes: minutesOf(given.minutes ?? "60") };
}

function parse(args: string[]) {
  try {
    return parseArgs({
      args,
      options: {
        sub: { type: "string" },
        group: { type: "string", multiple: true },
        broadcast: { type: "boolean" },
        minutes: { type: "string" },
        help: { type: "boolean", short: "h" },
      },
    }).values;
  } catch (error) {
    throw new Misuse(`${(error as Error).message.split(". To specify")[0]}. See \`webpubsub-edge session --help\`.`);
  }
}

function minutesOf(text: string): number {
  const minutes = Number(text);
  if (/^\d+$/.test(text) && minutes >= 1 && minutes <= MAX_MINUTES) return minutes;
  throw new Misuse(`--minutes ${JSON.stringify(text)}: give a whole number from 1 to ${MAX_MINUTES}.`);
}

/** Reads the secret from the environment, or else as wrangler reads it from its file. */
async function secret(): Promise<string> {
  const fromEnvironment = environment(SECRET);
  if (fromEnvironment !== undefined) return fromEnvironment;
  const file = await readFile(SECRETS_FILE, "utf8").catch((error: Error & { code?: string }) => {
    if (error.code === "ENOENT") return "";
    throw new Error(`${SECRETS_FILE} cannot be read: ${error.message}`);
  });
  const value = settingIn(file, SECRET);
  if (value === undefined) {
    throw new Error(
      `${SECRET} is neither in the environment nor in ${SECRETS_FILE}. Give it the secret that the Worker has, ` +
        `for example by a line ${SECRET}=... in ${SECRETS_FILE}.`,
    );
  }
  if (value.includes("$")) {
    throw new Error(`${SECRET} in ${SECRETS_FILE} holds a $, which wrangler may replace. Choose a secret without it.`);
  }
  return value;
}

/** Reads a variable of the environment. Deno hides the environment unless it is run with `--allow-env`. */
function environment(name: string): string | undefined {
  try {
    return process.env[name];
  } catch {
    process.stderr.write(`Note: the environment cannot be read, so ${name} in it does not count (Deno: --allow-env=${name}).\n`);
    return undefined;
  }
}

const utf8 = (text: string) => new TextEncoder().encode(text);

function base64url(data: string | ArrayBuffer): string {
  return Buffer.from(data as string).toString("base64url");
}
