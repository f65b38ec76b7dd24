// The numbers of the meanings of a `streamClosed`: the variants of `StreamClosing` in src/client/input.rs, in their order.

export const Ended = 0;
export const NotFound = 1;
export const Failed = 2;
