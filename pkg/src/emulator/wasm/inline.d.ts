/** The emulator's module deflated and in base64, made by build.mjs. */
export const base64: string;
