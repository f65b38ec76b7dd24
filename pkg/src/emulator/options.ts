import { typeError } from "../service/errors.js";
import { kindOf } from "../service/text.js";

/**
 * Options of {@link startEmulator}.
 *
 * @example
 * ```ts
 * import { startEmulator } from "webpubsub-edge/emulator";
 *
 * const emulator = await startEmulator({
 *   hubs: { chat: { anonymousConnectPolicy: "allow", webSocketKeepAliveIntervalInSeconds: 5 } },
 *   allowedOrigins: ["http://localhost:5173"],
 *   logger: (line) => process.stderr.write(`${line}\n`),
 * });
 * await emulator.stop();
 * ```
 */
export interface EmulatorOptions {
  /** The port of 127.0.0.1 to listen on: 0 to 65535. Absent or 0: a free one. */
  port?: number | undefined;
  /**
   * The access key, at least 32 bytes. Absent: the one that the official emulator publishes, which protects nothing,
   * as everybody knows it.
   */
  key?: string | undefined;
  /**
   * The emulator's clock, in milliseconds since 1970. With it, time passes only when {@link EmulatorClock.advance} is
   * called: `() => 1_750_000_000_000` stands still until then. Absent: the time of this machine.
   */
  now?: (() => number) | undefined;
  /**
   * Origins of web pages elsewhere that may use the emulator, as browsers write them: `http://localhost:5173`. No page
   * but the emulator's own origin may without.
   */
  allowedOrigins?: string[] | undefined;
  /** Hubs that are not as every other, by name. Hubs that are not named here exist too. */
  hubs?: Record<string, EmulatorHubSettings> | undefined;
  /**
   * Whether REST takes Entra ID tokens, none of which can be validated here: anybody can make one up. `false` when
   * absent.
   */
  allowUnvalidatedEntraTokens?: boolean | undefined;
  /**
   * The number of bytes that the emulator may retain for later: unacknowledged messages of reliable clients, lost
   * connections, frames and answers that a fault holds back, and pending events. A whole number from 1,048,576 (1 MiB) to
   * 2,147,483,648 (2 GiB); 536,870,912 (512 MiB) when absent. When more is retained, the emulator gives up lost
   * connections, then clients and their events, and tells the {@link logger}.
   */
  maxRetainedBytes?: number | undefined;
  /**
   * Is called with a line for each connection, each REST request, and each connection that the emulator gives up. A line
   * names users and connections; it holds no key, no token, no content of a message and no control character. Errors that
   * it throws are ignored.
   */
  logger?: ((line: string) => void) | undefined;
}

/** What may differ from hub to hub, under the names that Azure Resource Manager has for it. */
export interface EmulatorHubSettings {
  /**
   * How often a client is pinged: a whole number of seconds from 1 to 120, 20 when absent. One from which nothing came
   * since the last ping is dropped.
   */
  webSocketKeepAliveIntervalInSeconds?: number | undefined;
  /** Whether clients may connect without a token; `"deny"` when absent. */
  anonymousConnectPolicy?: "allow" | "deny" | undefined;
}

/** What is known of a hub. */
const HUB_SETTINGS: readonly string[] = ["webSocketKeepAliveIntervalInSeconds", "anonymousConnectPolicy"] satisfies (keyof EmulatorHubSettings)[];

/** The types of the options, by name. What the service is told is checked by the service. */
const TYPES: Record<keyof EmulatorOptions, string> = {
  port: "number",
  key: "string",
  now: "function",
  allowedOrigins: "object",
  hubs: "object",
  allowUnvalidatedEntraTokens: "boolean",
  maxRetainedBytes: "number",
  logger: "function",
};

