/** Calls listeners. One that throws, or whose promise rejects, keeps no other from being called. */
export class Emitter<Events> {
  readonly #listeners = new Map<keyof Events, readonly ((args: never) => unknown)[]>();
  readonly #onFailure: (error: unknown, name: keyof Events) => void;

  /** `onFailure` is told what a listener threw, and at which event. */
  constructor(onFailure: (error: unknown, name: keyof Events) => void) {
    this.#onFailure = onFailure;
  }

  on<Name extends keyof Events>(name: Name, listener: (args: Events[Name]) => unknown): void {
    this.#listeners.set(name, [...this.#of(name), listener]);
  }

  /** Removes a listener that was added last, as Node's emitter does. */
  off<Name extends keyof Events>(name: Name, listener: (args: Events[Name]) => unknown): void {
    const listeners = this.#of(name);
    const at = listeners.lastIndexOf(listener);
    this.#listeners.set(name, listeners.filter((_, index) => index !== at));
  }

  /** Gives how many listeners there are. */
  emit<Name extends keyof Events>(name: Name, args: Events[Name]): number {
    // The list is never changed, only replaced: who listens while this runs hears of the next event.
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

  #of(name: keyof Events): readonly ((args: never) => unknown)[] {
    return this.#listeners.get(name) ?? [];
  }
}
