// A WebSocket of the test's own: nothing happens to it but what the test does. Sockets are kept in the order they are made.

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
