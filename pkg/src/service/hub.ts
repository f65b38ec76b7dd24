import { readOptions, type OptionNames } from "../read-options.js";
import { CHECK_NAME, CLIENT_BASE, CLIENT_URL, CONNECTION_STRING, ENDPOINT } from "../wasm/calls.js";
import { ask } from "./ask.js";
import { accessKey, AzureKeyCredential, challengeClaims, TokenCache, type TokenCredential } from "./credentials.js";
import { typeError, WebPubSubError } from "./errors.js";
import { run, type Host } from "./http.js";
import type { Body } from "./message.js";
import { CLIENT_TOKEN, readCall } from "./option-names.js";
import * as Operation from "./operations.js";
import { Query } from "./operations.js";
import * as Parameter from "./parameters.js";
import type {
  ClientAccessToken,
  GenerateClientTokenOptions,
  OperationOptions,
  WebPubSubServiceClientOptions,
} from "./options.js";
import { completeRetry } from "./retry.js";
import { isKnownRole } from "./roles.js";
import { checkTotalLength, kindOf, text, texts } from "./text.js";

/** What a client is made with, besides the hub and the options. */
export interface Access {
  /** The endpoint in its one form, without a trailing slash. */
  endpoint: string;
  /** The access key, read at each call; without one, `token` signs. */
  key?: () => string;
  token?: TokenCredential;
}

const CLIENT_OPTIONS: OptionNames<WebPubSubServiceClientOptions> = {
  retryOptions: true,
  allowInsecureConnection: true,
  reverseProxyEndpoint: true,
  strict: true,
  fetch: true,
  now: true,
  logger: true,
  httpClient: true,
  additionalPolicies: true,
  proxyOptions: true,
  tlsOptions: true,
  agent: true,
  redirectOptions: true,
  loggingOptions: true,
  userAgentOptions: true,
  telemetryOptions: true,
};

/** What the public classes share: one hub at one endpoint. The key is private and in no error. */
export class Hub {
  readonly name: string;
  readonly endpoint: string;
  readonly #key: (() => string) | undefined;
  readonly #host: Host;
  readonly #refusal: (() => void) | undefined;

