import { inspect } from "node:util";

/*
 * What can stand in a hole of a template, beside a value. All are classes with private marks, so that nothing which was
 * parsed from a request can pass for one of them.
 */

/** A name: of a table, a column, a schema. */
export class Identifier {
  readonly #names: readonly string[];

  constructor(names: readonly unknown[]) {
    if (names.length === 0) throw new TypeError('sql.id() takes names: sql.id("schema", "table")');
    for (const name of names) {
      if (typeof name !== "string" || name === "" || name.includes("\0")) {
        throw new TypeError(
          `sql.id() takes names, which are texts without a zero character: sql.id("schema", "table"); got ${inspect(name)}`,
        );
      }
    }
    this.#names = names as readonly string[]; // checked above
  }

  /** With a mark in the name doubled, a name can't end early. */
  write(quote: string): string {
    return this.#names.map((name) => quote + name.replaceAll(quote, quote + quote) + quote).join(".");
  }
}

/** A value that is stored as JSON. */
export class Json {
  readonly #text: string;

  constructor(value: unknown) {
    const text = JSON.stringify(value);
    if (text === undefined) {
      throw new TypeError(`sql.json() takes what JSON can say: sql.json({ a: 1 }); got ${inspect(value)}`);
    }
    this.#text = text;
  }

  /** What is stored. */
  get text(): string {
    return this.#text;
  }
}

/** Statement text in the words of the driver, with its parameters. */
export class Native {
  readonly #text: string;
  readonly #parameters: readonly unknown[];

  constructor(text: unknown, parameters: readonly unknown[]) {
    if (typeof text !== "string") {
      throw new TypeError(`sql.unsafe() takes statement text: sql.unsafe("vacuum"); got ${inspect(text)}`);
    }
    this.#text = text;
    this.#parameters = parameters;
  }

  get text(): string {
    return this.#text;
  }

  get parameters(): readonly unknown[] {
    return this.#parameters;
  }
}
