import type { Fetch, Response } from "../globals.js";
import { readOptions, type OptionNames } from "../read-options.js";
import { readText } from "./body.js";
import { safeCause } from "./cause.js";
import { AbortError, WebPubSubError } from "./errors.js";
import type { AccessToken, GetTokenOptions, TokenCredential } from "./credentials.js";
import { text } from "./text.js";

/**
 * Options of the credentials of this package.
 *
 * @example
 * ```ts
 * const options = { authorityHost: "https://login.chinacloudapi.cn" };
 * const credential = new ClientSecretCredential(env.TENANT_ID, env.CLIENT_ID, env.CLIENT_SECRET, options);
 * ```
 */
export interface EntraCredentialOptions {
  /** Where Entra ID is, `https://login.microsoftonline.com` when absent: other clouds have other hosts. */
  authorityHost?: string | undefined;
  /** What sends requests, instead of the global `fetch`. */
  fetch?: Fetch | undefined;
}

/**
 * Gets tokens from Microsoft Entra ID with a client secret, over fetch. A request may take 100 seconds.
 *
 * @example
 * ```ts
 * const credential = new ClientSecretCredential(env.TENANT_ID, env.CLIENT_ID, env.CLIENT_SECRET);
 * const client = new WebPubSubServiceClient("https://name.webpubsub.azure.com", credential, "chat");
 * ```
 */
export class ClientSecretCredential implements TokenCredential {
  readonly #source: Source;
  readonly #secret: string;

  /** @throws `TypeError` when an argument is no string or an option is unknown, {@link WebPubSubError} `ERR_CREDENTIAL` when one cannot be used. */
  constructor(tenantId: string, clientId: string, clientSecret: string, options?: EntraCredentialOptions) {
    this.#source = new Source(tenantId, clientId, options, "ClientSecretCredential");
    this.#secret = filled(clientSecret, "The client secret");
  }

  /** Gets a token. @throws (rejects with) {@link WebPubSubError} `ERR_CREDENTIAL` with what Entra ID says. */
  async getToken(scopes: string | string[], options?: GetTokenOptions): Promise<AccessToken> {
    return this.#source.token(scopes, { client_secret: this.#secret }, options);
  }
}

/**
 * Gets tokens from Microsoft Entra ID with an assertion of another identity provider (workload identity federation):
 * no secret is kept anywhere. The assertion is a string, or a function that is asked at each refresh. A request may take
 * 100 seconds.
 *
 * @example
 * ```ts
 * const credential = new ClientAssertionCredential(env.TENANT_ID, env.CLIENT_ID, () => getVercelOidcToken());
 * ```
 */
export class ClientAssertionCredential implements TokenCredential {
  readonly #source: Source;
  readonly #assertion: () => Promise<string>;

  /** @throws `TypeError` when an argument has a wrong type or an option is unknown, {@link WebPubSubError} `ERR_CREDENTIAL` when one cannot be used. */
  constructor(
    tenantId: string,
    clientId: string,
    assertion: string | (() => string | Promise<string>),
    options?: EntraCredentialOptions,
  ) {
    this.#source = new Source(tenantId, clientId, options, "ClientAssertionCredential");
    this.#assertion =
      typeof assertion === "function"
        ? async () => filled(await assertion(), "The assertion")
        : async () => assertion;
    if (typeof assertion !== "function") {
      filled(assertion, "The assertion");
    }
  }

  /** Gets a token. @throws (rejects with) {@link WebPubSubError} `ERR_CREDENTIAL` with what Entra ID says. */
  async getToken(scopes: string | string[], options?: GetTokenOptions): Promise<AccessToken> {
    const form = {
      client_assertion_type: "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
      client_assertion: await this.#assertion(),
    };
    return this.#source.token(scopes, form, options);
  }
}

const OPTION_NAMES: OptionNames<EntraCredentialOptions> = { authorityHost: true, fetch: true };

/** Options that other libraries of Azure pass to `getToken`. Those beside `GetTokenOptions` have no effect here. */
type AzureGetTokenOptions = GetTokenOptions & {
  requestOptions?: unknown;
  tracingOptions?: unknown;
  enableCae?: unknown;
  tenantId?: unknown;
  proofOfPossessionOptions?: unknown;
};

const GET_TOKEN_NAMES: OptionNames<AzureGetTokenOptions> = {
  abortSignal: true,
  claims: true,
  requestOptions: true,
  tracingOptions: true,
  enableCae: true,
  tenantId: true,
  proofOfPossessionOptions: true,
};

