import type { ChildProcess } from "node:child_process";
import { constants } from "node:os";
import { moveOnAfter } from "../cancel/cancel-scope.ts";
import { ParkingLot } from "../cancel/parking-lot.ts";
import { requireScope, type Scope } from "../cancel/scope.ts";
import { uncancellable } from "../cancel/uncancellable.ts";
import { Wait, type WaitSource } from "../cancel/wait.ts";
import { sleep } from "../compose/sleep.ts";
import type { Loop, Resource } from "../loop/loop.ts";
import { addLastWill } from "../run/last-will.ts";
import type { Pipe } from "./pipe.ts";
import type { ProcessGroup } from "./process-group.ts";

/** This side of the child's pipes, as far as it has any. */
export interface Pipes {
  readonly stdin: Pipe | null;
  readonly stdout: Pipe | null;
  readonly stderr: Pipe | null;
}

/** Milliseconds for which one waits until those who got SIGKILL are gone, though nobody tells. */
const LAST_LOOK = 1000;

/*
 * A child's states
 *
 *   running ── it ends, and is reaped ──> ended, others of its group run on ──> over
 *      │                    └── it was the last of its group ───────────────────^
 *      └── end(): SIGTERM to the group; after the grace SIGKILL ────────────────^
 *
 * Until it is over, the end of the loop or of the program kills the group.
 */
export class Child implements Resource, WaitSource<number> {
  readonly kind = "process.wait";
  readonly outside = true;
  readonly pid: number;
  readonly pipes: Pipes;
  returncode: number | null = null;
  signalCode: NodeJS.Signals | null = null;
  private readonly loop: Loop;
  private readonly handle: ChildProcess;
  private readonly group: ProcessGroup | null;
  private readonly grace: number;
  private readonly lot = new ParkingLot<number>();
  private readonly takeBackWill: () => void;
  private asked = false;

  /**
   * @param handle of a process that was started
   * @param grace milliseconds between SIGTERM and SIGKILL
   */
  constructor(loop: Loop, handle: ChildProcess, pipes: Pipes, group: ProcessGroup | null, grace: number) {
    this.loop = loop;
    this.handle = handle;
    this.pid = handle.pid as number; // it was started
    this.pipes = pipes;
    this.group = group;
    this.grace = grace;
    this.takeBackWill = addLastWill(() => this.signalAll("SIGKILL"));
    loop.resources.add(this);
    handle.once("exit", (code, signal) => this.exited(code, signal));
    handle.on("error", () => {}); // a signal that could not be sent: send() has told
  }

  private exited(code: number | null, signal: NodeJS.Signals | null): void {
    this.returncode = signal === null ? (code as number) : -constants.signals[signal]; // one of both is given
    this.signalCode = signal;
    this.pipes.stdout?.heedPauses();
    this.pipes.stderr?.heedPauses();
    if (!this.group?.alive(false)) {
      this.over();
      this.pipes.stdin?.close(); // nobody is left who could read it
    }
    this.lot.grantAll();
  }

  /** Nothing of it is left to be killed. */
  private over(): void {
    this.takeBackWill();
    this.loop.resources.delete(this);
  }

  // -- waiting for it ------------------------------------------------------------------------------------

  waitExit(scope: Scope): Promise<number> {
    const wait = new Wait<number>(scope, this);
    this.lot.add(wait);
    return wait.begin();
  }

  take(wait: Wait<number>): number {
    this.lot.remove(wait);
    return this.returncode as number; // it is granted when there is one
  }

  withdraw(wait: Wait<number>): undefined {
    this.lot.remove(wait);
  }

  // -- signals -------------------------------------------------------------------------------------------

  /** To the child alone. False if it has ended. */
  send(signal: NodeJS.Signals | number): boolean {
    return this.returncode === null && this.handle.kill(signal);
  }

  /** To the child and all that came of it. False if all of it has ended. */
  signalAll(signal: NodeJS.Signals): boolean {
    return this.group === null ? this.send(signal) : this.group.signal(signal);
  }

  // -- its end -------------------------------------------------------------------------------------------

  /** Ends what is left of it, closes its pipes, and waits until all of that has happened. */
  async end(): Promise<void> {
    await uncancellable(() => this.finish(), { grace: null });
  }

  private async finish(): Promise<void> {
    const { stdin, stdout, stderr } = this.pipes;
    if (this.alive(false)) {
      stdout?.discard();
      stderr?.discard();
      if (!this.asked) {
        this.asked = true;
        this.signalAll("SIGTERM");
        this.signalAll("SIGCONT"); // one that was stopped would not see it
      }
      if (!(await this.goneWithin(this.grace))) {
        this.signalAll("SIGKILL");
        if (this.returncode === null) await this.waitExit(requireScope("process"));
        await this.goneWithin(LAST_LOOK);
      }
      this.over();
    }
    for (const pipe of [stdin, stdout, stderr]) await pipe?.end();
  }

  private async goneWithin(time: number): Promise<boolean> {
    const gone = await moveOnAfter(time, async () => {
      if (this.returncode === null) await this.waitExit(requireScope("process"));
      // Nobody tells when those end who are not our own children.
      for (let pause = 1; this.alive(pause > 8); pause = Math.min(2 * pause, 64)) await sleep(pause);
      return true;
    });
    return gone ?? false;
  }

  private alive(closely: boolean): boolean {
    return this.returncode === null || (this.group?.alive(closely) ?? false);
  }

  /** @internal */
  loopCloses(): void {
    this.signalAll("SIGKILL");
    this.over();
  }

  toString(): string {
    const { returncode, signalCode } = this;
    const state =
      returncode === null ? "running" : signalCode === null ? `returncode ${returncode}` : signalCode;
    return `<Process ${this.pid} ${state}>`;
  }
}
