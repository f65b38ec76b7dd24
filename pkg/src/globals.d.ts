// The host's globals that stand in public declarations: each is that of the DOM, Node, Deno, Bun or Workers, as the
// project has it that compiles against them. Where it has none, so that its compiler would refuse the declarations, the
// part of it that is used stands in its place.

/** `Theirs`, or `Ours` where there is no such name: TypeScript takes that for `any`, and only `any` is this object. */
type Or<Theirs, Ours> = [Theirs] extends [{ noHostHasThis: true }] ? Ours : Theirs;

// @ts-ignore
type HostAbortSignal = AbortSignal;
type Signal = Or<HostAbortSignal, OwnSignal>;

interface OwnSignal {
  readonly aborted: boolean;
  readonly reason: unknown;
  addEventListener(type: "abort", listener: () => void, options?: { once?: boolean }): void;
  removeEventListener(type: "abort", listener: () => void): void;
}

// @ts-ignore
type HostBlob = Blob;
type Bytes = Or<HostBlob, OwnBlob>;

interface OwnBlob {
  readonly size: number;
  readonly type: string;
  arrayBuffer(): Promise<ArrayBuffer>;
}

// @ts-ignore
type HostByteStream = ReadableStream<Uint8Array>;
type ByteStream = Or<HostByteStream, OwnByteStream>;

interface OwnByteStream {
  readonly locked: boolean;
  getReader(): {
    read(): Promise<{ done: false; value: Uint8Array } | { done: true; value?: undefined }>;
    cancel(reason?: unknown): Promise<void>;
  };
}

// @ts-ignore
type HostHeaders = Headers;
type ResponseHeaders = Or<HostHeaders, OwnHeaders>;

interface OwnHeaders {
  get(name: string): string | null;
}

// @ts-ignore
type HostResponse = Response;
type FetchResponse = Or<HostResponse, OwnResponse>;

interface OwnResponse {
  readonly status: number;
  readonly headers: OwnHeaders;
  text(): Promise<string>;
  json(): Promise<unknown>;
}

// @ts-ignore
type HostFetch = typeof fetch;
type FetchFunction = Or<HostFetch, OwnFetch>;

type OwnFetch = (
  url: string,
  init: {
    method: string;
    headers: Record<string, string>;
    redirect: "manual";
    body?: string | Uint8Array;
    signal?: Signal;
  },
) => Promise<OwnResponse>;

/** What can be called like the global `fetch`, without the properties that Bun's has. */
type Fetch = (...args: Parameters<FetchFunction>) => ReturnType<FetchFunction>;

// @ts-ignore
type HostModule = WebAssembly.Module;
type WebAssemblyModule = Or<HostModule, object>;

// @ts-ignore
type HostMemory = WebAssembly.Memory;
type WebAssemblyMemory = Or<HostMemory, { readonly buffer: ArrayBuffer }>;

// @ts-ignore
type HostBufferSource = BufferSource;
type ModuleBytes = Or<HostBufferSource, ArrayBuffer | ArrayBufferView>;

export type {
  ByteStream,
  Bytes as Blob,
  ModuleBytes as BufferSource,
  Fetch,
  FetchResponse as Response,
  ResponseHeaders as Headers,
  Signal as AbortSignal,
  WebAssemblyMemory,
  WebAssemblyModule,
};
