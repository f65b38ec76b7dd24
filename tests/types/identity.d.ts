// The part of @azure/identity that the samples use. It is the real type that counts, and that is of @azure/core-auth.
declare module "@azure/identity" {
  import type { AccessToken, GetTokenOptions, TokenCredential } from "@azure/core-auth";

  export class DefaultAzureCredential implements TokenCredential {
    getToken(scopes: string | string[], options?: GetTokenOptions): Promise<AccessToken>;
  }
}
