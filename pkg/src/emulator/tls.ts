import { createPrivateKey, X509Certificate } from "node:crypto";
import { networkInterfaces } from "node:os";
import { typeError } from "../service/errors.js";
import type { EmulatorOptions, EmulatorTlsOptions } from "./options.js";

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
    // Loaded on demand: few emulators need the library that writes certificates.
    const { generateCertificate } = await import("./certificate.js");
    return generateCertificate(hostsOf(options));
  }
  checkPair(tls);
  return tls;
}

/** Checks a certificate and its key. The messages of cryptographic libraries are dropped: they may quote their input. */
function checkPair({ cert, key }: EmulatorTlsOptions): void {
  const certificate = read("cert must be a certificate as PEM.", () => new X509Certificate(cert));
  const privateKey = read("key must be a private key as PEM, without a passphrase.", () => createPrivateKey(key));
  if (!certificate.checkPrivateKey(privateKey)) {
    throw typeError("ERR_ARGUMENT_TYPE", "tls: key is not the private key of the first certificate in cert.");
  }
}

function read<T>(problem: string, parse: () => T): T {
  try {
    return parse();
  } catch {
    throw typeError("ERR_ARGUMENT_TYPE", `tls: ${problem}`);
  }
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
