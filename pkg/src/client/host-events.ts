// What a page, or a worker of one, learns of its host: that it woke up, and that the network came or went.

/** Calls `wake` when the network is perhaps back, and `offline` when it went; gives what ends it. Hosts that say nothing are left alone. */
export function watchHost(wake: () => void, offline: () => void): () => void {
  const host = globalThis as unknown as Partial<EventTarget> & { navigator?: { onLine?: boolean }; document?: Document };
  // Only browsers know whether they are on line. Elsewhere the global scope is no place for such listeners.
  if (host.navigator?.onLine === undefined || host.addEventListener === undefined) {
    return () => {};
  }
  const { document } = host;
  const woke = () => {
    if (document?.visibilityState !== "hidden") wake();
  };
  const targets = [host as EventTarget, document];
  const listeners: Record<string, () => void> = {
    online: wake,
    offline,
    pageshow: woke,
    visibilitychange: woke,
    resume: woke,
  };
  // Each is told by one of the two, and known to no other.
  const each = (method: "addEventListener" | "removeEventListener") => {
    for (const target of targets) for (const type in listeners) target?.[method](type, listeners[type]!);
  };
  each("addEventListener");
  return () => each("removeEventListener");
}
