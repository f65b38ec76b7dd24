// The exports of pkg/wasm, as wasm-bindgen's glue offers them. Written by hand: the generated types are no API.
// What "packed" means is told in packed.ts, what the arguments are in pkg/wasm/src/service.rs.

export function initSync(options: { module: WebAssembly.Module | BufferSource }): unknown;

export function parse_connection_string(text: string, keyless: boolean): string;
export function parse_endpoint(text: string): string;
export function check_secure(endpoint: string): void;
export function check_name(kind: 0 | 1, text: string, strict: boolean): void;
export function client_url(
  packed: string,
  minutes: number,
  expiresAt: number | undefined,
  now: number,
  strict: boolean,
): string;
export function client_base(endpoint: string, hub: string, protocol: string, strict: boolean): string;
export function request(operation: number, packed: string, now: number, strict: boolean): string;
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
  deadlineMs: number,
  random: number,
): number;
export function status_message(status: number): string;
