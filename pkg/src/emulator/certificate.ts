// Generates the certificate of an emulator that serves https: a root certificate to trust, and a certificate of the
// server that the root has signed. Some TLS stacks refuse a server certificate that is its own root.

import { createHash, generateKeyPairSync, type KeyObject, randomBytes, sign } from "node:crypto";
import { isIP, isIPv4 } from "node:net";
import {
  BitString,
  Boolean,
  Constructed,
  fromBER,
  Integer,
  ObjectIdentifier,
  OctetString,
  Primitive,
  Sequence,
  Set,
  UTCTime,
  Utf8String,
} from "./asn1.js";

/**
 * Certificates and keys as PEM.
 *
 * @internal
 */
export interface GeneratedCertificate {
  /** The certificate that clients must trust. Its private key no longer exists. */
  root: string;
  /** The certificate of the server, followed by the root. */
  cert: string;
  /** The private key of the server. */
  key: string;
}

type Block = InstanceType<typeof Sequence>;

const DAY_MS = 24 * 60 * 60 * 1000;

/** Some clients refuse certificates that are valid for longer than 398 days. */
const VALID_DAYS = 397;

const ECDSA_WITH_SHA256 = "1.2.840.10045.4.3.2";
const COMMON_NAME = "2.5.4.3";
const SUBJECT_KEY_IDENTIFIER = "2.5.29.14";
const KEY_USAGE = "2.5.29.15";
const SUBJECT_ALTERNATIVE_NAME = "2.5.29.17";
const BASIC_CONSTRAINTS = "2.5.29.19";
const AUTHORITY_KEY_IDENTIFIER = "2.5.29.35";
const EXTENDED_KEY_USAGE = "2.5.29.37";
const SERVER_AUTHENTICATION = "1.3.6.1.5.5.7.3.1";

const DIGITAL_SIGNATURE = new BitString({ valueHex: Uint8Array.of(0b1000_0000), unusedBits: 7 });
const KEY_CERT_SIGN = new BitString({ valueHex: Uint8Array.of(0b0000_0100), unusedBits: 2 });

/**
 * Generates a certificate for host names and IP addresses. It is valid for 397 days from yesterday on, by the clock of
 * this machine.
 *
 * @internal
 */
export function generateCertificate(hosts: readonly string[]): GeneratedCertificate {
  // Each root needs a name of its own, because clients choose a root by its name.
  const name = `webpubsub-edge emulator ${randomBytes(4).toString("hex")}`;
  const root = newKey();
  const server = newKey();
  const rootCertificate = certificate(root, name, { key: root, name }, [
    extension(BASIC_CONSTRAINTS, sequence(new Boolean({ value: true }), new Integer({ value: 0 })), "critical"),
    extension(KEY_USAGE, KEY_CERT_SIGN, "critical"),
  ]);
  const serverCertificate = certificate(server, "localhost", { key: root, name }, [
    extension(BASIC_CONSTRAINTS, sequence(), "critical"),
    extension(KEY_USAGE, DIGITAL_SIGNATURE, "critical"),
    extension(EXTENDED_KEY_USAGE, sequence(identifier(SERVER_AUTHENTICATION))),
    extension(SUBJECT_ALTERNATIVE_NAME, sequence(...hosts.map(alternativeName))),
    extension(AUTHORITY_KEY_IDENTIFIER, sequence(tagged(0, root.id))),
  ]);
  return {
    root: rootCertificate,
    cert: serverCertificate + rootCertificate,
    key: server.privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
  };
}

interface Key {
  privateKey: KeyObject;
  /** The public key as the structure SubjectPublicKeyInfo. */
  publicKey: Buffer;
  /** Identifies the key in certificates. */
  id: Uint8Array;
}

function newKey(): Key {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const spki = publicKey.export({ type: "spki", format: "der" });
  return { privateKey, publicKey: spki, id: createHash("sha256").update(spki).digest().subarray(0, 20) };
}

/** Issues a certificate (RFC 5280, section 4.1) as PEM. */
function certificate(subject: Key, subjectName: string, issuer: { key: Key; name: string }, extensions: Block[]): string {
  const algorithm = sequence(identifier(ECDSA_WITH_SHA256));
  const now = Date.now();
  const validity = [now - DAY_MS, now + (VALID_DAYS - 1) * DAY_MS].map((time) => new UTCTime({ valueDate: new Date(time) }));
  const all = [...extensions, extension(SUBJECT_KEY_IDENTIFIER, octets(subject.id))];
  const contents = sequence(
    explicit(0, new Integer({ value: 2 })), // version 3
    new Integer({ valueHex: serialNumber() }),
    algorithm,
    distinguishedName(issuer.name),
    sequence(...validity),
    distinguishedName(subjectName),
    fromBER(subject.publicKey).result,
    explicit(3, sequence(...all)),
  );
  const signature = sign("sha256", new Uint8Array(contents.toBER()), issuer.key.privateKey);
  const signed = sequence(contents, algorithm, new BitString({ valueHex: new Uint8Array(signature) }));
  return pem("CERTIFICATE", new Uint8Array(signed.toBER()));
}

/** A positive number of 16 bytes, the first of which is not 0. */
function serialNumber(): Uint8Array {
  const bytes = new Uint8Array(randomBytes(16));
  bytes[0] = (bytes[0]! & 0x7f) | 0x40;
  return bytes;
}

function distinguishedName(commonName: string): Block {
  return sequence(new Set({ value: [sequence(identifier(COMMON_NAME), new Utf8String({ value: commonName }))] }));
}

function extension(id: string, value: Block, critical?: "critical"): Block {
  const flags = critical === undefined ? [] : [new Boolean({ value: true })];
  return sequence(identifier(id), ...flags, octets(value.toBER()));
}

function alternativeName(host: string): Block {
  const DNS_NAME = 2;
  const IP_ADDRESS = 7;
  return isIP(host) === 0 ? tagged(DNS_NAME, new TextEncoder().encode(host)) : tagged(IP_ADDRESS, addressBytes(host));
}

/** The 4 or 16 bytes of an IP address. */
function addressBytes(address: string): Uint8Array {
  if (isIPv4(address)) {
    return Uint8Array.from(address.split("."), Number);
  }
  // The URL parser writes an IPv4 ending as two groups.
  const [head = "", tail] = new URL(`http://[${address}]`).hostname.slice(1, -1).split("::");
  const groupsOf = (text: string) => text.split(":").filter((group) => group !== "").map((group) => Number.parseInt(group, 16));
  const before = groupsOf(head);
  const after = groupsOf(tail ?? "");
  const groups = [...before, ...Array<number>(8 - before.length - after.length).fill(0), ...after];
  return Uint8Array.from(groups.flatMap((group) => [group >> 8, group & 0xff]));
}

function sequence(...value: Block[]): Block {
  return new Sequence({ value });
}

function identifier(value: string): Block {
  return new ObjectIdentifier({ value });
}

function octets(valueHex: Uint8Array | ArrayBuffer): Block {
  return new OctetString({ valueHex });
}

function explicit(tagNumber: number, block: Block): Block {
  return new Constructed({ idBlock: { tagClass: 3, tagNumber }, value: [block] });
}

function tagged(tagNumber: number, valueHex: Uint8Array): Block {
  return new Primitive({ idBlock: { tagClass: 3, tagNumber }, valueHex });
}

function pem(label: string, bytes: Uint8Array): string {
  const lines = Buffer.from(bytes).toString("base64").match(/.{1,64}/g)!;
  return [`-----BEGIN ${label}-----`, ...lines, `-----END ${label}-----`, ""].join("\n");
}
