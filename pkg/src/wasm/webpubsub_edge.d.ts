// The exports of pkg/wasm, as wasm-bindgen's glue offers them. Written by hand: the generated types are no API.
// What "packed" means is told in packed.ts.

export function initSync(options: { module: WebAssembly.Module | BufferSource }): unknown;

export function parse_connection_string(text: string): string;
export function check_name(kind: 0 | 1, text: string): void;
export function client_url(packed: string, minutes: number, now: number): string;
export function send_request(
  operation: number,
  packed: string,
  ttlSeconds: number | undefined,
  allowInsecure: boolean,
  now: number,
): string;
export function after_try(
  operation: number,
  retries: number,
  maxRetries: number,
  retryDelayMs: number,
  maxRetryDelayMs: number,
  always: boolean,
  status: number,
  headers: string,
  nowMs: number,
  random: number,
): number;
export function status_message(status: number): string;
