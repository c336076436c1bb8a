import type { Variables } from "../loop/variables.ts";
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
    if (!values.has(variable)) continue;
    found ??= {};
    found[name] = values.get(variable);
  }
  return found;
}

/** What has travelled here, by variable. What this side does not carry is left out. */
export function arrivedValues(arrived: CarriedValues | undefined): Map<object, unknown> {
  const values = new Map<object, unknown>();
  if (arrived === undefined) return values;
  for (const [name, value] of Object.entries(arrived)) {
    const variable = carried.get(name);
    if (variable !== undefined) values.set(variable, value);
  }
  return values;
}
