// The handler of events that the suites of this folder expect of a hub.

/** For `onEvent`. */
export function answer({ name, data, dataType, isInvocation, userId, metadata, abortSignal }) {
  if (name === "echo") return { data, dataType };
  // The event of a client without a subprotocol.
  if (name === "message") return `${name} ${dataType} ${data}`;
  if (name === "who") return { userId, isInvocation, metadata };
  if (name === "fail") throw new Error(`no ${data}`);
  // Nobody may wait for it: it ends with the emulator, or when it is cancelled.
  if (name === "never") return new Promise((resolve) => abortSignal.addEventListener("abort", () => resolve()));
  return undefined;
}
