// Things that arrive, taken in order.

/** A queue whose takes wait up to 10 seconds. */
export function queue() {
  const items = [];
  let wake = () => {};
  return {
    push: (item) => {
      items.push(item);
      wake();
    },
    waiting: () => items.length,
    take: async (count) => {
      const deadline = Date.now() + 10_000;
      while (items.length < count) {
        const left = deadline - Date.now();
        if (left <= 0) {
          throw new Error(`waited for ${count} and got ${JSON.stringify(items)}`);
        }
        await new Promise((resolve) => {
          wake = resolve;
          setTimeout(resolve, left).unref();
        });
      }
      return items.splice(0, count);
    },
  };
}
