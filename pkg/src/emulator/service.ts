import { inflateRawSync } from "node:zlib";
import { type Actions, createGlue, type Emulator } from "./wasm/glue.js";
import { base64 } from "./wasm/inline.js";

/**
 * Writes settings or a fault as JSON, which crosses into wasm faster than values do.
 *
 * @throws `TypeError` that names the member that JSON cannot carry.
 * @internal
 */
export function jsonOf(what: string, value: object): string {
  const check = (name: string, value: unknown) => {
    if (typeof value === "bigint" || (typeof value === "number" && !Number.isFinite(value))) {
      throw new TypeError(`${name} must be a number that JSON has, not ${value}.`);
    }
    return value;
  };
  try {
    return JSON.stringify(value, check);
  } catch (error) {
    const { message } = error as Error;
    // Each runtime has its own message for circular values.
    throw message.includes(" must be a number ") ? error : new TypeError(`${what} cannot be written as JSON: they hold themselves, or nest too deep.`);
  }
}

/** An emulated service. @internal */
export interface Service {
  /** For calls of the API: throws if the service has failed. */
  readonly checked: Emulator;
  /** For events of sockets, requests and timers: does nothing, and returns `undefined`, if the service has failed. */
  readonly quiet: Emulator;
  /** Drops the service and its memory. Nothing may be called afterwards. */
  release(): void;
}

/** The compiled module, which all emulators of a process share. */
let module: WebAssembly.Module | undefined;

/**
 * Creates an emulated service. It has an instance of the module of its own, so that a service that fails ends no other.
 *
 * @param actions - Carries out what the service decides.
 * @param onFailure - Is called once, in a microtask, if the service fails.
 * @throws `Error` that says which setting is wrong.
 * @internal
 */
export function newService(settings: object, actions: Actions, onFailure: (failure: Error) => void): Service {
  module ??= new WebAssembly.Module(new Uint8Array(inflateRawSync(Buffer.from(base64, "base64"))));
  const glue = createGlue();
  glue.initSync({ module });
  const guard = new Guard(onFailure);
  guard.service = new glue.Emulator(jsonOf("The options", settings), guard.actions(actions));
  return { checked: guard.calls(true), quiet: guard.calls(false), release: () => guard.release() };
}

/**
 * Watches the calls into an instance and out of it.
 *
 * The instance is broken when a call traps, overflows the stack, or when an action throws: a trap leaves data half written,
 * and an exception that passes through leaves the stack pointer where it was. Errors that the service returns are harmless.
 */
class Guard {
  /** Undefined after its release. */
  service: Emulator | undefined;
  #isBroken = false;
  /** What was thrown when the instance broke. */
  #cause: unknown;
  #failure: Error | undefined;
  readonly #onFailure: (failure: Error) => void;

  constructor(onFailure: (failure: Error) => void) {
    this.#onFailure = onFailure;
  }

  /** Wraps the members of the service. If `isChecked`, a call of a broken service throws; otherwise it does nothing. */
  calls(isChecked: boolean): Emulator {
    const { maxBodyBytes, maxBacklogBytes } = this.service!;
    const methods = wrapped(this.service!, (name, args) => {
      if (this.service === undefined) return undefined;
      if (!this.#isBroken) {
        try {
          return (this.service as unknown as Methods)[name]!(...args);
        } catch (error) {
          // Only assignments, because the stack may be full.
          const { name } = error as Error;
          const isFatal = name === "RuntimeError" || name === "RangeError";
          if (!isFatal && !this.#isBroken) throw error;
          this.#isBroken = true;
          this.#cause ??= error;
        }
      }
      const failure = this.#fail();
      if (isChecked) throw failure;
      return undefined;
    });
    return { ...methods, maxBodyBytes, maxBacklogBytes } as unknown as Emulator;
  }

  /** Wraps the methods of the host. */
  actions(actions: Actions): Actions {
    const methods = wrapped(actions, (name, args) => {
      try {
        return (actions as unknown as Methods)[name]!(...args);
      } catch (error) {
        this.#cause ??= error;
        this.#isBroken = true;
        throw error;
      }
    });
    return methods as unknown as Actions;
  }

  /** Drops the service, and with it the only reference to the instance and its memory. */
  release(): void {
    if (!this.#isBroken) this.service?.free();
    this.service = undefined;
  }

  #fail(): Error {
    if (this.#failure === undefined) {
      const cause = this.#cause;
      const why = cause instanceof Error ? ` (${cause.name}: ${cause.message})` : "";
      const text = `This emulator has failed and was stopped${why}. Start another one. Please report this error.`;
      const failure = new Error(text, { cause });
      queueMicrotask(() => this.#onFailure(failure));
      // Last, because the stack may be full: then the next call reports the failure.
      this.#failure = failure;
    }
    return this.#failure;
  }
}

type Methods = Record<string, (...args: unknown[]) => unknown>;

/** Returns an object with the names of an object's methods, each of which runs `call`. */
function wrapped(object: object, call: (name: string, args: unknown[]) => unknown): Methods {
  const methods: Methods = {};
  const members = Object.getOwnPropertyDescriptors(Object.getPrototypeOf(object) as object);
  for (const [name, { value }] of Object.entries(members)) {
    if (typeof value === "function" && name !== "constructor") methods[name] = (...args) => call(name, args);
  }
  return methods;
}
