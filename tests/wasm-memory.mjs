// The package keeps the instances of its WebAssembly modules to itself, so the tests watch how they are created.

const { Instance, instantiate } = WebAssembly;

/** Records the memories of the instances that are created from now on. `stop` ends that. */
export function watchMemories() {
  const memories = [];
  WebAssembly.Instance = class extends Instance {
    constructor(...args) {
      super(...args);
      memories.push(this.exports.memory);
    }
  };
  WebAssembly.instantiate = async (...args) => {
    const result = await instantiate(...args);
    memories.push((result.instance ?? result).exports.memory);
    return result;
  };
  return { memories, stop: () => Object.assign(WebAssembly, { Instance, instantiate }) };
}

/** Runs `start`, and returns the memories of the instances that it creates, in order. */
export async function memoriesCreatedBy(start) {
  const { memories, stop } = watchMemories();
  try {
    await start();
  } finally {
    stop();
  }
  return memories;
}

/** Destroys an instance's data, so that its next call traps. */
export function corrupt(memory) {
  new Uint8Array(memory.buffer).fill(0xff);
}

/**
 * Calls `work` on a full call stack, then with a little more room each time, until it succeeds. Returns the errors.
 */
export function onFullStack(work) {
  const errors = [];
  let isDone = false;
  const dive = () => {
    try {
      dive();
    } catch {
      // The stack is full.
    }
    if (isDone) return;
    try {
      work();
      isDone = true;
    } catch (error) {
      errors.push(error);
    }
  };
  dive();
  return errors;
}
