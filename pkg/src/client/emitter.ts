type Listener = (args: never) => unknown;

/** Calls listeners. A listener that throws or rejects does not keep the other listeners from being called. */
export class Emitter<Events> {
  readonly #names: { readonly [Name in keyof Events]: true };
  readonly #listeners = new Map<keyof Events, readonly Listener[]>();
  readonly #onFailure: (error: unknown, name: keyof Events) => void;

  /**
   * @param names The events. `on` and `off` refuse every other name.
   * @param onFailure Receives what a listener threw, and the event.
   */
  constructor(names: { readonly [Name in keyof Events]: true }, onFailure: (error: unknown, name: keyof Events) => void) {
    this.#names = names;
    this.#onFailure = onFailure;
  }

  /**
   * Adds a listener, and returns the function that removes this registration.
   *
   * @throws `TypeError` for an unknown event and for a listener that is not a function.
   */
  on<Name extends keyof Events>(name: Name, listener: (args: Events[Name]) => unknown): () => void {
    this.#check(name);
    if (typeof listener !== "function") {
      throw new TypeError(`The listener of the event "${String(name)}" must be a function, not ${typeof listener}.`);
    }
    this.#listeners.set(name, [...this.#of(name), listener]);
    let isOn = true;
    return () => {
      if (isOn) this.off(name, listener);
      isOn = false;
    };
  }

  /**
   * Removes the latest registration of a listener, as Node's emitter does.
   *
   * @throws `TypeError` for an unknown event.
   */
  off<Name extends keyof Events>(name: Name, listener: (args: Events[Name]) => unknown): void {
    this.#check(name);
    const listeners = this.#of(name);
    const at = listeners.lastIndexOf(listener);
    this.#listeners.set(name, listeners.filter((_, index) => index !== at));
  }

  /** Calls the listeners of an event, and returns how many there are. */
  emit<Name extends keyof Events>(name: Name, args: Events[Name]): number {
    // `on` and `off` replace the list. A listener that is added during this loop hears the next event first.
    for (const listener of this.#of(name)) {
      try {
        const result = listener(args as never);
        if (result instanceof Promise) {
          result.catch((error: unknown) => this.#onFailure(error, name));
        }
      } catch (error) {
        this.#onFailure(error, name);
      }
    }
    return this.#of(name).length;
  }

  #of(name: keyof Events): readonly Listener[] {
    return this.#listeners.get(name) ?? [];
  }

  #check(name: keyof Events): void {
    if (!Object.hasOwn(this.#names, name)) {
      throw new TypeError(`There is no event "${String(name)}". The events are ${Object.keys(this.#names).join(", ")}.`);
    }
  }
}
