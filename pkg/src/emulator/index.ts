/**
 * An emulator of Azure Web PubSub, in process: for tests and for development without the service.
 *
 * @module
 */
export { EMULATOR_ACCESS_KEY } from "./access-key.js";
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
export type { EmulatorHubSettings, EmulatorOptions, EmulatorTlsOptions } from "./options.js";
export {
  type Emulator,
  type EmulatorClock,
  type HubConnection,
  type HubSnapshot,
  startEmulator,
} from "./start.js";
