// What compiles, and what must not: the service client.

import {
  AbortError,
  AzureKeyCredential,
  ClientAssertionCredential,
  ClientSecretCredential,
  isRestError,
  odata,
  RestError,
  roles,
  WebPubSubError,
  WebPubSubServiceClient,
  type ClientAccessToken,
  type GenerateClientTokenOptions,
  type GroupConnection,
  type JSONTypes,
  type OperationOptions,
  type PagedAsyncIterableIterator,
  type PageOf,
  type Permission,
  type TokenCredential,
  type WebPubSubErrorCode,
  type WebPubSubGroup,
  type WebPubSubRole,
  type WebPubSubServiceClientOptions,
} from "webpubsub-edge";
import { same } from "./equal.js";

export function constructors(credential: TokenCredential, options: WebPubSubServiceClientOptions): void {
  const client = new WebPubSubServiceClient("connection string", "hub");
  same<typeof client, WebPubSubServiceClient<JSONTypes>>();
  new WebPubSubServiceClient("connection string", "hub", options);
  new WebPubSubServiceClient("endpoint", new AzureKeyCredential("key"), "hub", options);
  new WebPubSubServiceClient("endpoint", { key: "key" }, "hub");
  new WebPubSubServiceClient("endpoint", credential, "hub", { allowInsecureConnection: true });
  new WebPubSubServiceClient("endpoint", new ClientSecretCredential("tenant", "client", "secret"), "hub");
  new WebPubSubServiceClient("endpoint", new ClientAssertionCredential("tenant", "client", async () => "jwt"), "hub");
  new WebPubSubServiceClient("connection string", "hub", {
    retryOptions: { maxRetries: 1, retryDelayInMs: 2, maxRetryDelayInMs: 3, sends: "always" },
    reverseProxyEndpoint: "https://proxy.example",
    strict: false,
    fetch: async (input, init) => fetch(input, init),
    now: () => 0,
    logger: (line) => same<typeof line, string>(),
  });
  // What the official SDK takes compiles, whether or not it has an effect here.
  new WebPubSubServiceClient("connection string", "hub", { httpClient: {}, userAgentOptions: { userAgentPrefix: "a" } });
  // Undefined is the same as absent, whatever exactOptionalPropertyTypes says.
  new WebPubSubServiceClient("connection string", "hub", { retryOptions: undefined, fetch: undefined, strict: undefined });

  // @ts-expect-error no hub
  new WebPubSubServiceClient("connection string");
  // @ts-expect-error no credential
  new WebPubSubServiceClient("endpoint", {}, "hub");
  // @ts-expect-error a key alone is no credential
  new WebPubSubServiceClient("endpoint", "key", "hub");
  // @ts-expect-error neither of the two
  new WebPubSubServiceClient("connection string", "hub", { retryOptions: { sends: "maybe" } });
  // @ts-expect-error misspelt
  new WebPubSubServiceClient("connection string", "hub", { retryOption: {} });
  // @ts-expect-error no key
  new AzureKeyCredential();
  // @ts-expect-error read only
  client.hubName = "other";
  same<(typeof client)["endpoint" | "hubName" | "apiVersion"], string>();
}

export async function tokens(client: WebPubSubServiceClient): Promise<void> {
  const access = await client.getClientAccessToken({
    userId: "ann",
    roles: ["webpubsub.joinLeaveGroup", "webpubsub.sendToGroup.a.b", roles.sendToGroup("g"), roles.joinLeaveGroups("g.*")],
    groups: ["g"],
    expirationTimeInMinutes: 5,
    expiresAt: new Date(),
    claims: { tier: "gold" },
    jwtHeader: { kid: "1" },
    clientProtocol: "mqtt",
    abortSignal: AbortSignal.timeout(1),
  });
  same<typeof access, ClientAccessToken>();
  same<[typeof access.url, typeof access.expiresOn], [string, Date]>();
  same<ReturnType<typeof client.getClientAccessTokenSync>, ClientAccessToken>();

  // As in the official SDK, the options of a call are among them.
  const official: GenerateClientTokenOptions = { userId: "ann", abortSignal: AbortSignal.timeout(1) };
  await client.getClientAccessToken(official);
  const fromElsewhere: string[] = ["webpubsub.sendToGroup"];
  await client.getClientAccessToken({ roles: fromElsewhere as WebPubSubRole[] });

  // @ts-expect-error plain strings need an assertion
  await client.getClientAccessToken({ roles: fromElsewhere });
  // @ts-expect-error misspelt
  await client.getClientAccessToken({ roles: ["webpubsub.sendToGrup.g"] });
  // @ts-expect-error a pattern is needed
  await client.getClientAccessToken({ roles: ["webpubsub.sendToGroups"] });
  // @ts-expect-error misspelt
  await client.getClientAccessToken({ userID: "ann" });
  // @ts-expect-error unknown protocol
  await client.getClientAccessToken({ clientProtocol: "ws" });
  // @ts-expect-error a list
  await client.getClientAccessToken({ roles: "role" });
  // @ts-expect-error a pattern is needed
  roles.sendToGroups();
  // @ts-expect-error misspelt
  roles.sendToGrup("g");
}

