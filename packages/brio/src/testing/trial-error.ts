import { inspect } from "node:util";

/** How many lines of a trace are shown. */
const SHOWN = 60;

/** A run of a program under test in which something did not hold: says which run, what, and how it came to it. */
export class TrialError extends Error {
  override name = "TrialError";
  /** Everything that is wrong with the run; the first is also the `cause`. */
  readonly problems: readonly unknown[];
  /** What happened, line by line. */
  readonly trace: readonly string[];

  constructor(headline: string, problems: readonly unknown[], trace: readonly string[], hint: string) {
    super([`${headline}:`, ...problems.map(bullet), "", ...shown(trace), "", hint].join("\n"), {
      cause: problems[0],
    });
    this.problems = problems;
    this.trace = trace;
  }
}

function bullet(problem: unknown): string {
  return `  - ${describe(problem).replaceAll("\n", "\n    ")}`;
}

function describe(problem: unknown): string {
  if (!(problem instanceof Error)) return inspect(problem);
  return problem.name === "Error" ? problem.message : `${problem.name}: ${problem.message}`;
}

function shown(trace: readonly string[]): string[] {
  const rest = trace.length - SHOWN;
  const lines = trace.slice(-SHOWN).map((line) => `  ${line}`);
  return ["what happened:", ...(rest > 0 ? [`  (${rest} earlier lines are in error.trace)`] : []), ...lines];
}
