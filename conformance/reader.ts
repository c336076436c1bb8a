/** Programs for a StreamReader that is fed by a clock, in the language of README's section 7: runs them. */
import { isDeepStrictEqual } from "node:util";
import { CancelledError, createTask, getRunningLoop, sleep, wait } from "brio";
import { IncompleteReadError, LimitOverrunError, StreamReader } from "brio/streams";
import { runVirtual } from "brio/testing";
import { isRecord } from "./fields.ts";
import { type Line, scenarioOf } from "./files.ts";
import type { Cancellation } from "./interpret.ts";

type Feed =
  | readonly [at: number, kind: "data", text: string]
  | readonly [at: number, kind: "eof"]
  | readonly [at: number, kind: "error", tag: string];

type Call =
  | readonly [op: "read" | "readexactly" | "sleep", n: number]
  | readonly [op: "readline" | "iter"]
  | readonly [op: "readuntil", separator: string | readonly string[]];

export interface ReaderScenario {
  readonly limit: number;
  readonly deadline: number;
  readonly feed: readonly Feed[];
  readonly calls: readonly Call[];
}

export type ReaderTrace = (readonly [time: number, call: string, outcome: unknown])[];

/** Is this line such a program, and not a scenario? */
export function isReaderProgram(line: Line): line is { readonly json: unknown } {
  const scenario = "json" in line ? scenarioOf(line.json) : undefined;
  return isRecord(scenario) && "feed" in scenario;
}

/** Runs a recorded program; says what differs from the record. */
export async function replayReader(json: unknown, cancellation: Cancellation): Promise<string[]> {
  const expected = isRecord(json) && isRecord(json.result) ? json.result.trace : undefined;
  if (!Array.isArray(expected)) return ["error: it has no recorded trace"];
  let trace: unknown[];
  try {
    trace = await interpretReader(readerScenario(scenarioOf(json)), cancellation);
  } catch (error) {
    return [`error: ${error}`];
  }
  return Array.from({ length: Math.max(trace.length, expected.length) }, (_, i) => i)
    .filter((i) => !isDeepStrictEqual(trace[i], expected[i]))
    .slice(0, 3)
    .map(
      (i) => `its event ${i + 1}: expected ${JSON.stringify(expected[i])}, got ${JSON.stringify(trace[i])}`,
    );
}

/** @throws TypeError if this is no scenario. */
export function readerScenario(json: unknown): ReaderScenario {
  if (!isRecord(json) || json.v !== 1 || !Array.isArray(json.feed) || !Array.isArray(json.calls)) {
    throw new TypeError(
      'no scenario for a reader: {"v": 1, "limit", "deadline", "feed": [...], "calls": [...]}',
    );
  }
  return json as unknown as ReaderScenario; // the rest is checked as it is used
}

/** Runs a scenario in virtual time. */
export function interpretReader(scenario: ReaderScenario, cancellation: Cancellation): Promise<ReaderTrace> {
  const { limit, deadline, feed, calls } = scenario;
  const main = async () => {
    const loop = getRunningLoop();
    const reader = new StreamReader({ limit });
    const trace: ReaderTrace = [];
    for (const [at, kind, text = ""] of feed) loop.callAt(at, () => take(reader, kind, text));
    const task = createTask(async () => {
      const lines = reader[Symbol.asyncIterator]();
      for (const call of calls) {
        if (call[0] === "sleep") {
          await sleep(call[1]);
          continue;
        }
        let outcome: unknown;
        try {
          outcome = await perform(reader, lines, call);
        } catch (error) {
          outcome = shown(error);
        }
        trace.push([loop.time(), call[0], outcome]);
        if (isRecord(outcome) && outcome.error === "Cancelled") break;
      }
      trace.push([loop.time(), "at_eof", reader.atEof()]);
    });
    await wait([task], { timeout: deadline });
    if (!task.done()) task.cancel();
    await wait([task]);
    await task;
    return trace;
  };
  return runVirtual(main, { cancellation });
}

class Tagged extends Error {}

function take(reader: StreamReader, kind: Feed[1], text: string): void {
  if (kind === "data") reader.feedData(bytes(text));
  else if (kind === "eof") reader.feedEof();
  else reader.setException(new Tagged(text));
}

async function perform(
  reader: StreamReader,
  lines: AsyncIterator<Buffer>,
  call: Call,
): Promise<string | null> {
  switch (call[0]) {
    case "read":
      return text(await reader.read(call[1]));
    case "readexactly":
      return text(await reader.readExactly(call[1]));
    case "readline":
      return text(await reader.readLine());
    case "readuntil": {
      const separator = call[1];
      return text(
        await reader.readUntil(typeof separator === "string" ? bytes(separator) : separator.map(bytes)),
      );
    }
    case "iter": {
      const { done, value } = await lines.next();
      return done ? null : text(value);
    }
    default:
      throw new TypeError(`there is no call ${JSON.stringify(call)}`);
  }
}

const bytes = (text: string): Buffer => Buffer.from(text, "latin1");
const text = (bytes: Buffer): string => bytes.toString("latin1");

/** An error in the words of the traces. */
function shown(error: unknown): unknown {
  if (error instanceof IncompleteReadError) {
    return { error: "IncompleteRead", partial: text(error.partial), expected: error.expected };
  }
  if (error instanceof LimitOverrunError) return { error: "LimitOverrun", consumed: error.consumed };
  if (error instanceof Tagged) return { error: `Err(${error.message})` };
  if (error instanceof RangeError) return { error: "Value" };
  if (error instanceof CancelledError) return { error: "Cancelled" };
  throw error;
}
