export type { BodyContent, BodyInput, BodyPiece, FormFields } from "./client/body.ts";
export {
  HttpBodyError,
  HttpBodyTooLargeError,
  HttpConnectionError,
  HttpError,
  type HttpErrorDetails,
  type HttpPhase,
  HttpProtocolError,
  HttpRedirectError,
  HttpStatusError,
  HttpTimeoutError,
  type SchemaIssue,
} from "./client/errors.ts";
export {
  EventStream,
  type EventStreamOptions,
  type ServerSentEvent,
  serverSentEvents,
} from "./client/event-stream.ts";
export type { HttpEvent, HttpListener } from "./client/events.ts";
export { fetch } from "./client/fetch.ts";
export type { HeadersInput } from "./client/headers.ts";
export { HttpClient } from "./client/http-client.ts";
export type {
  HttpClientOptions,
  HttpLimits,
  HttpRetry,
  HttpTimeouts,
  Milliseconds,
  QueryValue,
  RequestOptions,
} from "./client/options.ts";
export { HttpResponse, type ReadBodyOptions } from "./client/response.ts";
export type { StandardResult, StandardSchema } from "./client/schema.ts";
export type { TlsSettings } from "./client/transport.ts";
export {
  openWebSocket,
  WebSocketClosedError,
  WebSocketConnection,
  type WebSocketOptions,
} from "./client/web-socket.ts";
