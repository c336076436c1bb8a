/**
 * Where the values of context variables are kept, for one task, callback or context.
 *
 * Copying is O(1): both sides keep the same list, which never changes. Tasks keep them themselves, so that a task costs no
 * further object.
 */
export interface Variables {
  /** @internal */
  values: Values;
}

/** The values of some variables: the one that was set first stands last. Contexts have a handful, and few are written to. */
export type Values = Binding | null;

/** The value of one variable, and those of others. */
export class Binding {
  readonly key: object;
  readonly value: unknown;
  readonly next: Values;
  readonly size: number;

  constructor(key: object, value: unknown, next: Values) {
    this.key = key;
    this.value = value;
    this.next = next;
    this.size = next === null ? 1 : next.size + 1;
  }
}

/** Where `key` has its value, or null. */
export function find(values: Values, key: object): Binding | null {
  let binding = values;
  while (binding !== null && binding.key !== key) binding = binding.next;
  return binding;
}

/** With `key` set to `value`: in its place, or in front. */
export function bind(values: Values, key: object, value: unknown): Binding {
  const binding = find(values, key);
  if (binding === null) return new Binding(key, value, values);
  return replace(values, binding, new Binding(key, value, binding.next));
}

/** Without `key`. */
export function unbind(values: Values, key: object): Values {
  const binding = find(values, key);
  return binding === null ? values : replace(values, binding, binding.next);
}

/** With something else from `gone` on. */
function replace<V extends Values>(values: Values, gone: Binding, rest: V): V | Binding {
  const before: Binding[] = [];
  for (let binding = values; binding !== gone && binding !== null; binding = binding.next)
    before.push(binding);
  let all: V | Binding = rest;
  for (let last = before.pop(); last !== undefined; last = before.pop())
    all = new Binding(last.key, last.value, all);
  return all;
}

/** Variables that belong to nothing else. */
export class FreeVariables implements Variables {
  values: Values;

  /** @param of whose values to copy; default: none */
  constructor(of?: Variables) {
    this.values = of === undefined ? null : of.values;
  }
}
