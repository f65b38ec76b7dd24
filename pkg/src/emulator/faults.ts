import { typeError } from "../service/errors.js";
import { kindOf } from "../service/text.js";
import type { Host } from "./host.js";
import { jsonOf } from "./service.js";
import type { Time } from "./time.js";

/** Whom a fault meets. Nothing given: everybody. */
export interface FaultScope {
  /** Only this hub. */
  hub?: string | undefined;
  /** Only this connection; not together with `userId`. */
  connectionId?: string | undefined;
  /** Only connections of this user; not together with `connectionId`. */
  userId?: string | undefined;
  /** The chance for each thing that the fault could meet: from 0 to 1, the default. */
  share?: number | undefined;
  /** What chance is drawn from: the same seed meets the same things. 0 when absent. */
  seed?: number | undefined;
}

/** How long a fault lasts. Nothing given: until it is removed. */
export interface FaultLife {
  /** It acts so often, and is then over. */
  count?: number | undefined;
  /** It ends after so many milliseconds. */
  durationMs?: number | undefined;
}

/** Which way frames go. */
export type FaultDirection = "both" | "fromClient" | "toClient";

/** What happens at once and is over then. */
export type SuddenFault =
  /** Drops sockets as a broken network would; reliable clients can recover. */
  | { type: "cut" }
  /** Drops every socket of the hub, as a restart of the service does. Without its state no client can recover. */
  | { type: "restart"; keepState?: boolean | undefined };

/** What lasts. */
export type LastingFault =
  /** A frame from or to the client cuts the socket instead of arriving. */
  | { type: "cutOnFrame" }
  /**
   * From the first frame that it meets on, nothing arrives over the socket any more, pings included, and nobody is told.
   * Such sockets are cut when the fault ends.
   */
  | { type: "halfOpen"; direction?: FaultDirection | undefined }
  /** Frames arrive later, in the same order. */
  | { type: "delay"; ms: number; direction?: FaultDirection | undefined }
  /** Acks are sent later. */
  | { type: "delayAcks"; ms: number }
  /** Acks are sent twice. */
  | { type: "duplicateAcks" }
  /** So many acks wait for each other, for so long at most, and are sent in another order. */
  | { type: "reorderAcks"; window?: number | undefined; ms?: number | undefined }
  /** Acks are held until the fault ends. */
  | { type: "pauseAcks" }
  /** Frames wait in the service, as for a client that does not read: 1000 messages or 16 MiB close it with 1008. */
  | { type: "slowClient" }
  /** Recovery is refused: 1008. */
  | { type: "refuseRecovery" }
  /** New sockets are refused, with 503 when no status is given. */
  | { type: "refuseConnection"; status?: number | undefined; retryAfterSeconds?: number | undefined }
  /** REST requests are answered with this status; `carriedOut`: after they were carried out all the same. */
  | { type: "answer"; status: number; retryAfterSeconds?: number | undefined; carriedOut?: boolean | undefined }
  /** REST requests are answered later. */
  | { type: "delayAnswer"; ms: number };

/**
 * Something to break, and for whom.
 *
 * @example
 * ```ts
 * import type { Fault } from "webpubsub-edge/emulator";
 *
 * const lost: Fault = { type: "cut", userId: "ann" };
 * const throttled: Fault = { type: "answer", status: 429, retryAfterSeconds: 1, count: 3 };
 * const flaky: Fault = { type: "cutOnFrame", hub: "chat", share: 0.01, seed: 7 };
 * ```
 */
export type Fault = FaultScope & (SuddenFault | (LastingFault & FaultLife));

/** What came of a fault. */
export interface InjectedFault {
  /** Its number, if it lasts: for {@link EmulatorFaults.remove}. */
  id?: number;
  /** How many sockets it dropped. */
  cut: number;
}

/** A fault that lasts: as it was injected, and how it goes. */
export type ListedFault = Fault & {
  /** Its number. */
  id: number;
  /** How often it has acted. */
  acted: number;
  /** In how many milliseconds it ends, if it has a duration. */
  remainingMs?: number;
};

/**
 * Breaks things on purpose.
 *
 * @example
 * ```ts
 * import { startEmulator } from "webpubsub-edge/emulator";
 *
 * const emulator = await startEmulator();
 * emulator.faults.inject({ type: "cut", userId: "ann" });
 * const { id } = emulator.faults.inject({ type: "pauseAcks", hub: "chat" });
 * console.log(emulator.faults.remove(id!)); // true
 * await emulator.stop();
 * ```
 */
export interface EmulatorFaults {
  /**
   * Injects a fault.
   *
   * @throws `TypeError` that says what is wrong with it; `WebPubSubError` with the code `ERR_HUB` when `hub` is no name of a
   * hub.
   */
  inject(fault: Fault): InjectedFault;
  /** The faults that last: those that concern a hub, or all. */
  list(hub?: string): ListedFault[];
  /** Ends a fault; whether there was one of this number. */
  remove(id: number): boolean;
  /** Ends the faults that concern a hub, or all. */
  clear(hub?: string): void;
}

/** The largest number that a fault can have. */
const MAX_ID = 0xffff_ffff;

/** @internal */
export function faultsOf(host: Host, time: Time, hubOf: (hub: string) => string): EmulatorFaults {
  const ifGiven = (hub: string | undefined) => (hub === undefined ? undefined : hubOf(hub));
  return {
    inject: (all) => {
      if (typeof all !== "object" || all === null) {
        throw typeError("ERR_ARGUMENT_TYPE", `A fault must be an object such as { type: "cut" }, not ${kindOf(all)}.`);
      }
      const { hub, ...fault } = all;
      const { service } = host;
      const name = ifGiven(hub);
      const given = Object.fromEntries(Object.entries(fault).filter(([, value]) => value !== undefined));
      try {
        return service.injectFault(time.now(), name, jsonOf("A fault's members", given)) as InjectedFault;
      } catch (error) {
        // `hub` is no member over HTTP, where the query names it.
        const problem = (error as Error).message.replace("expected one of `type`,", "expected one of `type`, `hub`,");
        throw typeError("ERR_ARGUMENT_TYPE", problem);
      } finally {
        host.wait();
      }
    },
    list: (hub) => host.service.listFaults(time.now(), ifGiven(hub)) as ListedFault[],
    remove: (id) => {
      if (!(Number.isInteger(id) && id >= 0 && id <= MAX_ID)) {
        throw typeError("ERR_ARGUMENT_TYPE", `id must be the number of a fault, not ${typeof id === "number" ? id : kindOf(id as unknown)}.`);
      }
      const wasThere = host.service.removeFault(time.now(), id);
      host.wait();
      return wasThere;
    },
    clear: (hub) => {
      host.service.clearFaults(time.now(), ifGiven(hub));
      host.wait();
    },
  };
}
