import { bind, find, type Values, type Variables } from "../loop/variables.ts";
import type { ContextVar } from "./context.ts";

/** The values of carried variables by name, as they travel with a call. */
export type CarriedValues = Readonly<Record<string, unknown>>;

/** The variables that travel, by the name that both sides know them by. */
const carried = new Map<string, ContextVar<unknown>>();

export function carry(variable: ContextVar<unknown>): void {
  if (carried.has(variable.name)) {
    throw new RangeError(
      `another context variable is carried as "${variable.name}": give this one another name, or import the other`,
    );
  }
  carried.set(variable.name, variable);
}

/** What is to travel from here; undefined if that is nothing. */
export function carriedValues({ values }: Variables): CarriedValues | undefined {
  if (carried.size === 0 || values === null) return undefined;
  let found: Record<string, unknown> | undefined;
  for (const [name, variable] of carried) {
    const binding = find(values, variable);
    if (binding === null) continue;
    found ??= {};
    found[name] = binding.value;
  }
  return found;
}

/** `values` with what has travelled here. What this side does not carry is left out. */
export function withArrived(values: Values, arrived: CarriedValues): Values {
  let all = values;
  for (const [name, value] of Object.entries(arrived)) {
    const variable = carried.get(name);
    if (variable !== undefined) all = bind(all, variable, value);
  }
  return all;
}
