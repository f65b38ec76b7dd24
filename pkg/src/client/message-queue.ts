/** What comes is kept until it is taken. */
export class MessageQueue<Item> implements AsyncIterableIterator<Item> {
  /** Called once, when nothing more is wanted or nothing more will come, with the error if there is one. */
  declare onEnd: ((error?: Error) => void) | undefined;
  readonly #items: Item[] = [];
  /** Those that are taken next, the last one first: to take the first one of many costs as much as there are. */
  #next: Item[] = [];
  readonly #waiting: ((result: IteratorResult<Item> | Promise<IteratorResult<Item>>) => void)[] = [];
  #isEnded = false;
  #error: Error | undefined;

  push(value: Item): void {
    if (this.#isEnded) return;
    const waiting = this.#waiting.shift();
    if (waiting === undefined) this.#items.push(value);
    else waiting({ value, done: false });
  }

  /** What is kept is still given; then the iteration ends, with the error if there is one. */
  end(error?: Error): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    this.#error = error;
    this.onEnd?.(error);
    for (const waiting of this.#waiting.splice(0)) waiting(this.next());
  }

  async next(): Promise<IteratorResult<Item>> {
    if (!this.#next.length) this.#next = this.#items.splice(0).reverse();
    if (this.#next.length) return { value: this.#next.pop()!, done: false };
    const error = this.#error;
    // An error is told once.
    this.#error = undefined;
    if (error !== undefined) throw error;
    return this.#isEnded ? { value: undefined, done: true } : new Promise((resolve) => this.#waiting.push(resolve));
  }

  return(): Promise<IteratorResult<Item>> {
    this.#items.length = this.#next.length = 0;
    this.end();
    // Nobody wants to know any more.
    this.#error = undefined;
    return this.next();
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
}
