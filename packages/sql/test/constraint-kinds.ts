import { ConstraintError, type Database, sql } from "@brio/sql";

/**
 * What rows fail by that can't be in the table `t`: its column `a` is not null, unique and above 0, `b` is some row's `a`. The one
 * before the last can.
 */
export async function constraintKinds(db: Database): Promise<(string | undefined)[]> {
  const kinds: (string | undefined)[] = [];
  for (const [a, b] of [
    [null, null],
    [-1, null],
    [1, 7],
    [2, null],
    [2, null],
  ] as const) {
    const error = await db.execute(sql`insert into t values (${a}, ${b})`).catch((error) => error);
    kinds.push(error instanceof ConstraintError ? error.kind : undefined);
  }
  return kinds;
}
