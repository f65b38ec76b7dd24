// What a page, or a worker of one, learns of its host: that it woke up, and that the network came or went.

/** Called when the host says something; gives what ends it. Hosts that say nothing are left alone. */
export function watchHost(tell: { woke(): void; online(): void; offline(): void }): () => void {
  const host = globalThis as unknown as Partial<EventTarget> & { navigator?: { onLine?: boolean }; document?: Document };
  // Only browsers know whether they are on line. Elsewhere the global scope is no place for such listeners.
  if (typeof host.navigator?.onLine !== "boolean" || host.addEventListener === undefined) {
    return () => {};
  }
  const woke = () => void (document?.visibilityState === "hidden" || tell.woke());
  const { document } = host;
  const watched: [EventTarget | undefined, string, () => void][] = [
    [host as EventTarget, "online", () => tell.online()],
    [host as EventTarget, "offline", () => tell.offline()],
    [host as EventTarget, "pageshow", woke],
    [document, "visibilitychange", woke],
    [document, "resume", woke],
  ];
  for (const [target, type, listener] of watched) target?.addEventListener(type, listener);
  return () => {
    for (const [target, type, listener] of watched) target?.removeEventListener(type, listener);
  };
}
