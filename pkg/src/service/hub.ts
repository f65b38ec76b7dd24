import { core } from "../wasm/core.js";
import { pack, unpack } from "../wasm/packed.js";
import { accessKey, AzureKeyCredential, challengeClaims, TokenCache, type TokenCredential } from "./credentials.js";
import { checked, typeError, WebPubSubError } from "./errors.js";
import { completeRetry, run, type Host } from "./http.js";
import type { Body } from "./message.js";
import { Operation, Parameter, Query } from "./operations.js";
import type {
  ClientAccessToken,
  GenerateClientTokenOptions,
  OperationOptions,
  WebPubSubServiceClientOptions,
} from "./options.js";
import { kindOf, text, texts } from "./text.js";

/** What a client is made with, besides the hub and the options. */
export interface Access {
  /** The endpoint in its one form, without a trailing slash. */
  endpoint: string;
  /** The access key, read at each call; without one, `token` signs. */
  key?: () => string;
  token?: TokenCredential;
}

/** What the public classes share: one hub at one endpoint. The key is private and in no error. */
export class Hub {
  readonly name: string;
  readonly endpoint: string;
  readonly #key: (() => string) | undefined;
  readonly #host: Host;
  readonly #refusal: (() => void) | undefined;

  constructor(access: Access, hubName: string, options: WebPubSubServiceClientOptions = {}) {
    const { strict = true, fetch: send, now = () => Date.now(), logger, reverseProxyEndpoint } = options;
    this.name = text(hubName, "The hub name", "ERR_HUB");
    checked(() => core().check_name(0, this.name, strict));
    this.endpoint = access.endpoint;
    this.#key = access.key;
    const proxy =
      reverseProxyEndpoint === undefined
        ? this.endpoint
        : checked(() => core().parse_endpoint(text(reverseProxyEndpoint, "reverseProxyEndpoint", "ERR_ENDPOINT")));
    const cache = access.token && new TokenCache(access.token, now);
    this.#refusal = refusal(proxy, cache !== undefined, options.allowInsecureConnection === true);
    this.#host = {
      retry: completeRetry(options.retryOptions),
      strict,
      // Not as a method of an object of ours, which browsers refuse; and looked up at each call.
      fetch: send ?? ((...args) => fetch(...args)),
      now,
      log: logger ?? (() => {}),
      route: (url) => proxy + url.slice(this.endpoint.length),
      bearer: cache && ((claims) => cache.get(claims)),
      challenge: cache && challengeClaims,
    };
  }

  /** Checks a group name. */
  group(name: string): string {
    const group = text(name, "The group name", "ERR_GROUP");
    checked(() => core().check_name(1, group, this.#host.strict));
    return group;
  }

  /** Mints with the access key, at once. */
  mint(options: GenerateClientTokenOptions = {}): ClientAccessToken {
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
    const fields = pack(
      this.endpoint,
      this.#key(),
      this.name,
      protocolOf(options),
      userOf(options),
      texts(options.roles, "roles", "ERR_ROLE"),
      texts(options.groups, "groups", "ERR_GROUP"),
      members(options.claims, "claims"),
      members(options.jwtHeader, "jwtHeader"),
    );
    const now = Math.floor(this.#host.now() / 1000);
    const until = expiresAt === undefined ? undefined : expiresAt.getTime() / 1000;
    const minted = checked(() => core().client_url(fields, expirationTimeInMinutes, until, now, this.#host.strict));
    const [baseUrl = "", token = "", expiresOn = ""] = unpack(minted);
    return access(baseUrl, token, new Date(Number(expiresOn) * 1000));
  }

  /** Mints with the access key, or lets the service mint. */
  async clientAccess(options: GenerateClientTokenOptions & OperationOptions = {}): Promise<ClientAccessToken> {
    if (this.#key !== undefined) {
      return this.mint(options);
    }
    if (options.claims !== undefined || options.jwtHeader !== undefined) {
      throw new WebPubSubError("ERR_CLAIM", "claims and jwtHeader need an access key: the service mints no such tokens.");
    }
    const minutes = wholeMinutes(options, this.#host.now());
    const user = userOf(options);
    const query = new Query()
      .add(Parameter.userId, user === "" ? undefined : user)
      .add(Parameter.role, texts(options.roles, "roles", "ERR_ROLE"))
      .add(Parameter.minutesToExpire, String(minutes))
      .add(Parameter.group, texts(options.groups, "groups", "ERR_GROUP"));
    const protocol = protocolOf(options);
    // Checks the protocol before anything is sent.
    const baseUrl = checked(() => core().client_base(this.endpoint, this.name, protocol, this.#host.strict));
    query.add(Parameter.clientType, options.clientProtocol === undefined ? undefined : protocol.toLowerCase());
    const asked = this.#host.now();
    const { token } = await this.json(Operation.generateClientToken, [], query, options);
    if (typeof token !== "string" || token === "") {
      throw unreadable();
    }
    return access(baseUrl, token, new Date(asked + minutes * 60_000));
  }

  /** Runs an operation whose answer is a JSON object. */
  async json(operation: number, targets: string[], query: Query, options?: OperationOptions): Promise<Record<string, unknown>> {
    const body = await this.call(operation, targets, query, options);
    try {
      return JSON.parse(body ?? "") as Record<string, unknown>;
    } catch {
      throw unreadable();
    }
  }

  /** Runs an operation: the body of its answer, or undefined where the answer is "no". */
  async call(
    operation: number,
    targets: string[],
    query: Query,
    options: OperationOptions = {},
    body?: Body,
  ): Promise<string | undefined> {
    const fields = pack(this.endpoint, this.#key?.() ?? "", this.name, targets, query.fields);
    this.#refusal?.();
    return run({ operation, fields, body, options }, this.#host);
  }
}

/** Reads the arguments of a constructor: a connection string, or an endpoint and a credential. */
export function accessOf(endpoint: unknown, credential?: unknown): Access {
  if (credential === undefined) {
    const connection = text(endpoint, "The connection string", "ERR_CONNECTION_STRING");
    const [address = "", key = ""] = unpack(checked(() => core().parse_connection_string(connection, false)));
    return { endpoint: address, key: () => key };
  }
  const address = text(endpoint, "The endpoint", "ERR_ENDPOINT");
  const holder = credential as Partial<AzureKeyCredential & TokenCredential>;
  if (typeof holder.getToken === "function") {
    // A connection string without a key names the endpoint too.
    const parsed = /^\s*[a-z]+\s*=/i.test(address)
      ? unpack(checked(() => core().parse_connection_string(address, true)))[0]
      : checked(() => core().parse_endpoint(address));
    return { endpoint: parsed ?? "", token: holder as TokenCredential };
  }
  if (typeof holder.key === "string") {
    accessKey(holder.key);
    return { endpoint: checked(() => core().parse_endpoint(address)), key: () => accessKey(holder.key) };
  }
  throw typeError("ERR_ARGUMENT_TYPE", "The credential must have a key (AzureKeyCredential) or a getToken function (TokenCredential).");
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
  return isAllowed && !isEntra ? undefined : () => checked(() => core().check_secure(target));
}

function access(baseUrl: string, token: string, expiresOn: Date): ClientAccessToken {
  return { token, baseUrl, url: `${baseUrl}?access_token=${token}`, expiresOn };
}

function protocolOf({ clientProtocol = "default" }: GenerateClientTokenOptions): string {
  return text(clientProtocol, "clientProtocol", "ERR_CLIENT_PROTOCOL");
}

function userOf({ userId }: GenerateClientTokenOptions): string {
  return text(userId ?? "", "userId", "ERR_USER_ID");
}

/** The members of an object, each name followed by its JSON; those that JSON leaves out are left out. */
function members(object: Record<string, unknown> | undefined, what: string): string[] {
  return Object.entries(object ?? {}).flatMap(([name, value]) => {
    const json = JSON.stringify(value) as string | undefined;
    return json === undefined ? [] : [text(name, `A name of ${what}`, "ERR_CLAIM"), json];
  });
}

/** The service takes whole minutes, at least one. The core checks the number as it checks that of a key. */
function wholeMinutes({ expirationTimeInMinutes = 60, expiresAt }: GenerateClientTokenOptions, now: number): number {
  const minutes = expiresAt === undefined ? expirationTimeInMinutes : (expiresAt.getTime() - now) / 60_000;
  return minutes > 0 ? Math.max(1, Math.floor(minutes)) : minutes;
}

function unreadable(): WebPubSubError {
  return new WebPubSubError("ERR_ANSWER", "The service answered with a body that cannot be read.");
}
