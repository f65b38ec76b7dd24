// The parts of `asn1js` that certificate.ts uses. build.mjs bundles the library into asn1.js.

declare class Block {
  toBER(): ArrayBuffer;
}

/** A tag of the class "context-specific". */
interface Tag {
  tagClass: 3;
  tagNumber: number;
}

export class BitString extends Block {
  constructor(parameters: { valueHex: Uint8Array; unusedBits?: number });
}
export class Boolean extends Block {
  constructor(parameters: { value: boolean });
}
export class Constructed extends Block {
  constructor(parameters: { idBlock: Tag; value: Block[] });
}
export class Integer extends Block {
  constructor(parameters: { value: number } | { valueHex: Uint8Array });
}
export class ObjectIdentifier extends Block {
  constructor(parameters: { value: string });
}
export class OctetString extends Block {
  constructor(parameters: { valueHex: Uint8Array | ArrayBuffer });
}
export class Primitive extends Block {
  constructor(parameters: { idBlock: Tag; valueHex: Uint8Array });
}
export class Sequence extends Block {
  constructor(parameters: { value: Block[] });
}
export class Set extends Block {
  constructor(parameters: { value: Block[] });
}
export class UTCTime extends Block {
  constructor(parameters: { valueDate: Date });
}
export class Utf8String extends Block {
  constructor(parameters: { value: string });
}

/** Parses one value. */
export function fromBER(bytes: Uint8Array): { result: Block };
