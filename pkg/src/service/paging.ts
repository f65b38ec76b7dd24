import { readOptions, type OptionNames } from "../read-options.js";

/** A page: its entries, and where the next one starts. */
export interface Page<T> {
  /** The entries. */
  items: T[];
  /** A link to the next page; absent on the last. */
  nextLink?: string | undefined;
}

/** Where to start, and how large a page is. */
export interface PageSettings {
  /** How many entries a page has at most: 1 to 200. */
  maxPageSize?: number | undefined;
  /**
   * Where to go on: the `continuationToken` of an earlier page of the same group. It may come back from a user: a link to
   * another hub, group or endpoint rejects with `ERR_CONTINUATION_TOKEN`, and nothing is sent.
   */
  continuationToken?: string | undefined;
}

/** One page of a {@link PagedAsyncIterableIterator}: an array that also says where the next one starts. */
export type PageOf<T> = T[] & { continuationToken?: string | undefined };

/** Entries one by one with `for await`, or pages with `byPage()`. */
export interface PagedAsyncIterableIterator<T> extends AsyncIterableIterator<T> {
  [Symbol.asyncIterator](): PagedAsyncIterableIterator<T>;
  /** The pages. */
  byPage(settings?: PageSettings): AsyncIterableIterator<PageOf<T>>;
}

/**
 * What a listing gives: iterate it at once, or `await` it first as with the official SDK, whose listing is a promise.
 *
 * @example
 * ```ts
 * const listing = client.group("news").listConnections({ maxPageSize: 50 });
 * for await (const page of listing.byPage()) {
 *   console.log(page.length, page.continuationToken); // 1 undefined
 * }
 * ```
 */
export interface PagedListing<T> extends PagedAsyncIterableIterator<T>, PromiseLike<PagedAsyncIterableIterator<T>> {}

const SETTINGS: OptionNames<PageSettings> = { maxPageSize: true, continuationToken: true };

/** @internal Makes a listing of two functions: one gets the first page for settings, the other the page of a link. */
export function listing<T>(
  first: (settings: PageSettings) => Promise<Page<T>>,
  next: (link: string) => Promise<Page<T>>,
): PagedListing<T> {
  function byPage(given?: PageSettings | null): AsyncIterableIterator<PageOf<T>> {
    return pages(readOptions(given, SETTINGS, "byPage"));
  }
  async function* pages(settings: PageSettings): AsyncGenerator<PageOf<T>, void, undefined> {
    const { continuationToken } = settings;
    // The continuation token of one of our pages is a link; that of the service is not.
    let page = continuationToken?.includes?.("://") ? await next(continuationToken) : await first(settings);
    for (;;) {
      yield Object.assign([...page.items], { continuationToken: page.nextLink });
      if (page.nextLink === undefined) {
        return;
      }
      page = await next(page.nextLink);
    }
  }
  async function* entries(): AsyncGenerator<T, void, undefined> {
    for await (const page of byPage()) {
      yield* page;
    }
  }
  const generator = entries();
  const iterator: PagedAsyncIterableIterator<T> = {
    next: () => generator.next(),
    return: () => generator.return(),
    byPage,
    [Symbol.asyncIterator]: () => iterator,
  };
  // What it resolves to must not be a promise itself, or awaiting it would never end.
  return { ...iterator, [Symbol.asyncIterator]: () => iterator, then: (...handlers) => Promise.resolve(iterator).then(...handlers) };
}
