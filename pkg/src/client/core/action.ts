// The numbers of a session's actions: the variants of `Action` in src/client/action.rs, in their order.

export const Open = 0;
export const Close = 1;
export const Ping = 2;
export const SequenceAck = 3;
export const Send = 4;
export const Post = 5;
export const Rejoin = 6;
export const Cancel = 7;
export const Settle = 8;
export const RejoinFailed = 9;
export const Connected = 10;
export const Recovering = 11;
export const Recovered = 12;
export const Disconnected = 13;
export const Stopped = 14;
export const StreamStart = 15;
export const StreamOpened = 16;
export const StreamData = 17;
export const StreamTrim = 18;
export const StreamEnd = 19;
export const StreamClosed = 20;
export const ReadEnded = 21;
export const ForgetGroup = 22;
