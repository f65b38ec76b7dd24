// Interleaved rounds: what disturbs the machine disturbs all contenders alike, and a median forgets the worst of it.

/** Runs every contender once a round, in turn; gives the median of each. A contender gives what one of its rounds took. */
export async function rounds(count, contenders) {
  const taken = Object.fromEntries(Object.keys(contenders).map((name) => [name, []]));
  // One round more, which is not counted: it compiles.
  for (let round = -1; round < count; round++) {
    for (const [name, run] of Object.entries(contenders)) {
      const time = await run(round);
      if (round >= 0) taken[name].push(time);
    }
  }
  return Object.fromEntries(Object.entries(taken).map(([name, times]) => [name, median(times)]));
}

/** A contender: so many calls a round, in microseconds of this process's CPU for each. */
export function cpuOf(call, times) {
  let index = 0;
  return async () => {
    const started = process.cpuUsage();
    for (let left = times; left > 0; left--) await call(index++);
    const { user, system } = process.cpuUsage(started);
    return (user + system) / times;
  };
}

/** The same in microseconds that pass. */
export function timeOf(call, times) {
  let index = 0;
  return async () => {
    const started = performance.now();
    for (let left = times; left > 0; left--) await call(index++);
    return ((performance.now() - started) * 1000) / times;
  };
}

export function median(numbers) {
  const sorted = [...numbers].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)];
}

/** Prints medians, ratios first: how many times as long each takes as ours. `goals` are what we want at least. */
export function print(title, unit, medians, goals = {}) {
  const [[, ours]] = Object.entries(medians);
  console.log(`\n${title}`);
  for (const [name, time] of Object.entries(medians)) {
    const ratio = time / ours;
    const goal = goals[name] === undefined ? "" : `goal ${goals[name]}x: ${ratio >= goals[name] ? "reached" : "not reached"}`;
    console.log(`  ${ratio.toFixed(2).padStart(7)}x  ${name.padEnd(22)}${time.toFixed(2).padStart(10)} ${unit}  ${goal}`.trimEnd());
  }
}
