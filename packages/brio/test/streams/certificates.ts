import { readFileSync } from "node:fs";
import type { ServerTlsOptions } from "brio/streams";

const pem = (file: string): Buffer => readFileSync(new URL(`certificates/${file}`, import.meta.url));

/** The authority that vouches for the server and the client. */
export const ca: Buffer = pem("ca.crt");

/** What a server proves itself with, as server.test and localhost. */
export const SERVER: ServerTlsOptions = { key: pem("server.key"), cert: pem("server.crt") };

/** A client that trusts the authority. */
export const CLIENT: { ca: Buffer; servername: string } = { ca, servername: "localhost" };

/** What a client proves itself with, as client.test. */
export const CLIENT_IDENTITY: { key: Buffer; cert: Buffer } = {
  key: pem("client.key"),
  cert: pem("client.crt"),
};
