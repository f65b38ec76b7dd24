/** The time as an emulator sees it: a clock, and how far it was advanced. */
export class Time {
  readonly #clock: () => number;
  #advanced = 0;

  constructor(clock: () => number) {
    this.#clock = clock;
  }

  /** Milliseconds since 1970. */
  now(): number {
    return Math.floor(this.#clock()) + this.#advanced;
  }

  advance(milliseconds: number): void {
    this.#advanced += milliseconds;
  }
}
