import { expect, test } from "vitest";
import { type Member, type PublicName, publicNames } from "./public-exports.ts";

const names = publicNames();

/** Why a class needs no example of its own. */
const SHOWN_ELSEWHERE: Readonly<Record<string, string>> = {
  Coroutine: "made by coroutine()",
  EventStream: "made by serverSentEvents()",
  Handle: "made by loop.callSoon(): see EventLoop",
  Identifier: "made by sql.id(): see sql",
  Json: "made by sql.json(): see sql",
  MysqlDatabase: "made by mysql()",
  PostgresDatabase: "made by postgres()",
  Queryable: "what a Database, a Session and a Transaction are",
  SequencerStep: "made by sequencer.step()",
  ServerSocket: "made by serveWebSocket()",
  Sql: "made by sql",
  SqliteDatabase: "made by sqlite()",
  Subscription: "made by broadcast.subscribe(): see Broadcast; that of PostgreSQL by db.listen()",
  Task: "made by createTask()",
  TimerHandle: "made by loop.callLater(): see EventLoop",
  Token: "made by variable.set(): see ContextVar",
  Transport: "made by createConnection()",
};

function where({ file, name }: PublicName, member?: Member): string {
  return `${file}: ${name}${member === undefined ? "" : `.${member.name}`}`;
}

function isError({ head }: PublicName): boolean {
  return /\bextends \w*Error\b/.test(head);
}

/** Does a call return a promise? (Of a task or future one asks elsewhere what cancelling it does.) */
function isAsync({ head }: { head: string }): boolean {
  return /^\s*(?:export )?async |\): Promise<[^{]*[{;]$/.test(head) && !/^\s*(?:async )?\[Symbol/.test(head);
}

/** What users see of a class; @internal members are not in the declarations. */
function membersOf(name: PublicName): Member[] {
  return name.members.filter(({ doc }) => !doc.includes("@internal"));
}

test("the entry files are read", () => {
  const kinds = new Set(names.map(({ kind }) => kind));
  expect([...kinds].sort()).toEqual(["class", "const", "function", "type"]);
  expect(names.map(({ name }) => name)).toEqual(expect.arrayContaining(["run", "runVirtual", "taskTree"]));
});

test("everything that is exported has a doc comment", () => {
  expect(names.filter(({ doc }) => doc === "").map((name) => where(name))).toEqual([]);
});

test("every exported function and class has an example", () => {
  const without = names.filter(
    (name) =>
      (name.kind === "function" || (name.kind === "class" && !isError(name))) &&
      !(name.name in SHOWN_ELSEWHERE) &&
      !name.doc.includes("@example"),
  );
  expect(without.map((name) => where(name))).toEqual([]);
});

test("what is excused from having an example exists, and has none", () => {
  const excused = names.filter(({ name }) => name in SHOWN_ELSEWHERE);
  expect([...new Set(excused.map(({ name }) => name))].sort()).toEqual(Object.keys(SHOWN_ELSEWHERE).sort());
  expect(excused.filter(({ doc }) => doc.includes("@example")).map((name) => where(name))).toEqual([]);
});

test("everything that can be awaited says what cancelling it does", () => {
  const silent = names.flatMap((name) => [
    ...(name.kind === "function" && isAsync(name) && !name.doc.includes("*Cancel safety*")
      ? [where(name)]
      : []),
    ...membersOf(name)
      .filter((member) => isAsync(member) && !member.doc.includes("*Cancel safety*"))
      .map((member) => where(name, member)),
  ]);
  expect(silent).toEqual([]);
});

test("every public member of a class has a doc comment", () => {
  const undocumented = names.flatMap((name) =>
    membersOf(name)
      // What these do is the same everywhere.
      .filter((member) => !/^(?:constructor|toString|name|\[Symbol\.\w+\])$/.test(member.name))
      .filter(({ doc }) => doc === "")
      .map((member) => where(name, member)),
  );
  expect(undocumented).toEqual([]);
});
