import { immediate } from "../cancel/immediate.ts";
import { ParkingLot } from "../cancel/parking-lot.ts";
import type { Scope } from "../cancel/scope.ts";
import { FAILED, Wait, type WaitSource } from "../cancel/wait.ts";
import type { SocketAddress } from "./dns.ts";

/** What was received, and from whom. */
export interface Datagram {
  readonly data: Buffer;
  /** Where it came from: an answer goes to it. */
  readonly address: SocketAddress;
}

/**
 * The socket is closed: nothing more comes from it, and nothing can be sent.
 *
 * @example
 * ```ts
 * import { createTask, run, sleep } from "brio";
 * import { openDatagram, SocketClosedError } from "brio/streams";
 *
 * await run(async () => {
 *   const socket = await openDatagram({ localAddress: "127.0.0.1" });
 *   const waiting = createTask(() => socket.receive());
 *   await sleep("1ms");
 *   socket.close();
 *   await waiting.catch((error) => console.log(error instanceof SocketClosedError)); // true
 * });
 * ```
 */
export class SocketClosedError extends Error {
  override name = "SocketClosedError";
}

type Item = Datagram | Error;

/**
 * What has come and was not received yet: a bounded line of datagrams and errors.
 *
 * Each item is meant for one receiver; no more receivers are granted than there are items (`granted`), and one that is
 * cancelled hands its grant on. After the end, everybody is granted, and who finds no item is told that it is over.
 */
export class Inbox implements WaitSource<Datagram> {
  readonly kind = "socket.receive";
  readonly outside = true;
  private readonly name: () => string;
  private readonly capacity: number;
  private readonly lot = new ParkingLot<Datagram>();
  private readonly items: Item[] = [];
  private granted = 0;
  private ended = false;
  received = 0;
  dropped = 0;

  constructor(capacity: number, name: () => string) {
    this.capacity = capacity;
    this.name = name;
  }

  get length(): number {
    return this.items.length;
  }

  get waiting(): number {
    return this.lot.length;
  }

  put(datagram: Datagram): void {
    if (this.items.length >= this.capacity) {
      this.dropped++;
      return;
    }
    this.received++;
    this.items.push(datagram);
    this.balance();
  }

  /** An error is for one receiver as well. Several of a kind in a row are one. */
  fail(error: Error): void {
    const last = this.items.at(-1);
    if (last instanceof Error && codeOf(last) === codeOf(error)) return;
    this.items.push(error);
    this.balance();
  }

  end(): void {
    this.ended = true;
    this.lot.grantAll();
  }

  receive(scope: Scope): Promise<Datagram> {
    if (this.lot.length === 0 && (this.ended || this.items.length > 0)) {
      const item = this.next();
      return item instanceof Error ? Promise.reject(item) : immediate(scope, item);
    }
    const wait = new Wait<Datagram>(scope, this);
    this.lot.add(wait);
    if (this.ended) wait.grant();
    else this.balance();
    return wait.begin();
  }

  private next(): Item {
    return (
      this.items.shift() ??
      new SocketClosedError(`${this.name()} is closed: nothing more can be received from it`)
    );
  }

  private balance(): void {
    while (this.granted < this.items.length && this.lot.grantNext()) this.granted++;
  }

  take(wait: Wait<Datagram>): Datagram | typeof FAILED {
    this.lot.remove(wait);
    this.granted--;
    const item = this.next();
    if (!(item instanceof Error)) return item;
    wait.value = item;
    return FAILED;
  }

  withdraw(wait: Wait<Datagram>, granted: boolean): undefined {
    this.lot.remove(wait);
    if (!granted) return;
    this.granted--;
    this.balance();
  }

  toString(): string {
    return this.name();
  }
}

function codeOf(error: Error): unknown {
  return (error as NodeJS.ErrnoException).code ?? error.message;
}
