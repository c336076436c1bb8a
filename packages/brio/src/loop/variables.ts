/**
 * Where the values of context variables are kept, for one task, callback or context.
 *
 * Copying is O(1): both sides keep the same map, and the next one to write makes its own. Tasks keep them themselves, so
 * that a task costs no further object.
 */
export interface Variables {
  /** @internal */
  values: Map<object, unknown> | null;
  /** @internal False while the map may belong to others as well. */
  ownsValues: boolean;
}

/** The values for a copy. */
export function shareValues(variables: Variables | undefined): Map<object, unknown> | null {
  if (variables === undefined) return null;
  variables.ownsValues = false;
  return variables.values;
}

/** A map that may be written to. */
export function writableValues(variables: Variables): Map<object, unknown> {
  if (variables.values === null || !variables.ownsValues) {
    variables.values = new Map(variables.values);
    variables.ownsValues = true;
  }
  return variables.values;
}

/** Variables that belong to nothing else. */
export class FreeVariables implements Variables {
  values: Map<object, unknown> | null;
  ownsValues = false;

  /** @param of whose values to copy; default: none */
  constructor(of?: Variables) {
    this.values = shareValues(of);
  }
}
