/** One line of a recorded file: a scenario, and what CPython made of it. */
import { Fields, MalformedScenario } from "./fields.ts";
import type { Line } from "./files.ts";
import type { TraceEvent } from "./world.ts";

export interface Recording {
  /** Where it stands, and its name or seed. */
  readonly title: string;
  readonly scenario: unknown;
  readonly trace: readonly TraceEvent[];
  /** Nothing in it hinges on the number of loop iterations something takes. */
  readonly robust: boolean;
  /** It rests on a cancellation being delivered once. */
  readonly once: boolean;
}

export function parseRecording(line: Line, where: string): Recording {
  if ("error" in line) throw new MalformedScenario(`${where}: ${line.error}`);
  const f = new Fields(line.json, where);
  const scenario = f.object("scenario");
  const result = f.object("result");
  const name = scenario.has("name") ? scenario.text("name") : `seed ${scenario.number("seed", 0)}`;
  return {
    title: `${where} ${name}`,
    scenario: scenario.json,
    trace: result.list("trace", traceEvent),
    robust: result.flag("robust"),
    once: result.flag("once"),
  };
}

function traceEvent(json: unknown, where: string): TraceEvent {
  if (Array.isArray(json) && typeof json[0] === "number" && typeof json[1] === "string")
    return [json[0], json[1]];
  throw new MalformedScenario(`${where}: expected [time, event]`);
}
