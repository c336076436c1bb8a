import type pg from "pg";

type Parser = (text: string) => unknown;

/** Numbers of PostgreSQL's types: those that pg reads in another way. */
const INT8 = 20;
const INT8_LIST = 1016;
const DATE = 1082;
const DATE_LIST = 1182;
const TIMESTAMP = 1114;
const TIMESTAMP_LIST = 1115;
const INTERVAL = 1186;
const INTERVAL_LIST = 1187;

/** What pg-types has beside what its declarations say. */
interface ArrayParser {
  create(text: string, parse: Parser): { parse(): unknown };
}

/**
 * How values are read: integers are numbers as long as they are exact, otherwise bigints; a point in time is a `Date`, one
 * without a zone is in UTC; a date, an interval and an exact number (`numeric`) are texts, as JavaScript has no such thing.
 */
export function typeParsers(types: typeof pg.types): { getTypeParser: typeof pg.types.getTypeParser } {
  const same: Parser = (text) => text;
  const utc: Parser = (text) => new Date(`${text.replace(" ", "T")}Z`);
  const single: readonly (readonly [number, number, Parser])[] = [
    [INT8, INT8_LIST, integer],
    [DATE, DATE_LIST, same],
    [TIMESTAMP, TIMESTAMP_LIST, utc],
    [INTERVAL, INTERVAL_LIST, same],
  ];
  const lists = (types as unknown as { arrayParser: ArrayParser }).arrayParser; // missing in the declarations
  const own = new Map<number, Parser>(
    single.flatMap(([one, list, parse]): [number, Parser][] => [
      [one, parse],
      [list, (text) => lists.create(text, parse).parse()],
    ]),
  );
  const getTypeParser = (oid: number, format?: string): unknown =>
    (format === undefined || format === "text" ? own.get(oid) : undefined) ??
    types.getTypeParser(oid, format as "text");
  return { getTypeParser: getTypeParser as typeof pg.types.getTypeParser };
}

/** An integer of 64 bits. */
function integer(text: string): number | bigint {
  const number = Number(text);
  return Number.isSafeInteger(number) ? number : BigInt(text);
}
