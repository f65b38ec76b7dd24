// A client on a WebSocket of the test's own: nothing happens to it but what the test does. Sockets are kept in the order they are made.

import { WebPubSubClient } from "../../pkg/dist/entrypoints/client.js";

export const ADDRESS = "wss://example.com/client/hubs/test";

/** Gives the constructor for the option `WebSocket`, and the sockets that it made. */
export function fakeSockets({ send = () => {} } = {}) {
  const sockets = [];
  class FakeWebSocket {
    readyState = 0;
    binaryType = "blob";
    sent = [];
    closed = undefined;
    constructor(url, protocol) {
      Object.assign(this, { url, protocol, onopen: null, onmessage: null, onerror: null, onclose: null });
      sockets.push(this);
    }
    send(data) {
      send(data);
      this.sent.push(typeof data === "string" ? JSON.parse(data) : data);
    }
    close(code) {
      this.readyState = 2;
      this.closed = { code };
    }
    /** Opens, and greets when there is something to say. */
    open(connected) {
      this.readyState = 1;
      this.onopen?.({});
      if (connected) this.greet(connected);
    }
    greet(connected) {
      this.receive({ type: "system", event: "connected", ...connected });
    }
    receive(frame) {
      this.onmessage?.({ data: typeof frame === "string" || frame instanceof ArrayBuffer ? frame : JSON.stringify(frame) });
    }
    drop(code = 1006, reason = "") {
      this.readyState = 3;
      this.onclose?.({ code, reason });
    }
    /** The frames of a type that were sent. */
    of(type) {
      return this.sent.filter((frame) => frame.type === type);
    }
  }
  return { WebSocket: FakeWebSocket, sockets };
}

/** What a greeting of a reliable connection says. */
export const GREETING = { connectionId: "conn", userId: "ann", reconnectionToken: "token" };

/** Lets everything that is ready run. */
export async function settled() {
  for (let turn = 0; turn < 20; turn++) await Promise.resolve();
}

/** Everything that a client tells, in order. */
export function eventsOf(client) {
  const events = [];
  for (const name of ["connected", "disconnected", "stopped", "recovering", "recovered", "rejoin-group-failed", "error"]) {
    client.on(name, (args) => events.push([name, args]));
  }
  return events;
}

/** A started client with its first socket, which is open, and greeted when there is a greeting. */
export async function start(t, { send, ...options } = {}, greeting = GREETING, credential = ADDRESS) {
  const fake = fakeSockets({ send });
  const client = new WebPubSubClient(credential, { ...options, WebSocket: fake.WebSocket });
  t.after(() => {
    for (const socket of fake.sockets) socket.close = () => socket.drop(1000);
    return client.stop();
  });
  const events = eventsOf(client);
  const starting = client.start();
  await until(() => fake.sockets.length > 0);
  fake.sockets[0].open(greeting);
  await starting;
  return { client, events, sockets: fake.sockets, socket: fake.sockets[0] };
}

/** Only for what takes real time, such as loading: nothing is said about how long it takes. */
export async function until(look) {
  for (let tries = 0; !look(); tries++) {
    if (tries > 500_000) throw new Error(`Waited for ${look}`);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/** Lets fake time pass, in steps that let promises settle. */
export async function pass(t, milliseconds) {
  for (let left = milliseconds; left > 0; left -= 10) {
    t.mock.timers.tick(Math.min(10, left));
    await settled();
  }
}

/** Node's clock and timers stand still until `pass`. */
export function fakeTime(t) {
  t.mock.timers.enable({ apis: ["setTimeout", "Date"], now: 1_700_000_000_000 });
}
