// What a snippet may use without saying where it comes from. `typescript.mjs` provides the same when it runs one.

/** A client of the hub `chat` with an access key. */
declare const client: import("webpubsub-edge").WebPubSubServiceClient;
/** A connection of the user `ann`, which is in the groups `chat` and `news`. */
declare const connectionId: string;
declare const userId: string;
declare const group: string;
/** Of the request that is served. */
declare const traceparent: string;

/** A WebSocket client of the user `cat`, which is connected and may do everything; another one in each snippet. */
declare const chat: import("webpubsub-edge/client").WebPubSubClient;

/** The variables of a Worker. */
declare const env: Record<
  | "AZURE_WEBPUBSUB_CONNECTION_STRING"
  | "ACCESS_KEY"
  | "SECOND_ACCESS_KEY"
  | "TENANT_ID"
  | "CLIENT_ID"
  | "CLIENT_SECRET",
  string
>;

/** Where a host's own identity comes from. */
declare function getVercelOidcToken(): Promise<string>;

declare module "@azure/identity" {
  export class DefaultAzureCredential implements import("@azure/core-auth").TokenCredential {
    getToken: import("@azure/core-auth").TokenCredential["getToken"];
  }
}

declare module "npm:webpubsub-edge" {
  export * from "webpubsub-edge";
}

declare const Deno: {
  env: { get(name: string): string | undefined };
  serve(handler: (request: Request) => Response | Promise<Response>): void;
};

declare module "cloudflare:workers" {
  export class DurableObject<Env> {
    protected readonly env: Env;
    protected readonly ctx: {
      storage: { put(key: string, value: unknown): Promise<void>; setAlarm(time: number): Promise<void> };
    };
    constructor(ctx: unknown, env: Env);
  }
}