  constructor(access: Access, hubName: string, given?: WebPubSubServiceClientOptions | null) {
    const options = readOptions(given, CLIENT_OPTIONS, "WebPubSubServiceClient");
    const { strict = true, fetch: send, now = () => Date.now(), logger, reverseProxyEndpoint } = options;
    this.name = text(hubName, "The hub name", "ERR_HUB");
    ask(CHECK_NAME, { name: this.name, group: false, strict });
    this.endpoint = parsable(access.endpoint);
    this.#key = access.key;
    const proxy =
      reverseProxyEndpoint === undefined
        ? this.endpoint
        : parsable(ask(ENDPOINT, { text: text(reverseProxyEndpoint, "reverseProxyEndpoint", "ERR_ENDPOINT"), secure: false }));
    const cache = access.token && new TokenCache(access.token, now);
    this.#refusal = refusal(proxy, cache !== undefined, options.allowInsecureConnection === true);
    this.#host = {
      retry: completeRetry(options.retryOptions),
      strict,
      // Not as a method of an object of ours, which browsers refuse; and looked up at each call.
      fetch: send ?? ((...args) => fetch(...args)),
      now,
      log: logger,
      route: (url) => proxy + url.slice(this.endpoint.length),
      bearer: cache && ((challenge) => cache.get(challenge)),
      claims: cache && challengeClaims,
    };
  }

  /** Checks a group name. */
  group(name: string): string {
    const group = text(name, "The group name", "ERR_GROUP");
    ask(CHECK_NAME, { name: group, group: true, strict: this.#host.strict });
    return group;
  }

  /** Mints with the access key, at once. */
  mint(given?: GenerateClientTokenOptions | null): ClientAccessToken {
    return this.#mint(readCall(given, CLIENT_TOKEN, Operation.generateClientToken));
  }

  #mint(options: GenerateClientTokenOptions): ClientAccessToken {
    if (this.#key === undefined) {
      throw new WebPubSubError(
        "ERR_CREDENTIAL",
        "With a token credential the service mints: use getClientAccessToken, which asks it.",
      );
    }
    const { expirationTimeInMinutes = 60, expiresAt } = options;
    if (typeof expirationTimeInMinutes !== "number") {
      throw typeError("ERR_ARGUMENT_TYPE", `expirationTimeInMinutes must be a number, not ${kindOf(expirationTimeInMinutes)}.`);
    }
    const { now, strict } = this.#host;
    const time = Math.floor(now() / 1000);
    const lifetime = expiresAt === undefined ? expirationTimeInMinutes * 60 : timeOf(expiresAt) / 1000 - time;
    const seconds = Math.floor(lifetime);
    const url = ask(CLIENT_URL, {
      endpoint: this.endpoint,
      hub: this.name,
      protocol: protocolOf(options),
      key: this.#key(),
      userId: userOf(options),
      roles: this.#roles(options),
      groups: texts(options.groups, "groups", "ERR_GROUP"),
      claims: members(options.claims, "claims"),
      jwtHeader: members(options.jwtHeader, "jwtHeader"),
      lifetimeSeconds: seconds,
      now: time,
      strict,
    });
    const baseUrl = url.slice(0, url.indexOf("?"));
    const token = url.slice(baseUrl.length + QUERY.length);
    return { token, baseUrl, url, expiresOn: new Date((time + seconds) * 1000) };
  }

  /** Mints with the access key, or lets the service mint. */
  async clientAccess(given?: GenerateClientTokenOptions | null): Promise<ClientAccessToken> {
    const options = readCall(given, CLIENT_TOKEN, Operation.generateClientToken);
    if (this.#key !== undefined) {
      return this.#mint(options);
    }
    if (options.claims !== undefined || options.jwtHeader !== undefined) {
      throw new WebPubSubError("ERR_CLAIM", "claims and jwtHeader need an access key: the service mints no such tokens.");
    }
    const minutes = wholeMinutes(options, this.#host.now());
    const user = userOf(options);
    const query = new Query()
      .add(Parameter.userId, user === "" ? undefined : user)
      .add(Parameter.role, this.#roles(options))
      .add(Parameter.minutesToExpire, String(minutes))
      .add(Parameter.group, texts(options.groups, "groups", "ERR_GROUP"));
    const protocol = protocolOf(options);
    // Checks the protocol before anything is sent.
    const baseUrl = ask(CLIENT_BASE, { endpoint: this.endpoint, hub: this.name, protocol, strict: this.#host.strict });
    query.add(Parameter.clientType, options.clientProtocol === undefined ? undefined : protocol.toLowerCase());
    const asked = this.#host.now();
    const { token } = await this.json(Operation.generateClientToken, [], query, options);
    if (typeof token !== "string" || token === "") {
      throw unreadable();
    }
    return access(baseUrl, token, new Date(asked + minutes * 60_000));
  }

  /** Checks roles, and tells the logger about those that this version does not know. */
  #roles({ roles }: GenerateClientTokenOptions): readonly string[] {
    const checked = texts(roles, "roles", "ERR_ROLE");
    const { log } = this.#host;
    const unknown = log === undefined ? 0 : checked.filter((role) => !isKnownRole(role)).length;
    if (unknown > 0) {
      log?.(`getClientAccessToken: unknown roles: ${unknown} of ${checked.length}; check their spelling`);
    }
    return checked;
  }

  /** Runs an operation whose answer is a JSON object. */
  async json(operation: number, targets: string[], query: Query, options: OperationOptions): Promise<Record<string, unknown>> {
    const body = await this.call(operation, targets, query, options);
    try {
      return JSON.parse(body ?? "") as Record<string, unknown>;
    } catch {
      throw unreadable();
    }
  }

  /** Runs an operation: the body of its answer, or undefined where the answer is "no". `readCall` has read the options. */
  call(
    operation: number,
    targets: string[],
    query: Query,
    options: OperationOptions,
    body?: (signal: AbortSignal) => Body | Promise<Body>,
  ): Promise<string | undefined> {
    const fields = {
      operation,
      endpoint: this.endpoint,
      key: this.#key?.() ?? "",
      hub: this.name,
      targets,
      query: query.fields,
      strict: this.#host.strict,
    };
    this.#refusal?.();
    return run({ operation, fields, body, options }, this.#host);
  }
}

/** Reads the arguments of a constructor: a connection string, or an endpoint and a credential. */
export function accessOf(endpoint: unknown, credential?: unknown): Access {
  if (credential === undefined) {
    const connection = text(endpoint, "The connection string", "ERR_CONNECTION_STRING");
    const answer = ask(CONNECTION_STRING, { text: connection, keyless: false });
    const blank = answer.indexOf(" ");
    const key = answer.slice(blank + 1);
    return { endpoint: answer.slice(0, blank), key: () => key };
  }
  const address = text(endpoint, "The endpoint", "ERR_ENDPOINT");
  const holder = credential as Partial<AzureKeyCredential & TokenCredential>;
  if (typeof holder.getToken === "function") {
    // A connection string without a key names the endpoint too.
    const parsed = /^\s*[a-z]+\s*=/i.test(address)
      ? ask(CONNECTION_STRING, { text: address, keyless: true })
      : ask(ENDPOINT, { text: address, secure: false });
    return { endpoint: parsed, token: holder as TokenCredential };
  }
  if (typeof holder.key === "string") {
    accessKey(holder.key);
    return { endpoint: ask(ENDPOINT, { text: address, secure: false }), key: () => accessKey(holder.key) };
  }
  throw typeError("ERR_ARGUMENT_TYPE", "The credential must have a key (AzureKeyCredential) or a getToken function (TokenCredential).");
}

/**
 * The core leaves two things to the host's URL parser: whether what looks like an international name (`xn--`) is one, and
 * the one form of an IPv6 address.
 */
function parsable(endpoint: string): string {
  try {
    return endpoint.replace(/\[.*\]/, new URL(endpoint).hostname);
  } catch {
    throw new WebPubSubError("ERR_ENDPOINT", "The endpoint cannot be used: its host is no valid name.");
  }
}

/**
 * What is thrown before a request that must not leave: plain http to another machine unless that was allowed, and a
 * token of Entra ID over plain http but to this machine, and there only when that was allowed.
 */
function refusal(target: string, isEntra: boolean, isAllowed: boolean): (() => void) | undefined {
  if (target.startsWith("https:")) {
    return undefined;
  }
  if (isEntra && !isAllowed) {
    return () => {
      throw new WebPubSubError(
        "ERR_INSECURE_ENDPOINT",
        "A token of Entra ID goes over https only; for a service on this machine set allowInsecureConnection.",
      );
    };
  }
  return isAllowed && !isEntra ? undefined : () => void ask(ENDPOINT, { text: target, secure: true });
}

/** What stands before the token in a client's URL. */
const QUERY = "?access_token=";

function access(baseUrl: string, token: string, expiresOn: Date): ClientAccessToken {
  return { token, baseUrl, url: baseUrl + QUERY + token, expiresOn };
}

function protocolOf({ clientProtocol = "default" }: GenerateClientTokenOptions): string {
  return text(clientProtocol, "clientProtocol", "ERR_CLIENT_PROTOCOL");
}

function userOf({ userId }: GenerateClientTokenOptions): string {
  return text(userId ?? "", "userId", "ERR_USER_ID");
}

/** Returns names and JSON values of an object in turn. Members that JSON leaves out, such as functions, are left out. */
function members(object: Record<string, unknown> | undefined, what: string): readonly string[] {
  if (object == null) {
    return [];
  }
  const pairs = Object.entries(object).flatMap(([name, value]) => {
    const json = JSON.stringify(value) as string | undefined;
    return json === undefined ? [] : [text(name, `A name of ${what}`, "ERR_CLAIM"), json];
  });
  checkTotalLength(pairs, what, "ERR_CLAIM");
  return pairs;
}

function timeOf(date: Date): number {
  if (typeof date?.getTime !== "function") {
    throw typeError("ERR_ARGUMENT_TYPE", `expiresAt must be a Date, not ${kindOf(date)}.`);
  }
  return date.getTime();
}

/** The service takes whole minutes, at least one. The core checks the number as it checks that of a key. */
function wholeMinutes({ expirationTimeInMinutes = 60, expiresAt }: GenerateClientTokenOptions, now: number): number {
  const minutes = expiresAt === undefined ? expirationTimeInMinutes : (timeOf(expiresAt) - now) / 60_000;
  return minutes > 0 ? Math.max(1, Math.floor(minutes)) : minutes;
}

function unreadable(): WebPubSubError {
  return new WebPubSubError("ERR_ANSWER", "The service answered with a body that cannot be read.");
}
