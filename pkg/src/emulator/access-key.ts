/** The access key that the official emulator publishes. Everybody knows it: it protects nothing. */
export const EMULATOR_ACCESS_KEY = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789ABCDEFGH";
