// Ports for servers that take a number, and so cannot ask the system for a free one when they start.

import { createServer } from "node:net";

/**
 * A port of 127.0.0.1 on which nothing listens. It lies below those that the system gives to outgoing connections and
 * to servers that ask for any, and is drawn by chance, so that nobody takes it before the server that it is for.
 */
export async function freePort() {
  for (;;) {
    const port = 11_000 + Math.floor(Math.random() * 21_000);
    if (await isFree(port)) {
      return port;
    }
  }
}

function isFree(port) {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
  });
}
