// Requests to the Worker. A refusal comes as {"error":{"code","message"}} and becomes an Error.

/** Anything else makes `fetch` throw, as if the Worker were away. */
const HEADER_SAFE = /^[\x21-\x7e]+$/;

/**
 * Sends JSON and resolves to the answer's JSON, or to undefined when it has none. The session,
 * when there is one, goes as a bearer token. `onRequest` and `onResponse` are for the inspector;
 * the status of an answer that never came is "unreachable".
 */
export async function call(method, path, body, { session, onRequest, onResponse }) {
  const headers = { "Content-Type": "application/json" };
  if (session && !HEADER_SAFE.test(session)) {
    throw refusal("unauthorized", "The session has characters that no session holds.", true);
  }
  if (session) headers.Authorization = `Bearer ${session}`;
  onRequest();
  const response = await fetch(path, { method, headers, body: JSON.stringify(body) }).catch(() => {
    onResponse("unreachable");
    throw refusal("unreachable", "The Worker did not answer. Check that it is running.", false);
  });
  const answer = await response.json().catch(() => undefined);
  onResponse(response.status, answer);
  if (response.ok) return answer;
  const { code = `status ${response.status}`, message = "The Worker gave no reason." } = answer?.error ?? {};
  throw refusal(code, message, response.status < 500 || code === "not_configured");
}

/** What the Worker runs against: "emulator", "azure" or "unconfigured". */
export async function mode() {
  const response = await fetch("/health");
  return (await response.json()).mode;
}

/** `permanent` says that the same request would be refused again, so reconnecting is no use. */
function refusal(name, message, permanent) {
  return Object.assign(new Error(message), { name, permanent });
}
