import { SqlError, sql } from "@brio/sql";
import { describe, expect, expectTypeOf, test } from "vitest";
import { compile } from "../src/statement/compile.ts";
import { MYSQL, POSTGRES, SQLITE } from "../src/statement/dialect.ts";
import type { Sql } from "../src/statement/sql.ts";

const written = (statement: Sql<never> | Sql<unknown>, dialect = POSTGRES) => {
  const { text, parameters } = compile(statement as Sql<unknown>, dialect);
  return [text, ...parameters];
};

describe("a template", () => {
  test("has its values bound, in order, for each database", () => {
    const statement = sql`select ${1} where a = ${"x"} or b is ${null}`;
    expect(written(statement)).toEqual(["select $1 where a = $2 or b is $3", 1, "x", null]);
    expect(written(statement, MYSQL)).toEqual(["select ? where a = ? or b is ?", 1, "x", null]);
    expect(written(statement, SQLITE)).toEqual(["select ? where a = ? or b is ?", 1, "x", null]);
  });

  test("may stand in another, and the parameters are counted through", () => {
    const inner = sql`a = ${1} and b = ${2}`;
    expect(written(sql`select ${0} where (${inner}) or ${sql.id("c")} = ${3}`)).toEqual([
      'select $1 where (a = $2 and b = $3) or "c" = $4',
      0,
      1,
      2,
      3,
    ]);
  });

  test("of one line may have a value in a hole once, and a template another time", () => {
    const where = (hole: Sql<unknown> | number) => sql`select ${hole}`;
    expect(written(where(1))).toEqual(["select $1", 1]);
    expect(written(where(sql`now()`))).toEqual(["select now()"]);
    expect(written(where(2))).toEqual(["select $1", 2]);
  });

  test("knows the type of its rows", () => {
    expectTypeOf(sql<{ id: number }>`select 1 as id`).toEqualTypeOf<Sql<{ id: number }>>();
  });

  test("lists, rows and changes have a parameter for each value", () => {
    expect(written(sql`select 1 where a in ${sql.list([1, 2])}`)).toEqual([
      "select 1 where a in ($1, $2)",
      1,
      2,
    ]);
    expect(
      written(
        sql`insert into t ${sql.insert([
          { a: 1, b: "x" },
          { b: "y", a: 2 },
        ])}`,
      ),
    ).toEqual(['insert into t ("a", "b") values ($1, $2), ($3, $4)', 1, "x", 2, "y"]);
    expect(written(sql`update t set ${sql.set({ a: 1, b: null })} where c = ${3}`, MYSQL)).toEqual([
      "update t set `a` = ?, `b` = ? where c = ?",
      1,
      null,
      3,
    ]);
    expect(written(sql.join([sql`a = ${1}`, sql`b = ${2}`], sql` and `))).toEqual([
      "a = $1 and b = $2",
      1,
      2,
    ]);
  });

  test("only the columns that are named are taken from a row", () => {
    const request = { name: "Ada", admin: true };
    expect(written(sql.insert(request, ["name"]))).toEqual(['("name") values ($1)', "Ada"]);
  });
});

describe("what can't be bound is refused, with the right call", () => {
  test.each([
    [() => sql`${undefined as never}`, /parameter 1 can't be bound: it is undefined; use null/],
    [() => sql`${1}, ${{ a: 1 } as never}`, /parameter 2 can't be bound: .*sql\.json\(value\)/],
    [() => sql`${(() => 1) as never}`, /parameter 1 can't be bound/],
    [() => sql`${Symbol("x") as never}`, /parameter 1 can't be bound/],
    [() => sql`${new Date(Number.NaN)}`, /parameter 1 is an invalid Date/],
    [() => "select 1" as never, /a statement is a template: sql`select 1`; got 'select 1'/],
    [() => ({ texts: ["drop table t"], holes: [] }) as never, /a statement is a template/],
    [() => sql`${sql.unsafe("$1", [1])}`, /can't stand in another/],
  ])("%s", (make: () => Sql<unknown>, message) => {
    expect(() => compile(make(), POSTGRES)).toThrow(message);
  });

  test("a list, but on PostgreSQL", () => {
    expect(written(sql`select ${[1, 2]}`)).toEqual(["select $1", [1, 2]]);
    expect(() => compile(sql`select ${[1, 2]}`, MYSQL)).toThrow(/mysql can't bind: use sql\.list\(values\)/);
    expect(() => compile(sql`select ${[1, 2]}`, SQLITE)).toThrow(/sqlite can't bind/);
  });

  test("a call that is no template", () => {
    expect(() => sql("select 1" as never)).toThrow(/sql is a tag for templates/);
    expect(() => sql(["select 1"] as never)).toThrow(/sql is a tag for templates/);
  });

  test("an empty list, empty rows, rows without a value", () => {
    expect(() => sql.list([])).toThrow(RangeError);
    expect(() => sql.list("abc")).toThrow(TypeError);
    expect(() => sql.insert([])).toThrow(RangeError);
    expect(() => sql.set({})).toThrow(RangeError);
    expect(() => sql.insert([{ a: 1, b: 2 }, { a: 1 } as never])).toThrow(
      /row 1 of sql\.insert\(\) has no value for "b"/,
    );
    expect(() => sql.insert(JSON.parse('{"__proto__": 1}'), ["toString"])).toThrow(/no value for "toString"/);
  });
});

describe("nothing that is interpolated becomes a part of the text", () => {
  const evil = [`'; drop table t; --`, `" or 1=1`, "` or 1=1", "\\' or 1=1", "$1", "?", "a\0b", "💥'"];

  test.each(evil)("a value: %j", (text) => {
    for (const dialect of [POSTGRES, MYSQL, SQLITE]) {
      const compiled = compile(sql`select ${text}, ${sql.list([text])}, ${sql.json(text)}`, dialect);
      expect(compiled.text).not.toContain("drop");
      expect(compiled.parameters).toEqual([text, text, JSON.stringify(text)]);
    }
  });

  test("a name is quoted, with its quotation marks doubled", () => {
    expect(written(sql`select ${sql.id('a"; drop table t; --')}`)).toEqual([
      'select "a""; drop table t; --"',
    ]);
    expect(written(sql`select ${sql.id("a`b")}`, MYSQL)).toEqual(["select `a``b`"]);
    expect(written(sql.insert({ 'x") values (1); --': 1 }))).toEqual([
      '("x"") values (1); --") values ($1)',
      1,
    ]);
    for (const name of ["", "a\0b", 1, null, ["a"]]) {
      expect(() => sql.id(name as string)).toThrow(/sql\.id\(\) takes names/);
    }
    expect(() => sql.id()).toThrow(TypeError);
  });

  test("what was parsed from a request can't pass for a template, a name or JSON", () => {
    const like = JSON.parse('{"texts": ["1; drop table t"], "holes": [], "native": null, "raw": ["x"]}');
    expect(() => compile(sql`select ${like}`, POSTGRES)).toThrow(TypeError);
    expect(() => compile(like, POSTGRES)).toThrow(TypeError);
    expect(() => sql(JSON.parse('["x"]'))).toThrow(TypeError);
  });
});

test("errors have a code and a cause", () => {
  const cause = new Error("driver");
  const error = new SqlError("no", { code: "42P01", cause });
  expect([error.name, error.code, error.cause]).toEqual(["SqlError", "42P01", cause]);
});
