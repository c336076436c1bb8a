import type { AddressInfo, Socket } from "node:net";
import type { CipherNameAndProtocol, PeerCertificate, TLSSocket } from "node:tls";

/** What can be asked of a connection. */
export interface ExtraInfo {
  /** The other side's address. Of a Unix socket: undefined. */
  readonly peername: AddressInfo;
  /** This side's address. */
  readonly sockname: AddressInfo;
  /** Node's own socket, for what brio does not cover. It should be neither read nor written. */
  readonly socket: Socket;
  /** TLS only: what it is encrypted with. */
  readonly cipher: CipherNameAndProtocol;
  /** TLS only: the other side's certificate. */
  readonly peercert: PeerCertificate;
  /** TLS only: the protocol that both sides agreed on (ALPN). */
  readonly alpnProtocol: string;
}

const readers: { readonly [N in keyof ExtraInfo]: (socket: Socket) => ExtraInfo[N] | undefined } = {
  peername: ({ remoteAddress, remotePort, remoteFamily }) => address(remoteAddress, remotePort, remoteFamily),
  sockname: ({ localAddress, localPort, localFamily }) => address(localAddress, localPort, localFamily),
  socket: (socket) => socket,
  cipher: (socket) => secured(socket)?.getCipher() ?? undefined, // null once it is gone
  peercert: (socket) => {
    const certificate = secured(socket)?.getPeerCertificate() ?? undefined; // null once it is gone
    return certificate === undefined || Object.keys(certificate).length === 0 ? undefined : certificate;
  },
  alpnProtocol: (socket) => secured(socket)?.alpnProtocol || undefined,
};

export function extraInfo<N extends keyof ExtraInfo>(socket: Socket, name: N): ExtraInfo[N] | undefined {
  const read = Object.hasOwn(readers, name) ? readers[name] : undefined;
  if (read === undefined) {
    throw new RangeError(`there is no extra info "${name}"; there are ${Object.keys(readers).join(", ")}`);
  }
  return read(socket);
}

function address(
  host: string | undefined,
  port: number | undefined,
  family: string | undefined,
): AddressInfo | undefined {
  return host === undefined || port === undefined ? undefined : { address: host, port, family: family ?? "" };
}

function secured(socket: Socket): TLSSocket | undefined {
  return "encrypted" in socket ? (socket as TLSSocket) : undefined; // only TLS sockets have that property
}
