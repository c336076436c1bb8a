/** JSON to {@link Scenario}: the only place where the language's defaults and shapes are checked. */
import { Fields, MalformedScenario } from "./fields.ts";
import type * as language from "./scenario.ts";
import { matches, returnWhens } from "./scenario.ts";

type Parsers = { readonly [Name in language.OpName]: (f: Fields) => language.StatementOf<Name> };
type SyncName = language.SyncStatement["op"];

const onObject =
  <Name extends string>(op: Name) =>
  (f: Fields) => ({ op, o: f.text("o") });

const syncParsers = {
  log: (f) => ({ op: "log", msg: f.value("msg") }),
  return: (f) => ({ op: "return", value: f.value("value") }),
  raise: (f) => ({ op: "raise", tag: f.text("tag") }),
  set_var: (f) => ({ op: "set_var", var: f.text("var"), v: f.number("v") }),
  inc: (f) => ({ op: "inc", var: f.text("var"), by: f.number("by", 1) }),
  cv_set: (f) => ({ op: "cv_set", var: f.text("var"), v: f.value("v") }),
  cv_get: (f) => ({ op: "cv_get", var: f.text("var") }),

  spawn: (f) => ({
    op: "spawn",
    as: f.text("as"),
    body: block(f, "body"),
    group: f.optionalText("group"),
    eager: f.flag("eager"),
  }),
  cancel: (f) => ({ op: "cancel", h: f.text("h"), msg: f.optionalText("msg") }),
  uncancel: () => ({ op: "uncancel" }),
  cancelling: (f) => ({ op: "cancelling", h: f.text("h", "$self") }),
  state: (f) => ({ op: "state", h: f.text("h") }),
  result: (f) => ({ op: "result", h: f.text("h") }),
  current: () => ({ op: "current" }),
  all_tasks: () => ({ op: "all_tasks" }),
  reschedule: (f) => ({ op: "reschedule", t: f.text("t"), d: f.optionalNumber("d") }),
  expired: (f) => ({ op: "expired", t: f.text("t") }),

  release: onObject("release"),
  locked: onObject("locked"),
  set: onObject("set"),
  clear: onObject("clear"),
  is_set: onObject("is_set"),
  notify_all: onObject("notify_all"),
  notify: (f) => ({ op: "notify", o: f.text("o"), n: f.number("n", 1) }),
  barrier_info: onObject("barrier_info"),
  get_nowait: onObject("get_nowait"),
  task_done: onObject("task_done"),
  queue_info: onObject("queue_info"),
  put_nowait: (f) => ({ op: "put_nowait", o: f.text("o"), v: f.value("v") }),
  shutdown: (f) => ({ op: "shutdown", o: f.text("o"), immediate: f.flag("immediate") }),
  set_result: (f) => ({ op: "set_result", o: f.text("o"), v: f.value("v") }),
  set_exception: (f) => ({ op: "set_exception", o: f.text("o"), tag: f.text("tag") }),

  call_soon: (f) => ({ op: "call_soon", as: f.text("as"), do: callbackBlock(f) }),
  call_later: (f) => ({ op: "call_later", as: f.text("as"), d: f.number("d"), do: callbackBlock(f) }),
  call_at: (f) => ({ op: "call_at", as: f.text("as"), at: f.number("at"), do: callbackBlock(f) }),
  cancel_handle: (f) => ({ op: "cancel_handle", as: f.text("as") }),
} satisfies Pick<Parsers, SyncName>;

