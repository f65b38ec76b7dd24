import { ClientSecretCredential } from "webpubsub-edge";

globalThis.credential = ClientSecretCredential;
