import { networkInterfaces } from "node:os";
import { createSecureContext } from "node:tls";
import { typeError } from "../service/errors.js";
import type { EmulatorOptions } from "./options.js";

/**
 * What a server needs for TLS, as PEM.
 *
 * @internal
 */
export interface Tls {
  cert: string;
  key: string;
  /** The root of a generated certificate. */
  root?: string;
}

/**
 * The certificate and the key for the options of `startEmulator`; `undefined` without TLS.
 *
 * @throws `TypeError` if the certificate or the key cannot be used.
 * @internal
 */
export async function tlsOf(options: EmulatorOptions): Promise<Tls | undefined> {
  const { tls } = options;
  if (tls === undefined || tls === false) {
    return undefined;
  }
  if (tls === true) {
    // It is large, and few need it.
    const { generateCertificate } = await import("./certificate.js");
    return generateCertificate(hostsOf(options));
  }
  try {
    createSecureContext(tls);
  } catch (error) {
    // Only the code: the message of a cryptographic library may quote its input.
    const { code } = error as NodeJS.ErrnoException;
    throw typeError("ERR_ARGUMENT_TYPE", `tls: the certificate and its private key cannot be used (${code ?? "no PEM"}).`);
  }
  return tls;
}

/** The names and addresses that the certificate is for. */
function hostsOf({ host, publicUrl }: EmulatorOptions): string[] {
  const hosts = ["localhost", "127.0.0.1", "::1"];
  if (host === "0.0.0.0" || host === "::") {
    hosts.push(...addressesOfThisMachine());
  } else if (host !== undefined) {
    hosts.push(host);
  }
  if (publicUrl !== undefined) {
    hosts.push(new URL(publicUrl).hostname.replace(/^\[|\]$/g, ""));
  }
  return [...new Set(hosts)];
}

function addressesOfThisMachine(): string[] {
  try {
    return Object.values(networkInterfaces()).flatMap((addresses) => (addresses ?? []).map(({ address }) => address));
  } catch {
    // Deno without `--allow-sys`.
    return [];
  }
}
