/** An iteration over items that are pushed. Items are kept until they are taken. */
export class MessageQueue<Item> implements AsyncIterableIterator<Item> {
  /** Called once, when the iteration is left or ended, with the error if there is one. */
  declare onEnd: ((error?: Error) => void) | undefined;
  readonly #items: Item[] = [];
  /** The items that are taken next, in reverse order: `pop` is fast, but `shift` moves all items. */
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

  /** Ends the iteration after the items that are kept, with the error if there is one. */
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
    // Only the first call rejects with the error.
    this.#error = undefined;
    if (error !== undefined) throw error;
    return this.#isEnded ? { value: undefined, done: true } : new Promise((resolve) => this.#waiting.push(resolve));
  }

  return(): Promise<IteratorResult<Item>> {
    this.#items.length = this.#next.length = 0;
    this.end();
    // The reader has left, so the error is dropped.
    this.#error = undefined;
    return this.next();
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
}
