/**
 * The protobuf protocols of the WebSocket client.
 *
 * @module
 */
export { WebPubSubProtobufProtocol, WebPubSubProtobufReliableProtocol } from "../client/protobuf.js";
