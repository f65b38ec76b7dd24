// The numbers of the outcomes of a message: the variants of `Outcome` in src/client/action.rs, in their order.

export const Done = 0;
export const Duplicate = 1;
export const Refused = 2;
export const NotConnected = 3;
export const Lost = 4;
export const TimedOut = 5;
export const Aborted = 6;
export const Stopped = 7;
