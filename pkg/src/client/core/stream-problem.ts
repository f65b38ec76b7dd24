// The numbers of the reasons for which a stream ended: the variants of `StreamProblem` in src/client/action.rs, in their order.

export const None = 0;
export const Refused = 1;
export const Lost = 2;
export const ProtocolViolation = 3;
export const TimedOut = 4;
export const Gap = 5;
export const IdleTimeout = 6;