export async function sends(client: WebPubSubServiceClient, group: WebPubSubGroup): Promise<void> {
  interface Message {
    text: string;
  }
  const message: Message = { text: "an interface is JSON too" };
  for (const json of [message, "text", 1, true, null, [1, "2"]]) await client.sendToAll(json);
  await client.sendToAll(new Uint8Array([1]));
  await client.sendToAll(new ArrayBuffer(1));
  await client.sendToAll(new DataView(new ArrayBuffer(1)));
  await client.sendToAll(new Blob(["b"]));
  await client.sendToAll(new ReadableStream<Uint8Array>());
  await client.sendToAll("text", { contentType: "text/plain", filter: odata`userId eq ${"a"}`, excludedConnections: ["c"], messageTtlSeconds: 1 });
  await client.sendToUser("u", "text", { contentType: "text/plain", filter: "" });
  await client.sendToConnection("c", "text", { contentType: "text/plain", messageTtlSeconds: undefined });
  await group.sendToAll("text", { contentType: "text/plain", excludedConnections: undefined });
  const nothing = await client.sendToAll(1, {
    abortSignal: AbortSignal.timeout(1),
    requestOptions: { timeout: 1, totalTimeout: 2, customHeaders: { traceparent: "00" } },
    onResponse: ({ status, headers, bodyAsText, requestId }) => {
      same<[typeof status, typeof bodyAsText, typeof requestId], [number, string, string]>();
      same<ReturnType<typeof headers.get>, string | null>();
    },
  });
  same<typeof nothing, void>();

  // @ts-expect-error nothing to send
  await client.sendToAll();
  // @ts-expect-error JSON cannot hold it
  await client.sendToAll(undefined);
  // @ts-expect-error JSON cannot hold it
  await client.sendToAll(Symbol("s"));
  // @ts-expect-error JSON cannot hold it
  await client.sendToAll(1n);
  // @ts-expect-error only a string is text
  await client.sendToAll(5, { contentType: "text/plain" });
  // @ts-expect-error there is no other content type
  await client.sendToAll("<p>", { contentType: "text/html" });
  // @ts-expect-error one connection needs no filter
  await client.sendToConnection("c", 1, { filter: "" });
  // @ts-expect-error one user cannot leave connections out
  await client.sendToUser("u", 1, { excludedConnections: ["c"] });
  // @ts-expect-error a list
  await client.sendToAll(1, { excludedConnections: "c" });
}

export async function management(client: WebPubSubServiceClient, options: OperationOptions): Promise<void> {
  const group = client.group("g");
  same<typeof group, WebPubSubGroup<JSONTypes>>();
  const permission: Permission = "sendToGroup";
  same<
    Awaited<ReturnType<typeof client.connectionExists | typeof client.groupExists | typeof client.userExists | typeof client.hasPermission>>,
    boolean
  >();
  await client.hasPermission("c", permission, { targetName: "g" });
  await client.grantPermission("c", "joinLeaveGroup", { targetName: undefined });
  await client.revokePermission("c", permission, { targetName: "g", ...options });
  await client.closeConnection("c", { reason: "r" });
  await client.closeAllConnections({ reason: "r", excluded: ["c"] });
  await client.closeUserConnections("u", { excluded: ["c"] });
  await client.addConnectionsToGroups(["g"], odata`userId eq ${null}`, options);
  await client.removeConnectionsFromGroups(["g"], "", options);
  await client.removeUserFromAllGroups("u", { reason: "r", tracingOptions: {}, ...options });
  await client.removeConnectionFromAllGroups("c", options);
  await client.getServiceStatus(options);
  await group.addConnection("c", options);
  await group.removeUser("u", options);

  // @ts-expect-error unknown permission
  await client.grantPermission("c", "read");
  // @ts-expect-error a filter must be said, even when it is empty
  await client.addConnectionsToGroups(["g"]);
  // @ts-expect-error one connection leaves none out
  await client.closeConnection("c", { excluded: ["c"] });
}

export async function listing(group: WebPubSubGroup): Promise<void> {
  for await (const entry of group.listConnections({ maxPageSize: 1, top: 2, continuationToken: "t" })) {
    same<typeof entry, GroupConnection>();
    same<typeof entry.userId, string | undefined>();
  }
  const awaited = await group.listConnections();
  same<typeof awaited, PagedAsyncIterableIterator<GroupConnection>>();
  for await (const page of awaited.byPage({ maxPageSize: 1, continuationToken: undefined })) {
    same<typeof page, PageOf<GroupConnection>>();
    same<typeof page.continuationToken, string | undefined>();
    same<typeof page.length, number>();
  }
}

export function errors(error: unknown): void {
  if (error instanceof RestError) {
    same<typeof error.name, "RestError">();
    same<typeof error.statusCode, number>();
    same<typeof error.requestId, string>();
    same<typeof error.details, Readonly<Record<string, unknown>>>();
    const base: WebPubSubError = error;
    base.code satisfies string | undefined;
  }
  if (isRestError(error)) {
    same<typeof error, RestError>();
  }
  if (error instanceof AbortError) {
    error.cause satisfies unknown;
  }
  const code: WebPubSubErrorCode = "ERR_GROUP";
  code satisfies WebPubSubError["code"];
  // @ts-expect-error no such code
  const misspelt: WebPubSubErrorCode = "ERR_GRUP";
  void misspelt;
}