/** @throws `TypeError` that names the option. */
export function checkOptions(options: EmulatorOptions): void {
  if (typeof options !== "object" || options === null) {
    throw bad(`The options must be an object, not ${kindOf(options)}.`);
  }
  const { allowedOrigins } = options;
  if (allowedOrigins !== undefined && !(Array.isArray(allowedOrigins) && allowedOrigins.every((origin) => typeof origin === "string"))) {
    throw bad('allowedOrigins must be an array of texts, such as ["http://localhost:5173"].');
  }
  for (const [name, value] of Object.entries(options)) {
    const type = TYPES[name as keyof EmulatorOptions];
    if (type === undefined) {
      throw bad(`There is no option ${name}; there are ${Object.keys(TYPES).join(", ")}.`);
    }
    if (value !== undefined && (typeof value !== type || value === null)) {
      throw bad(`${name} must be of type ${type}, not ${kindOf(value)}.`);
    }
  }
  const { port, now, hubs } = options;
  if (now !== undefined && !Number.isFinite(now())) {
    throw bad("now must give a number, the milliseconds since 1970.");
  }
  const { maxRetainedBytes } = options;
  if (maxRetainedBytes !== undefined && !(Number.isInteger(maxRetainedBytes) && maxRetainedBytes >= 2 ** 20 && maxRetainedBytes <= 2 ** 31)) {
    throw bad(`maxRetainedBytes must be a whole number from ${2 ** 20} to ${2 ** 31}, not ${maxRetainedBytes}.`);
  }
  if (hubs !== undefined) checkHubs(hubs);
  if (port !== undefined && !(Number.isInteger(port) && port >= 0 && port <= 65_535)) {
    throw bad(`port must be a whole number from 0 to 65535, not ${port}.`);
  }
}

function checkHubs(hubs: unknown): void {
  if (Array.isArray(hubs)) throw bad("hubs must be an object, the settings of each hub under its name, not an array.");
  const names = new Set<string>();
  for (const [name, settings] of Object.entries(hubs as object)) {
    if (typeof settings !== "object" || settings === null || Array.isArray(settings)) {
      throw bad(`hubs: the settings of hub "${name}" must be an object, not ${kindOf(settings)}.`);
    }
    if (names.has(name.toLowerCase())) throw bad(`hubs: hub "${name}" is there twice, as names are compared without regard to case.`);
    names.add(name.toLowerCase());
    const unknown = Object.keys(settings).find((setting) => !HUB_SETTINGS.includes(setting));
    if (unknown !== undefined) throw bad(`hubs: hub "${name}": unknown setting "${unknown}"; there are ${HUB_SETTINGS.join(" and ")}.`);
  }
}

/** What the service is told. */
export function settingsOf({ key, allowedOrigins, hubs, allowUnvalidatedEntraTokens, maxRetainedBytes }: EmulatorOptions): object {
  const accessKeys = key === undefined ? undefined : [key];
  return present({ accessKeys, allowedOrigins, hubs: hubs && mapValues(hubs, present), allowUnvalidatedEntraTokens, maxRetainedBytes });
}

/** An error of the service about its settings, in the words of the options. */
export function settingsError(error: unknown): TypeError {
  const { message } = error as Error;
  return bad(
    message
      .replace(/^webSocketKeepAliveIntervalInSeconds\b/, "hubs: $&")
      .replace("Each of accessKeys", "key")
      .replace("defaultHub and the names in hubs must be names of hubs", "hubs")
      .replace(/^hubs\.([^:]*): /, 'hubs: hub "$1": ')
      .replace(/^unknown variant `(.*?)`.*/, 'hubs: anonymousConnectPolicy must be "allow" or "deny", not "$1".')
      .replace(/^invalid (?:type|value): (.*?), expected u64.*/, "hubs: webSocketKeepAliveIntervalInSeconds must be a whole number from 1 to 120, not $1."),
  );
}

function bad(message: string): TypeError {
  return typeError("ERR_ARGUMENT_TYPE", message);
}

/** Undefined is the same as absent. */
function present(object: object): object {
  return Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined));
}

function mapValues(object: Record<string, object>, change: (value: object) => object): object {
  return Object.fromEntries(Object.entries(object).map(([name, value]) => [name, Object(value) === value ? change(value) : value]));
}