/** How long a request may take. All calls of a client wait for it, so one that hangs would stop them all. */
const REQUEST_MS = 100_000;

/** The client credentials grant of OAuth 2.0, at Entra ID's endpoint. */
class Source {
  readonly #url: string;
  readonly #clientId: string;
  readonly #fetch: Fetch | undefined;

  constructor(tenantId: string, clientId: string, given: EntraCredentialOptions | null | undefined, call: string) {
    const options = readOptions(given, OPTION_NAMES, call);
    const host = options.authorityHost ?? "https://login.microsoftonline.com";
    // Only a loopback authority, such as a test's, may be plain http: the secret goes there.
    if (!/^https:\/\/[^/]|^http:\/\/(localhost|127\.0\.0\.1|\[::1\])(:\d+)?(\/|$)/i.test(host)) {
      throw new WebPubSubError("ERR_CREDENTIAL", "The authority host must be an https URL.");
    }
    const tenant = filled(tenantId, "The tenant id");
    if (!/^[A-Za-z0-9.-]+$/.test(tenant) || /^\.+$/.test(tenant)) {
      throw new WebPubSubError("ERR_CREDENTIAL", "The tenant id must be the id or the domain of a tenant.");
    }
    this.#url = `${host.replace(/\/+$/, "")}/${tenant}/oauth2/v2.0/token`;
    this.#clientId = filled(clientId, "The client id");
    this.#fetch = options.fetch;
  }

  async token(scopes: string | string[], form: Record<string, string>, given?: GetTokenOptions | null): Promise<AccessToken> {
    const options = readOptions<AzureGetTokenOptions>(given, GET_TOKEN_NAMES, "getToken");
    const body = new URLSearchParams({
      grant_type: "client_credentials",
      client_id: this.#clientId,
      scope: typeof scopes === "string" ? scopes : scopes.join(" "),
      ...form,
      ...(options.claims !== undefined && { claims: options.claims }),
    });
    const asked = Date.now();
    const { status, text } = await this.#post(body.toString(), options.abortSignal);
    const answer = readAnswer(text);
    const { access_token: token, expires_in: seconds } = answer;
    if (status !== 200 || typeof token !== "string" || !(Number(seconds) > 0)) {
      throw new WebPubSubError("ERR_CREDENTIAL", `Entra ID gave no token (status ${status}, ${reasonOf(answer)}).`);
    }
    return { token, expiresOnTimestamp: asked + Number(seconds) * 1000 };
  }

  async #post(body: string, abortSignal: AbortSignal | undefined): Promise<{ status: number; text: string }> {
    const controller = new AbortController();
    const abort = () => controller.abort();
    if (abortSignal?.aborted) {
      abort();
    }
    abortSignal?.addEventListener("abort", abort, { once: true });
    const timer = setTimeout(abort, REQUEST_MS);
    const init: RequestInit = {
      method: "POST",
      headers: { accept: "application/json", "content-type": "application/x-www-form-urlencoded" },
      body,
      // The secret must not follow a redirect.
      redirect: "manual",
      signal: controller.signal,
    };
    try {
      const response: Response = await (this.#fetch ?? fetch)(this.#url, init);
      return { status: response.status, text: await readText(response, controller.signal) };
    } catch (error) {
      if (abortSignal?.aborted) {
        throw new AbortError(abortSignal.reason);
      }
      const cause = safeCause(error);
      const what = controller.signal.aborted ? "Entra ID did not answer in 100 seconds." : "Entra ID gave no answer; see the cause.";
      throw new WebPubSubError("ERR_CREDENTIAL", what, cause && { cause });
    } finally {
      clearTimeout(timer);
      abortSignal?.removeEventListener("abort", abort);
    }
  }
}

function readAnswer(text: string): Record<string, unknown> {
  try {
    return Object(JSON.parse(text)) as Record<string, unknown>;
  } catch {
    return {};
  }
}

/** Returns the code of OAuth. Its description is left out, because it may repeat what was sent. */
function reasonOf({ error }: Record<string, unknown>): string {
  return typeof error === "string" && /^[a-z_]{1,64}$/.test(error) ? error : "no reason given";
}

function filled(value: unknown, what: string): string {
  if (text(value, what, "ERR_CREDENTIAL") === "") {
    throw new WebPubSubError("ERR_CREDENTIAL", `${what} is empty.`);
  }
  return value as string;
}
