/** The emulator's module in base64, made by build.mjs. */
export const base64: string;
