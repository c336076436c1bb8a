export type { ConnectOptions, TlsOptions } from "./connect.ts";
export {
  createConnection,
  createServer,
  createUnixConnection,
  createUnixServer,
} from "./create-connection.ts";
export {
  DatagramSocket,
  type DatagramStatistics,
  type OpenDatagramOptions,
  openDatagram,
} from "./datagram.ts";
export type { DatagramOptions, DatagramTarget } from "./datagram-address.ts";
export { type Datagram, SocketClosedError } from "./datagram-inbox.ts";
export { Multicast, type MulticastMembership } from "./datagram-multicast.ts";
export {
  createDatagramEndpoint,
  type DatagramInfo,
  type DatagramProtocol,
  DatagramTransport,
} from "./datagram-transport.ts";
export { type AddressOptions, getaddrinfo, getnameinfo, type SocketAddress } from "./dns.ts";
export { ConnectionResetError, IncompleteReadError, LimitOverrunError } from "./errors.ts";
export type { ExtraInfo } from "./extra-info.ts";
export { type OpenConnectionOptions, openConnection, openUnixConnection } from "./open-connection.ts";
export type { Protocol } from "./protocol.ts";
export { type ServeOptions, serve } from "./serve.ts";
export { Server } from "./server.ts";
export type { ServerOptions, ServerStatistics, ServerTlsOptions } from "./server-options.ts";
export { Service, type ServicePhase } from "./service.ts";
export type { ServiceServer } from "./service-server.ts";
export {
  type ConnectionHandler,
  type StreamServerOptions,
  startServer,
  startUnixServer,
} from "./start-server.ts";
export { type ReadFlow, type Separator, StreamReader, type StreamReaderOptions } from "./stream-reader.ts";
export { StreamWriter } from "./stream-writer.ts";
export { Transport } from "./transport.ts";
export type { WriteLimits } from "./water-marks.ts";
