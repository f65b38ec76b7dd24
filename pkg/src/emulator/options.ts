import { isIP } from "node:net";
import { type OptionNames, readOptions } from "../read-options.js";
import { typeError } from "../service/errors.js";
import { kindOf } from "../service/text.js";
import { EMULATOR_ACCESS_KEY } from "./access-key.js";

/**
 * Options of {@link startEmulator}.
 *
 * @example
 * ```ts
 * import { startEmulator } from "webpubsub-edge/emulator";
 *
 * const emulator = await startEmulator({
 *   hubs: { chat: { anonymousConnectPolicy: "allow", webSocketKeepAliveIntervalInSeconds: 5 } },
 *   allowedOrigins: ["https://app.example"],
 *   logger: (line) => process.stderr.write(`${line}\n`),
 * });
 * await emulator.stop();
 * ```
 */
export interface EmulatorOptions {
  /** The port to listen on: 0 to 65535. Absent or 0: a free one. */
  port?: number | undefined;
  /**
   * The host name or IP address to listen on, for containers and phones: `"0.0.0.0"` for every IPv4 address of this
   * machine. Absent: 127.0.0.1, which only this machine can reach.
   *
   * Needs a `key` of your own. Every `Host` is then accepted, and requests to `/_emulator` need the header
   * `Authorization: Bearer <key>`.
   */
  host?: string | undefined;
  /**
   * The URL at which clients and servers reach the emulator through a proxy, without a path:
   * `"https://emulator.example"`. It is then the emulator's `endpoint`, tokens for it are accepted, and next links and
   * generated tokens are for it.
   *
   * Needs a `key` of your own, like `host`, and has the same effect on `Host` and `/_emulator`.
   */
  publicUrl?: string | undefined;
  /**
   * Serves https and wss. `true`: with a generated certificate for localhost, 127.0.0.1, ::1, the `host` and the
   * `publicUrl`; trust {@link Emulator.certificate} in your clients. Or your own certificate and private key. Absent or
   * `false`: http and ws.
   */
  tls?: boolean | EmulatorTlsOptions | undefined;
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
   * Origins of web pages that may use the emulator, as browsers write them: `https://app.example`. Pages of this machine
   * (localhost, `*.localhost` and loopback addresses, any port) need not be listed for WebSockets and REST, but for
   * `/_emulator`. The origin `null` cannot be allowed.
   */
  allowedOrigins?: string[] | undefined;
  /** Settings that differ from the defaults, by the name of the hub. Hubs that are not listed exist too. */
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

/** A certificate of your own, and its private key. */
export interface EmulatorTlsOptions {
  /** The certificate as PEM, followed by the intermediate certificates, if there are any. */
  cert: string;
  /** The private key of the certificate as PEM, without a passphrase. */
  key: string;
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

const NAMES: OptionNames<EmulatorOptions> = {
  port: true,
  host: true,
  publicUrl: true,
  tls: true,
  key: true,
  now: true,
  allowedOrigins: true,
  hubs: true,
  allowUnvalidatedEntraTokens: true,
  maxRetainedBytes: true,
  logger: true,
};

const TLS_NAMES: OptionNames<EmulatorTlsOptions> = { cert: true, key: true };

const HUB_NAMES: OptionNames<EmulatorHubSettings> = {
  webSocketKeepAliveIntervalInSeconds: true,
  anonymousConnectPolicy: true,
};

/** The types of the options that have one type. */
const TYPES: Partial<Record<keyof EmulatorOptions, string>> = {
  port: "number",
  host: "string",
  publicUrl: "string",
  key: "string",
  now: "function",
  allowedOrigins: "object",
  hubs: "object",
  allowUnvalidatedEntraTokens: "boolean",
  maxRetainedBytes: "number",
  logger: "function",
};

/**
 * Copies and checks the options. The service checks what it is told ({@link settingsOf}).
 *
 * @throws `TypeError` that names the option.
 */
export function readEmulatorOptions(given: EmulatorOptions | undefined): EmulatorOptions {
  const options = readOptions(given, NAMES, "startEmulator");
  const { allowedOrigins } = options;
  if (allowedOrigins !== undefined && !(Array.isArray(allowedOrigins) && allowedOrigins.every((origin) => typeof origin === "string"))) {
    throw bad('allowedOrigins must be an array of texts, such as ["https://app.example"].');
  }
  for (const [name, type] of Object.entries(TYPES)) {
    const value: unknown = options[name as keyof EmulatorOptions];
    if (value !== undefined && (typeof value !== type || value === null)) {
      throw bad(`${name} must be of type ${type}, not ${kindOf(value)}.`);
    }
  }
  const { port, now, hubs, host, publicUrl, tls } = options;
  if (now !== undefined && !Number.isFinite(now())) {
    throw bad("now must give a number, the milliseconds since 1970.");
  }
  const { maxRetainedBytes } = options;
  if (maxRetainedBytes !== undefined && !(Number.isInteger(maxRetainedBytes) && maxRetainedBytes >= 2 ** 20 && maxRetainedBytes <= 2 ** 31)) {
    throw bad(`maxRetainedBytes must be a whole number from ${2 ** 20} to ${2 ** 31}, not ${maxRetainedBytes}.`);
  }
  if (port !== undefined && !(Number.isInteger(port) && port >= 0 && port <= 65_535)) {
    throw bad(`port must be a whole number from 0 to 65535, not ${port}.`);
  }
  if (host !== undefined && !isHost(host)) {
    throw bad('host must be a host name or an IP address without a port, such as "0.0.0.0".');
  }
  if (hubs !== undefined) options.hubs = readHubs(hubs);
  if (publicUrl !== undefined) options.publicUrl = originOf(publicUrl);
  if (tls !== undefined) options.tls = readTls(tls);
  checkExposure(options);
  return options;
}

/** Whether other machines or a proxy can reach the emulator. */
function isExposed({ host, publicUrl }: EmulatorOptions): boolean {
  return host !== undefined || publicUrl !== undefined;
}

function checkExposure(options: EmulatorOptions): void {
  if (isExposed(options) && (options.key === undefined || options.key === EMULATOR_ACCESS_KEY)) {
    const name = options.host === undefined ? "publicUrl" : "host";
    throw bad(`${name} needs a key of your own, because other machines can reach the emulator: set key to at least 32 bytes.`);
  }
}

/** True if a host can be part of a connection string: URL parsers must not change it, and IPv6 zones are not possible there. */
function isHost(host: string): boolean {
  if (isIP(host) !== 0) return !host.includes("%");
  const isName = /^[a-z0-9_]([a-z0-9_.-]{0,251}[a-z0-9_])?$/i.test(host) && URL.canParse(`http://${host}`);
  return isName && new URL(`http://${host}`).hostname === host.toLowerCase();
}

/** The origin of a URL that has nothing else. The message does not repeat the URL, which may hold a password. */
function originOf(publicUrl: string): string {
  const url = URL.canParse(publicUrl) ? new URL(publicUrl) : undefined;
  const isOrigin = url !== undefined && url.href === `${url.origin}/` && !/[?#]/.test(publicUrl);
  if (!isOrigin || !["http:", "https:"].includes(url.protocol)) {
    throw bad("publicUrl must be an http or https URL without a path, a query and a user, such as https://emulator.example.");
  }
  return url.origin;
}

function readTls(tls: unknown): boolean | EmulatorTlsOptions {
  if (typeof tls === "boolean") return tls;
  if (typeof tls !== "object" || tls === null) {
    throw bad(`tls must be true, false, or an object with cert and key, not ${kindOf(tls)}.`);
  }
  const options = readOptions(tls as EmulatorTlsOptions, TLS_NAMES, "tls");
  for (const name of ["cert", "key"] as const) {
    if (typeof options[name] !== "string") throw bad(`tls: ${name} must be PEM as a string, not ${kindOf(options[name])}.`);
  }
  return options;
}

function readHubs(hubs: Record<string, EmulatorHubSettings>): Record<string, EmulatorHubSettings> {
  if (Array.isArray(hubs)) throw bad("hubs must be an object, the settings of each hub under its name, not an array.");
  const names = new Set<string>();
  const read = Object.entries(hubs).map(([name, settings]): [string, EmulatorHubSettings] => {
    if (typeof settings !== "object" || settings === null || Array.isArray(settings)) {
      throw bad(`hubs: the settings of hub "${name}" must be an object, not ${kindOf(settings)}.`);
    }
    if (names.has(name.toLowerCase())) throw bad(`hubs: hub "${name}" appears twice, because names are compared without regard to case.`);
    names.add(name.toLowerCase());
    return [name, readOptions(settings, HUB_NAMES, `hubs: hub "${name}"`)];
  });
  return Object.fromEntries(read);
}

/** The settings for the service. */
export function settingsOf(options: EmulatorOptions): object {
  const { key, allowedOrigins, hubs, allowUnvalidatedEntraTokens, maxRetainedBytes, publicUrl } = options;
  const accessKeys = key === undefined ? undefined : [key];
  return present({
    accessKeys,
    allowedOrigins,
    hubs: hubs && mapValues(hubs, present),
    allowUnvalidatedEntraTokens,
    maxRetainedBytes,
    isExposed: isExposed(options),
    publicUrl,
  });
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
  return Object.fromEntries(Object.entries(object).map(([name, value]) => [name, change(value)]));
}
