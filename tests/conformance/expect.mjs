// The few assertions that the suite needs, for runtimes without node:assert.

export function equal(actual, expected, what = "") {
  const [left, right] = [show(actual), show(expected)];
  if (left !== right) {
    throw new Error(`${what}\n  expected ${right}\n  but got  ${left}`);
  }
}

export function ok(value, what) {
  if (!value) {
    throw new Error(what);
  }
}

/** Runs a function that must throw at once, and gives the error. */
export function throws(call) {
  let result;
  try {
    result = call();
  } catch (error) {
    return error;
  }
  throw new Error(`expected a throw, but it returned ${show(result)}`);
}

/** Calls a function that must return a promise that rejects (and not throw), and gives the error. */
export async function rejects(call) {
  const promise = call();
  ok(promise instanceof Promise, "expected a promise");
  try {
    await promise;
  } catch (error) {
    return error;
  }
  throw new Error("expected a rejection, but it resolved");
}

function show(value) {
  return JSON.stringify(value, (_, item) => (item === undefined ? "(undefined)" : item));
}