const parsers: Parsers = {
  ...syncParsers,
  sleep: (f) => ({ op: "sleep", d: f.number("d"), result: f.value("result") }),
  repeat: (f) => ({ op: "repeat", n: f.number("n"), body: block(f, "body") }),
  try: (f) => ({
    op: "try",
    body: block(f, "body"),
    catch: f.list("catch", catchClause, true),
    finally: f.has("finally") ? block(f, "finally") : null,
  }),

  await: (f) => ({ op: "await", h: f.text("h") }),
  wait_for: (f) => ({ op: "wait_for", target: target(f), d: f.optionalNumber("d") }),
  shield: (f) => ({ op: "shield", target: target(f) }),
  gather: (f) => ({
    op: "gather",
    items: f.list("items", (item, where) => target(new Fields(item, where))),
    re: f.flag("re"),
    as: f.optionalText("as"),
  }),
  wait: (f) => ({
    op: "wait",
    hs: handles(f),
    d: f.optionalNumber("d"),
    when: f.choice("when", returnWhens, "ALL_COMPLETED"),
  }),
  as_completed: (f) => ({
    op: "as_completed",
    hs: handles(f),
    d: f.optionalNumber("d"),
    mode: f.choice("mode", ["plain", "async"], "plain"),
    on_error: f.choice("on_error", ["raise", "continue"], "raise"),
  }),
  group: (f) => ({ op: "group", as: f.text("as"), body: block(f, "body") }),
  timeout: (f) => ({
    op: "timeout",
    as: f.text("as"),
    body: block(f, "body"),
    deadline: f.has("at") ? { at: f.number("at") } : { d: f.optionalNumber("d") },
  }),

  acquire: onObject("acquire"),
  with: (f) => ({ op: "with", o: f.text("o"), body: block(f, "body") }),
  wait_event: onObject("wait_event"),
  cond_wait: onObject("cond_wait"),
  cond_wait_for: (f) => ({ op: "cond_wait_for", o: f.text("o"), var: f.text("var"), ge: f.number("ge") }),
  barrier_wait: onObject("barrier_wait"),
  barrier_reset: onObject("barrier_reset"),
  barrier_abort: onObject("barrier_abort"),
  put: (f) => ({ op: "put", o: f.text("o"), v: f.value("v") }),
  get: onObject("get"),
  join: onObject("join"),
};

const isKey = <T extends object>(table: T, name: string): name is Extract<keyof T, string> =>
  Object.hasOwn(table, name);

function statement(json: unknown, where: string): language.Statement {
  const f = new Fields(json, where);
  const op = f.text("op");
  if (!isKey(parsers, op)) throw new MalformedScenario(`${where}: unsupported op ${JSON.stringify(op)}`);
  return parsers[op](new Fields(json, `${where} (${op})`));
}

function syncStatement(json: unknown, where: string): language.SyncStatement {
  const op = new Fields(json, where).text("op");
  if (isKey(syncParsers, op)) return syncParsers[op](new Fields(json, `${where} (${op})`));
  const known = isKey(parsers, op)
    ? `${op} waits, and a callback can't`
    : `unsupported op ${JSON.stringify(op)}`;
  throw new MalformedScenario(`${where}: ${known}`);
}

const block = (f: Fields, name: string): language.Block => f.list(name, statement);
const callbackBlock = (f: Fields): language.CallbackBlock => f.list("do", syncStatement);

const handles = (f: Fields): string[] =>
  f.list("hs", (name, where) => {
    if (typeof name === "string") return name;
    throw new MalformedScenario(`${where}: expected the name of a handle`);
  });

const target = (f: Fields): language.Target =>
  f.has("body") ? { as: f.text("as"), body: block(f, "body") } : { h: f.text("h") };

function catchClause(json: unknown, where: string): language.CatchClause {
  const f = new Fields(json, where);
  return {
    match: f.choice("match", matches),
    body: f.list("body", statement, true),
    reraise: f.flag("reraise"),
  };
}

function objectSpec(json: unknown, where: string): language.ObjectSpec {
  const f = new Fields(json, where);
  const type = f.text("type");
  switch (type) {
    case "lock":
    case "event":
    case "future":
      return { type };
    case "semaphore":
    case "bounded_semaphore":
      return { type, value: f.number("value", 1) };
    case "condition":
      return { type, lock: f.optionalText("lock") };
    case "barrier":
      return { type, parties: f.number("parties") };
    case "queue":
    case "priority_queue":
    case "lifo_queue":
      return { type, maxsize: f.number("maxsize", 0) };
    default:
      throw new MalformedScenario(`${where}: unsupported object type ${JSON.stringify(type)}`);
  }
}

/** @throws {MalformedScenario} naming the first place that is not of the language. */
export function parseScenario(json: unknown): language.Scenario {
  const f = new Fields(json, "scenario");
  if (f.number("v", 1) !== 1) throw new MalformedScenario(`scenario: unsupported version ${f.number("v")}`);
  return {
    deadline: f.number("deadline", 30000),
    objects: new Map(f.entries("objects").map(([name, spec]) => [name, objectSpec(spec, `objects.${name}`)])),
    main: block(f, "main"),
  };
}
