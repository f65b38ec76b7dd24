/** What comes is kept until it is taken. */
export class MessageQueue<Item> implements AsyncIterableIterator<Item> {
  /** Called once, when nothing more is wanted or nothing more will come. */
  onEnd: (() => void) | undefined;
  readonly #items: Item[] = [];
  readonly #waiting: { resolve: (result: IteratorResult<Item>) => void; reject: (error: unknown) => void }[] = [];
  #isEnded = false;
  #error: unknown;

  push(item: Item): void {
    if (this.#isEnded) return;
    const waiting = this.#waiting.shift();
    if (waiting === undefined) this.#items.push(item);
    else waiting.resolve({ value: item, done: false });
  }

  /** What is kept is still given; then the iteration ends, with the error if there is one. */
  end(error?: unknown): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    this.onEnd?.();
    this.#error = error;
    for (const { resolve, reject } of this.#waiting.splice(0)) {
      if (this.#error === undefined) {
        resolve({ value: undefined, done: true });
      } else {
        reject(this.#takeError());
      }
    }
  }

  next(): Promise<IteratorResult<Item>> {
    if (this.#items.length > 0) return Promise.resolve({ value: this.#items.shift()!, done: false });
    if (this.#error !== undefined) return Promise.reject(this.#takeError());
    if (this.#isEnded) return Promise.resolve({ value: undefined, done: true });
    return new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }));
  }

  return(): Promise<IteratorResult<Item>> {
    this.#items.length = 0;
    this.end();
    return Promise.resolve({ value: undefined, done: true });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  /** An error is told once. */
  #takeError(): unknown {
    const error = this.#error;
    this.#error = undefined;
    return error;
  }
}
