import type { AbortSignal } from "../globals.js";
import { safeCause } from "./cause.js";
import { typeError, WebPubSubError } from "./errors.js";
import { kindOf } from "./text.js";

/**
 * An access key that can be replaced while clients use it; the next call signs with the new one.
 *
 * @example
 * ```ts
 * const credential = new AzureKeyCredential(env.ACCESS_KEY);
 * const client = new WebPubSubServiceClient("https://name.webpubsub.azure.com", credential, "chat");
 * credential.update(env.SECOND_ACCESS_KEY);
 * ```
 */
export class AzureKeyCredential {
  #key: string;

  /** @throws `TypeError` when the key is empty or no string. */
  constructor(key: string) {
    this.#key = accessKey(key);
  }

  /** The key in use. */
  get key(): string {
    return this.#key;
  }

  /** Replaces the key. @throws `TypeError` when it is empty or no string. */
  update(newKey: string): void {
    this.#key = accessKey(newKey);
  }
}

/** @internal Checks an access key, whoever holds it. */
export function accessKey(key: unknown): string {
  if (typeof key !== "string" || key.trim() === "") {
    const what = typeof key === "string" ? "a blank one" : kindOf(key);
    throw typeError("ERR_ARGUMENT_TYPE", `The access key must be a string that is not blank, not ${what}.`);
  }
  return key;
}

/** A token for the service, from Microsoft Entra ID. */
export interface AccessToken {
  /** The token. */
  token: string;
  /** When it expires, in milliseconds since 1970. */
  expiresOnTimestamp: number;
}

/** Options of {@link TokenCredential.getToken}. */
export interface GetTokenOptions {
  /** Ends the request. */
  abortSignal?: AbortSignal;
  /** The claims of a challenge of the service, to be passed on. */
  claims?: string;
}

/**
 * Anything that gets tokens from Microsoft Entra ID: those of `@azure/identity`, {@link ClientSecretCredential},
 * {@link ClientAssertionCredential}, or one of your own.
 *
 * @example
 * ```ts
 * import type { TokenCredential } from "webpubsub-edge";
 *
 * const credential: TokenCredential = {
 *   getToken: async () => ({ token: await getVercelOidcToken(), expiresOnTimestamp: Date.now() + 3_600_000 }),
 * };
 * ```
 */
export interface TokenCredential {
  /** Gets a token for the scopes, or null when there is none. */
  getToken(scopes: string | string[], options?: GetTokenOptions): Promise<AccessToken | null>;
}

/** What the service's tokens are for. */
export const SCOPE = "https://webpubsub.azure.com/.default";

/** A token this close to its end is refreshed. */
const REFRESH_MS = 2 * 60_000;

/** @internal A 401 that says which claims a token must have. */
export interface Challenge {
  /** The claims, JSON. */
  claims: string;
  /** The token that was refused. */
  refused: string;
}

/** @internal Keeps the token of a credential and refreshes it, once however many calls want it. */
export class TokenCache {
  readonly #credential: TokenCredential;
  readonly #now: () => number;
  #token: AccessToken | undefined;
  /** The claims that the token was asked for with. */
  #claims: string | undefined;
  #refresh: { claims: string | undefined; token: Promise<AccessToken> } | undefined;

  constructor(credential: TokenCredential, now: () => number) {
    this.#credential = credential;
    this.#now = now;
  }

  /** Gets a token that is valid for a while. For a challenge, the token has its claims and is not the refused one. */
  async get(challenge?: Challenge): Promise<string> {
    const claims = challenge?.claims;
    // The token of a refresh that asks for other claims would be refused again.
    while (challenge !== undefined && this.#refresh !== undefined && this.#refresh.claims !== claims) {
      await this.#refresh.token.catch(() => undefined);
    }
    const kept = this.#token;
    const left = kept === undefined ? 0 : kept.expiresOnTimestamp - this.#now();
    const isMeant = challenge === undefined || (this.#claims === claims && kept?.token !== challenge.refused);
    if (kept !== undefined && left > REFRESH_MS && isMeant) {
      return kept.token;
    }
    this.#refresh ??= { claims, token: this.#renew(claims) };
    try {
      return (await this.#refresh.token).token;
    } catch (error) {
      // A token that is still valid is better than none.
      if (kept !== undefined && left > 0 && challenge === undefined) {
        return kept.token;
      }
      throw error;
    }
  }

  async #renew(claims: string | undefined): Promise<AccessToken> {
    try {
      const token = await this.#fetch(claims);
      this.#token = token;
      this.#claims = claims;
      return token;
    } finally {
      this.#refresh = undefined;
    }
  }

  async #fetch(claims: string | undefined): Promise<AccessToken> {
    let token: AccessToken | null;
    try {
      token = await this.#credential.getToken([SCOPE], claims === undefined ? {} : { claims });
    } catch (error) {
      const cause = safeCause(error);
      throw new WebPubSubError("ERR_CREDENTIAL", "The credential gave no token; see the cause.", cause && { cause });
    }
    if (typeof token?.token !== "string" || token.token === "") {
      throw new WebPubSubError("ERR_CREDENTIAL", "The credential gave no token.");
    }
    // Checked here, because `fetch` shows a header that it refuses.
    if (!/^[!-~]+$/.test(token.token)) {
      throw new WebPubSubError("ERR_CREDENTIAL", "The credential gave a token with a character that no header can carry.");
    }
    return token;
  }
}

/** @internal The claims of a challenge in `WWW-Authenticate`, decoded, or undefined. */
export function challengeClaims(header: string | null): string | undefined {
  const claims = /\bclaims="([^"]+)"/.exec(header ?? "")?.[1];
  try {
    return claims === undefined ? undefined : atob(claims.replaceAll("-", "+").replaceAll("_", "/"));
  } catch {
    return undefined;
  }
}
