// The loop of random.rs, for what only a JavaScript host can check.

import { random } from "../peers/differential/random.mjs";

/**
 * Tries cases until the time is over: a second, or `SOAK_SECONDS` with seeds of its own. A case that fails tells its
 * seed, and `SOAK_SEED` repeats it.
 */
export async function soak(name, attempt) {
  const given = process.env.SOAK_SEED;
  const seconds = Number(process.env.SOAK_SECONDS ?? 1);
  const first = Number(given ?? (process.env.SOAK_SECONDS === undefined ? 0 : Date.now() % 2 ** 31));
  const end = performance.now() + seconds * 1000;
  let seed = first;
  do {
    try {
      await attempt(random(seed));
    } catch (error) {
      throw new Error(`${name}: \`cargo xtask soak --seed ${seed}\` repeats this`, { cause: error });
    }
    seed++;
  } while (given === undefined && performance.now() < end);
  console.log(`${name}: ${seed - first} cases from seed ${first}`);
}
