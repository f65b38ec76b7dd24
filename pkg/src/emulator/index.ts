/**
 * An emulator of Azure Web PubSub, in process: for tests and for development without the service.
 *
 * @module
 */
export type {
  EmulatorEvent,
  EmulatorEventHandler,
  EmulatorEventPayload,
  EmulatorEventReply,
} from "./events.js";
export type {
  EmulatorFaults,
  Fault,
  FaultDirection,
  FaultLife,
  FaultScope,
  InjectedFault,
  LastingFault,
  ListedFault,
  SuddenFault,
} from "./faults.js";
export type { EmulatorHubSettings, EmulatorOptions } from "./options.js";
export {
  type Emulator,
  EMULATOR_ACCESS_KEY,
  type EmulatorClock,
  type HubConnection,
  type HubSnapshot,
  startEmulator,
} from "./start.js";
