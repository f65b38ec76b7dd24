import { core } from "../wasm/core.js";
import { pack, unpack } from "../wasm/packed.js";
import { checked, typeError, type WebPubSubErrorCode } from "./errors.js";
import { completeRetry, run, type Retry } from "./http.js";
import { toBody } from "./message.js";
import type {
  ClientAccessToken,
  GenerateClientTokenOptions,
  HubSendToAllOptions,
  TextMessage,
  WebPubSubServiceClientOptions,
} from "./options.js";
import { kindOf, text, texts } from "./text.js";

/** What the public classes share: one hub at one endpoint, and the key. The key is private and in no error. */
export class Hub {
  readonly name: string;
  /** The endpoint in its one form, without a trailing slash. */
  readonly endpoint: string;
  readonly #accessKey: string;
  readonly #allowInsecure: boolean;
  readonly #retry: Retry;
  readonly #fetch: typeof fetch | undefined;

  constructor(connectionString: string, hubName: string, options: WebPubSubServiceClientOptions = {}) {
    const connection = text(connectionString, "The connection string", "ERR_CONNECTION_STRING");
    this.name = text(hubName, "The hub name", "ERR_HUB");
    checked(() => core().check_name(0, this.name));
    const [endpoint = "", accessKey = ""] = unpack(checked(() => core().parse_connection_string(connection)));
    this.endpoint = endpoint;
    this.#accessKey = accessKey;
    this.#allowInsecure = options.allowInsecureConnection === true;
    this.#retry = completeRetry(options.retryOptions);
    this.#fetch = options.fetch;
  }

  /** Checks a group name. */
  group(name: string): string {
    const group = text(name, "The group name", "ERR_GROUP");
    checked(() => core().check_name(1, group));
    return group;
  }

  mint(options: GenerateClientTokenOptions = {}): ClientAccessToken {
    const { userId, expirationTimeInMinutes = 60, clientProtocol = "default" } = options;
    if (typeof expirationTimeInMinutes !== "number") {
      throw typeError("ERR_ARGUMENT_TYPE", `expirationTimeInMinutes must be a number, not ${kindOf(expirationTimeInMinutes)}.`);
    }
    const fields = pack(
      this.endpoint,
      this.#accessKey,
      this.name,
      text(clientProtocol, "clientProtocol", "ERR_CLIENT_PROTOCOL"),
      text(userId ?? "", "userId", "ERR_USER_ID"),
      texts(options.roles, "roles", "ERR_ROLE"),
      texts(options.groups, "groups", "ERR_GROUP"),
    );
    const now = Math.floor(Date.now() / 1000);
    const minted = checked(() => core().client_url(fields, expirationTimeInMinutes, now));
    const [baseUrl = "", token = "", expiresOn = ""] = unpack(minted);
    return { token, baseUrl, url: `${baseUrl}?access_token=${token}`, expiresOn: new Date(Number(expiresOn) * 1000) };
  }

  async send(
    operation: number,
    target: string,
    targetCode: WebPubSubErrorCode,
    message: unknown,
    options: HubSendToAllOptions & Partial<TextMessage> = {},
  ): Promise<void> {
    const { filter, messageTtlSeconds } = options;
    if (messageTtlSeconds !== undefined && typeof messageTtlSeconds !== "number") {
      throw typeError("ERR_ARGUMENT_TYPE", `messageTtlSeconds must be a number, not ${kindOf(messageTtlSeconds)}.`);
    }
    const fields = pack(
      this.endpoint,
      this.#accessKey,
      this.name,
      text(target, "The target of the message", targetCode),
      texts(options.excludedConnections, "excludedConnections", "ERR_CONNECTION_ID"),
      filter === undefined ? [] : [text(filter, "filter", "ERR_ARGUMENT_TYPE")],
    );
    const body = await toBody(message, options.contentType);
    const call = { operation, fields, ttlSeconds: messageTtlSeconds, allowInsecure: this.#allowInsecure, body, options };
    await run(call, this.#retry, this.#fetch ?? fetch);
  }
}
