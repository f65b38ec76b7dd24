// The functions of the core: their numbers, and their fields in the order in which pkg/wasm/src/service.rs reads them. That
// file says what the fields mean. A test compares the two.

import type { Packable } from "./packed.js";

/** A function of the core. */
export interface CoreFunction<Fields> {
  readonly number: number;
  /** Puts the fields into their order. */
  readonly order: (fields: Fields) => readonly Packable[];
}

export const CONNECTION_STRING: CoreFunction<{ text: string; keyless: boolean }> = {
  number: 0,
  order: (fields) => [fields.text, fields.keyless],
};

export const ENDPOINT: CoreFunction<{ text: string; secure: boolean }> = {
  number: 1,
  order: (fields) => [fields.text, fields.secure],
};

export const CHECK_NAME: CoreFunction<{ name: string; group: boolean; strict: boolean }> = {
  number: 2,
  order: (fields) => [fields.name, fields.group, fields.strict],
};

/** The fields of {@link CLIENT_URL}. */
export interface ClientUrlFields {
  endpoint: string;
  hub: string;
  protocol: string;
  key: string;
  userId: string;
  roles: readonly string[];
  groups: readonly string[];
  claims: readonly string[];
  jwtHeader: readonly string[];
  lifetimeSeconds: number;
  now: number;
  strict: boolean;
}

export const CLIENT_URL: CoreFunction<ClientUrlFields> = {
  number: 3,
  order: (fields) => [
    fields.endpoint,
    fields.hub,
    fields.protocol,
    fields.key,
    fields.userId,
    fields.roles,
    fields.groups,
    fields.claims,
    fields.jwtHeader,
    fields.lifetimeSeconds,
    fields.now,
    fields.strict,
  ],
};

export const CLIENT_BASE: CoreFunction<{ endpoint: string; hub: string; protocol: string; strict: boolean }> = {
  number: 4,
  order: (fields) => [fields.endpoint, fields.hub, fields.protocol, fields.strict],
};

/** The fields of {@link REQUEST}. */
export interface RequestFields {
  operation: number;
  endpoint: string;
  key: string;
  hub: string;
  targets: readonly string[];
  query: readonly string[];
  strict: boolean;
  now: number;
}

export const REQUEST: CoreFunction<RequestFields> = {
  number: 5,
  order: (fields) => [
    fields.operation,
    fields.endpoint,
    fields.key,
    fields.hub,
    fields.targets,
    fields.query,
    fields.strict,
    fields.now,
  ],
};

/** The fields of {@link AFTER_TRY}. */
export interface AfterTryFields {
  operation: number;
  retries: number;
  maxRetries: number;
  retryDelayMs: number;
  maxRetryDelayMs: number;
  always: boolean;
  status: number;
  nowMs: number;
  deadlineMs: number;
  random: number;
  retryAfterMs: string;
  xMsRetryAfterMs: string;
  retryAfter: string;
}

export const AFTER_TRY: CoreFunction<AfterTryFields> = {
  number: 6,
  order: (fields) => [
    fields.operation,
    fields.retries,
    fields.maxRetries,
    fields.retryDelayMs,
    fields.maxRetryDelayMs,
    fields.always,
    fields.status,
    fields.nowMs,
    fields.deadlineMs,
    fields.random,
    fields.retryAfterMs,
    fields.xMsRetryAfterMs,
    fields.retryAfter,
  ],
};

export const STATUS_MESSAGE: CoreFunction<{ status: number }> = {
  number: 7,
  order: (fields) => [fields.status],
};
