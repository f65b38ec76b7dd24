// The numbers of the outcomes of an ack: the variants of `AckOutcome` in src/client/input.rs, in their order.

export const Success = 0;
export const Duplicate = 1;
export const Transient = 2;
export const Refused = 3;
