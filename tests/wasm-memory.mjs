// The package keeps the instances of its wasm modules to itself: what it starts is watched on the way.

/** Runs `start`, and gives the memory of the module that it starts last. */
export async function memoryStartedBy(start) {
  let memory;
  const { Instance, instantiate } = WebAssembly;
  WebAssembly.Instance = class extends Instance {
    constructor(...args) {
      super(...args);
      memory = this.exports.memory;
    }
  };
  WebAssembly.instantiate = async (...args) => {
    const made = await instantiate(...args);
    memory = (made.instance ?? made).exports.memory;
    return made;
  };
  try {
    await start();
  } finally {
    Object.assign(WebAssembly, { Instance, instantiate });
  }
  return memory;
}
