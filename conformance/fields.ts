/**
 * Typed access to one JSON object of a scenario. Every complaint names the place in the scenario
 * and shows the value, so that a malformed scenario is repaired without reading this code.
 */
import type { Value } from "./scenario.ts";

export class MalformedScenario extends Error {
  override name = "MalformedScenario";
}

type Json = Readonly<Record<string, unknown>>;

export function isRecord(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isValue(value: unknown): value is Value {
  if (Array.isArray(value)) return value.every(isValue);
  return (
    value === null || typeof value === "boolean" || typeof value === "number" || typeof value === "string"
  );
}

const show = (value: unknown): string =>
  value === undefined ? "nothing" : JSON.stringify(value).slice(0, 60);

export class Fields {
  readonly where: string;
  readonly json: Json;

  constructor(json: unknown, where: string) {
    if (!isRecord(json)) throw new MalformedScenario(`${where}: expected an object, got ${show(json)}`);
    this.json = json;
    this.where = where;
  }

  has(name: string): boolean {
    return this.json[name] != null;
  }

  #field<T>(name: string, wanted: string, is: (value: unknown) => value is T, otherwise: T | undefined): T {
    const value = this.json[name];
    if (value === undefined && otherwise !== undefined) return otherwise;
    if (!is(value))
      throw new MalformedScenario(`${this.where}.${name}: expected ${wanted}, got ${show(value)}`);
    return value;
  }

  text(name: string, otherwise?: string): string {
    return this.#field(name, "a string", (v) => typeof v === "string", otherwise);
  }

  number(name: string, otherwise?: number): number {
    return this.#field(name, "a number", (v): v is number => Number.isFinite(v), otherwise);
  }

  flag(name: string): boolean {
    return this.#field(name, "a boolean", (v) => typeof v === "boolean", false);
  }

  value(name: string): Value {
    return this.#field(name, "a value", isValue, null);
  }

  /** A number, or `null` when it is null or absent. */
  optionalNumber(name: string): number | null {
    return this.json[name] == null ? null : this.number(name);
  }

  optionalText(name: string): string | null {
    return this.json[name] == null ? null : this.text(name);
  }

  choice<T extends string>(name: string, choices: readonly T[], otherwise?: T): T {
    const is = (v: unknown): v is T => choices.some((choice) => choice === v);
    return this.#field(name, `one of ${choices.join(", ")}`, is, otherwise);
  }

  object(name: string): Fields {
    return new Fields(this.json[name], `${this.where}.${name}`);
  }

  /** Each member of a list, turned by `parse`. An absent list is empty when `optional`. */
  list<T>(name: string, parse: (item: unknown, where: string) => T, optional = false): T[] {
    const value = this.json[name];
    if (value == null && optional) return [];
    if (!Array.isArray(value))
      throw new MalformedScenario(`${this.where}.${name}: expected a list, got ${show(value)}`);
    return value.map((item, i) => parse(item, `${this.where}.${name}[${i}]`));
  }

  /** Each entry of a nested object, in order. */
  entries(name: string): [string, unknown][] {
    const value = this.json[name] ?? {};
    if (!isRecord(value))
      throw new MalformedScenario(`${this.where}.${name}: expected an object, got ${show(value)}`);
    return Object.entries(value);
  }
}
