import { ParkingLot } from "../cancel/parking-lot.ts";
import type { Scope } from "../cancel/scope.ts";
import { FAILED, PlainSource, Wait, type WaitSource } from "../cancel/wait.ts";
import type { DatagramTarget } from "./datagram-address.ts";
import { SocketClosedError } from "./datagram-inbox.ts";
import type { DatagramTransport } from "./datagram-transport.ts";

/** A datagram on its way: the wait for what the system says of it. */
class Sending implements WaitSource<void> {
  readonly kind = "socket.send";
  /** What is granted is that the datagram has gone: that can't be taken back. */
  readonly final = true;
  readonly data: Uint8Array;
  readonly target: DatagramTarget | null;
  private readonly outbox: Outbox;
  private outcome: { readonly error: Error | null } | null = null;
  private waiting: Wait<void> | null = null;

  constructor(data: Uint8Array, target: DatagramTarget | null, outbox: Outbox) {
    this.data = data;
    this.target = target;
    this.outbox = outbox;
  }

  done(error: Error | null): void {
    if (this.outcome !== null) return;
    this.outcome = { error };
    this.waiting?.grant();
  }

  wait(scope: Scope): Promise<void> {
    const wait = new Wait<void>(scope, this);
    this.waiting = wait;
    if (this.outcome !== null) wait.grant();
    return wait.begin();
  }

  take(wait: Wait<void>): undefined | typeof FAILED {
    const error = this.outcome?.error ?? null;
    if (error === null) return undefined;
    wait.value = error;
    return FAILED;
  }

  withdraw(): undefined {}

  get outside(): boolean {
    return true;
  }

  toString(): string {
    return String(this.outbox);
  }
}

/**
 * What is to be sent. While the transport has too much, senders stand in line; each hands over its datagram when its turn
 * has come (in `take`), so that the order is that of the calls, and one that is cancelled before has sent nothing.
 */
export class Outbox implements WaitSource<void> {
  readonly kind = "socket.send";
  readonly outside = true;
  sent = 0;
  private readonly lot = new ParkingLot<void>();
  private readonly flying = new Set<Sending>();
  private readonly transport: () => DatagramTransport;
  private full = false;
  private ended = false;

  constructor(transport: () => DatagramTransport) {
    this.transport = transport;
  }

  /** How many stand in line, or wait for what the system says. */
  get length(): number {
    return this.lot.length + this.flying.size;
  }

  pause(): void {
    this.full = true;
  }

  resume(): void {
    this.full = false;
    this.lot.grantNext();
  }

  /** Nothing more can be sent: who stands in line is told. */
  end(): void {
    this.ended = true;
    this.lot.grantAll();
  }

  /** What was under way when the socket was gone has not been sent. */
  lose(): void {
    for (const sending of this.flying) sending.done(this.closedError());
    this.flying.clear();
  }

  send(scope: Scope, data: Uint8Array, target: DatagramTarget | null): Promise<void> {
    if (this.ended) return Promise.reject(this.closedError());
    // In a scope that is cancelled already, nothing is sent.
    if (scope.blocked) return new Wait<void>(scope, NOT_SENT).begin();
    const sending = new Sending(data, target, this);
    if (this.full || this.lot.length > 0) return this.sendLater(scope, sending);
    this.post(sending);
    return sending.wait(scope);
  }

  private async sendLater(scope: Scope, sending: Sending): Promise<void> {
    const wait = new Wait<void>(scope, this);
    wait.value = sending;
    this.lot.add(wait);
    await wait.begin();
    await sending.wait(scope);
  }

  private post(sending: Sending): void {
    this.flying.add(sending);
    this.transport().post(sending.data, sending.target, (error) => {
      this.flying.delete(sending);
      if (error === null) this.sent++;
      sending.done(error);
    });
  }

  take(wait: Wait<void>): undefined | typeof FAILED {
    this.lot.remove(wait);
    if (this.ended) {
      wait.value = this.closedError();
      return FAILED;
    }
    this.post(wait.value as Sending); // as sendLater left it
    if (!this.full) this.lot.grantNext();
    return undefined;
  }

  withdraw(wait: Wait<void>, granted: boolean): undefined {
    this.lot.remove(wait);
    if (granted && !this.full) this.lot.grantNext();
  }

  private closedError(): SocketClosedError {
    return new SocketClosedError(`${this} is closed: nothing more can be sent`);
  }

  toString(): string {
    return String(this.transport());
  }
}

const NOT_SENT = new PlainSource<void>("a UDP socket", "socket.send");
