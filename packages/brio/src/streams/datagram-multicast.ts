import type { Socket } from "node:dgram";
import { isIP } from "node:net";
import { inspect } from "node:util";

/** Of which group a socket becomes a member, and how. */
export interface MulticastMembership {
  /**
   * Where: the address of one of the machine's interfaces; with IPv6, its zone: `::%eth0`. Default: the system's choice.
   */
  interface?: string | undefined;
  /** Only what this sender sends to the group. Default: what anybody sends. */
  source?: string | undefined;
}

/**
 * The multicast of a UDP socket: `socket.multicast`. To get what is sent to a group, bind the socket to the group's port and
 * join; to send, no membership is needed. Memberships end with the socket.
 *
 * @example
 * ```ts
 * import { run } from "brio";
 * import { openDatagram } from "brio/streams";
 *
 * await run(async () => {
 *   await using socket = await openDatagram({ family: 4, reuseAddress: true });
 *   socket.multicast.join("239.1.2.3", { interface: "127.0.0.1" });
 *   socket.multicast.setInterface("127.0.0.1");
 *   socket.multicast.setTtl(0); // not beyond this machine
 *   await socket.send("hello", { address: "239.1.2.3", port: socket.port });
 *   console.log((await socket.receive()).data.toString()); // hello
 * });
 * ```
 */
export class Multicast {
  private readonly socket: Socket;

  /** @internal */
  constructor(socket: Socket) {
    this.socket = socket;
  }

  /**
   * Becomes a member of a group.
   *
   * @param group its address, such as `"239.1.2.3"` or `"ff02::114"`
   * @throws the system's error, with `code` such as `ENODEV` if no interface has multicast; TypeError if `group` is no
   * address.
   */
  join(group: string, membership: MulticastMembership = {}): void {
    const { interface: at, source } = membership;
    checkAddress(group, "group");
    if (source === undefined) this.socket.addMembership(group, at);
    else this.socket.addSourceSpecificMembership(source, group, at);
  }

  /** Undoes {@link join}, with the same arguments. @throws the system's error, with `code`: `EADDRNOTAVAIL` for no member. */
  leave(group: string, membership: MulticastMembership = {}): void {
    const { interface: at, source } = membership;
    checkAddress(group, "group");
    if (source === undefined) this.socket.dropMembership(group, at);
    else this.socket.dropSourceSpecificMembership(source, group, at);
  }

  /** How many networks further what is sent may go: 0 (this machine alone) to 255. The system's default: 1. */
  setTtl(hops: number): void {
    if (!Number.isInteger(hops) || hops < 0 || hops > 255)
      throw new RangeError(`hops must be a whole number from 0 to 255; got ${inspect(hops)}`);
    this.socket.setMulticastTTL(hops);
  }

  /** Does what is sent also come to this machine's own members? The system's default: yes. */
  setLoopback(enabled: boolean): void {
    this.socket.setMulticastLoopback(enabled);
  }

  /** Through which interface to send: its address; with IPv6, its zone: `::%eth0`. */
  setInterface(address: string): void {
    checkAddress(address, "address");
    this.socket.setMulticastInterface(address);
  }
}

function checkAddress(address: string, argument: string): void {
  if (typeof address === "string" && isIP(address) !== 0) return;
  throw new TypeError(`${argument} must be an IP address, such as "239.1.2.3"; got ${inspect(address)}`);
}
