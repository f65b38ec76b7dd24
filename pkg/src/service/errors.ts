/** The codes of errors that this package finds itself. They are stable; messages are not. */
export type WebPubSubErrorCode =
  | "ERR_CONNECTION_STRING"
  | "ERR_ENDPOINT"
  | "ERR_HUB"
  | "ERR_GROUP"
  | "ERR_USER_ID"
  | "ERR_CONNECTION_ID"
  | "ERR_PERMISSION"
  | "ERR_ROLE"
  | "ERR_EXPIRATION"
  | "ERR_CLOCK"
  | "ERR_CLIENT_PROTOCOL"
  | "ERR_CLAIM"
  | "ERR_FILTER"
  | "ERR_MESSAGE_TTL"
  | "ERR_PAGE_SIZE"
  | "ERR_TOP"
  | "ERR_CONTINUATION_TOKEN"
  | "ERR_PARAMETER"
  | "ERR_MESSAGE_TOO_LARGE"
  | "ERR_MESSAGE_TYPE"
  | "ERR_ARGUMENT_TYPE"
  | "ERR_OPTION"
  | "ERR_HEADER"
  | "ERR_RETRY_OPTIONS"
  | "ERR_INSECURE_ENDPOINT"
  | "ERR_CREDENTIAL"
  | "ERR_ABORTED"
  | "ERR_TIMEOUT"
  | "ERR_NETWORK"
  | "ERR_ANSWER"
  | "ERR_ANSWER_TOO_LARGE";

/**
 * An error of this package. Tell errors apart by `code`, not by `message`.
 *
 * A wrong type (`ERR_ARGUMENT_TYPE`, `ERR_MESSAGE_TYPE`, `ERR_CLIENT_PROTOCOL`, `ERR_FILTER`) or an unknown option
 * (`ERR_OPTION`) is a `TypeError` and a
 * number out of range (`ERR_EXPIRATION`, `ERR_MESSAGE_TTL`, `ERR_PAGE_SIZE`, `ERR_TOP`, `ERR_RETRY_OPTIONS`) a
 * `RangeError`, each with the same `code` property.
 *
 * @example
 * ```ts
 * try {
 *   client.group("..");
 * } catch (error) {
 *   if (error instanceof WebPubSubError) {
 *     console.log(error.code); // ERR_GROUP
 *   }
 * }
 * ```
 */
export class WebPubSubError extends Error {
  override readonly name: string = "WebPubSubError";
  /** What went wrong: one of {@link WebPubSubErrorCode}, or for a {@link RestError} the code of the service. */
  readonly code: WebPubSubErrorCode | (string & {}) | undefined;

  /** @internal */
  constructor(code: string | undefined, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/**
 * The service answered with a status that is not success.
 *
 * The same fact has several codes in the service (`Error.Connection.NotExisted`, `Info.Connection.NotExisted`), so
 * tell by `statusCode`.
 *
 * @example
 * ```ts
 * try {
 *   await client.group("news").addConnection("nobody");
 * } catch (error) {
 *   if (error instanceof RestError) {
 *     console.log(error.statusCode); // 404
 *   }
 * }
 * ```
 */
export class RestError extends WebPubSubError {
  override readonly name = "RestError";
  /** The HTTP status; 0 for a redirect that a browser hides. */
  readonly statusCode: number;
  /** The body of the answer, where it was a JSON object, else an empty object. */
  readonly details: Readonly<Record<string, unknown>>;
  /** The `x-ms-client-request-id` that was sent, the same for every try. */
  readonly requestId: string;

  /**
   * @internal
   * `statusMessage` is the message for an answer that has none.
   */
  constructor(statusCode: number, errorCode: string | null, body: string, requestId: string, statusMessage: string) {
    const details = readDetails(body);
    const text = (name: string) => (typeof details[name] === "string" && details[name] !== "" ? details[name] : undefined);
    super(text("code") ?? errorCode ?? undefined, text("message") ?? text("title") ?? statusMessage);
    this.statusCode = statusCode;
    this.details = details;
    this.requestId = requestId;
  }
}

/**
 * Tells whether an error is a {@link RestError}, like the function of the same name in `@azure/core-rest-pipeline`.
 *
 * Unlike `instanceof`, it also recognizes errors of another copy of this package or of the official SDK, by their name.
 * The failures that have no answer of the service, such as `ERR_NETWORK`, are no `RestError` here.
 *
 * @example
 * ```ts
 * try {
 *   await client.group("news").addConnection("nobody");
 * } catch (error) {
 *   if (isRestError(error)) {
 *     console.log(error.statusCode); // 404
 *   }
 * }
 * ```
 */
export function isRestError(error: unknown): error is RestError {
  return isObject(error) && error["name"] === "RestError" && typeof error["message"] === "string";
}

/**
 * The call was given up through its `abortSignal`. `cause` is the signal's reason.
 *
 * @example
 * ```ts
 * await client.sendToAll("hello", { abortSignal: AbortSignal.abort("changed my mind") }).catch((error: AbortError) => {
 *   console.log(error.cause); // changed my mind
 * });
 * ```
 */
export class AbortError extends WebPubSubError {
  override readonly name = "AbortError";

  /** @internal */
  constructor(reason: unknown) {
    super("ERR_ABORTED", "The operation was aborted.", { cause: reason });
  }
}

/** The flat body that the service sends, or the same wrapped in `error`; a proxy may send anything. */
function readDetails(body: string): Record<string, unknown> {
  try {
    const parsed: unknown = JSON.parse(body);
    if (isObject(parsed)) {
      return isObject(parsed["error"]) ? parsed["error"] : parsed;
    }
  } catch {
    // Not JSON: there are no details.
  }
  return {};
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** @internal A TypeError with a code. */
export function typeError(code: WebPubSubErrorCode, message: string): TypeError {
  return Object.assign(new TypeError(message), { code });
}

/** @internal A RangeError with a code. */
export function rangeError(code: WebPubSubErrorCode, message: string): RangeError {
  return Object.assign(new RangeError(message), { code });
}
