/**
 * The scenario language as types: what `README.md` §2–§4 specifies, one interface per group of
 * statements. `parse.ts` turns JSON into these and refuses everything else, so the interpreter
 * proper never meets a malformed statement.
 */

/** What a scenario may hold as a value: queue items, results, `return` values. */
export type Value = null | boolean | number | string | readonly Value[];

export type ObjectSpec =
  | { readonly type: "lock" | "event" | "future" }
  | { readonly type: "semaphore" | "bounded_semaphore"; readonly value: number }
  | { readonly type: "condition"; readonly lock: string | null }
  | { readonly type: "barrier"; readonly parties: number }
  | { readonly type: "queue" | "priority_queue" | "lifo_queue"; readonly maxsize: number };

export interface Scenario {
  readonly deadline: number;
  readonly objects: ReadonlyMap<string, ObjectSpec>;
  readonly main: Block;
}

export type Block = readonly Statement[];
/** Only synchronous statements: what a callback may do. */
export type CallbackBlock = readonly SyncStatement[];

export const matches = ["any", "exception", "cancelled", "timeout", "error", "group", "broken"] as const;
export type Match = (typeof matches)[number];
export interface CatchClause {
  readonly match: Match;
  readonly body: Block;
  readonly reraise: boolean;
}

/** A handle that exists, or a body that becomes a coroutine of its own (labelled `as`). */
export type Target = { readonly h: string } | { readonly as: string; readonly body: Block };

export const returnWhens = ["ALL_COMPLETED", "FIRST_COMPLETED", "FIRST_EXCEPTION"] as const;
export type ReturnWhen = (typeof returnWhens)[number];

/** Distributes over the names, so that each op is a member of the union of its own. */
type Op<Name extends string, Fields = object> = Name extends string
  ? { readonly op: Name } & Readonly<Fields>
  : never;

type SyncControl =
  | Op<"log", { msg: Value }>
  | Op<"return", { value: Value }>
  | Op<"raise", { tag: string }>
  | Op<"set_var", { var: string; v: number }>
  | Op<"inc", { var: string; by: number }>
  | Op<"cv_set", { var: string; v: Value }>
  | Op<"cv_get", { var: string }>;

type SyncTasks =
  | Op<"spawn", { as: string; body: Block; group: string | null; eager: boolean }>
  | Op<"cancel", { h: string; msg: string | null }>
  | Op<"uncancel">
  | Op<"cancelling", { h: string }>
  | Op<"state", { h: string }>
  | Op<"result", { h: string }>
  | Op<"current">
  | Op<"all_tasks">
  | Op<"reschedule", { t: string; d: number | null }>
  | Op<"expired", { t: string }>;

type SyncObjects =
  | Op<"release" | "locked" | "set" | "clear" | "is_set" | "notify_all", { o: string }>
  | Op<"notify", { o: string; n: number }>
  | Op<"barrier_info" | "get_nowait" | "task_done" | "queue_info", { o: string }>
  | Op<"put_nowait", { o: string; v: Value }>
  | Op<"shutdown", { o: string; immediate: boolean }>
  | Op<"set_result", { o: string; v: Value }>
  | Op<"set_exception", { o: string; tag: string }>;

type SyncCallbacks =
  | Op<"call_soon", { as: string; do: CallbackBlock }>
  | Op<"call_later", { as: string; d: number; do: CallbackBlock }>
  | Op<"call_at", { as: string; at: number; do: CallbackBlock }>
  | Op<"cancel_handle", { as: string }>;

export type SyncStatement = SyncControl | SyncTasks | SyncObjects | SyncCallbacks;

type AsyncControl =
  | Op<"sleep", { d: number; result: Value }>
  | Op<"repeat", { n: number; body: Block }>
  | Op<"try", { body: Block; catch: readonly CatchClause[]; finally: Block | null }>;

type AsyncTasks =
  | Op<"await", { h: string }>
  | Op<"wait_for", { target: Target; d: number | null }>
  | Op<"shield", { target: Target }>
  | Op<"gather", { items: readonly Target[]; re: boolean; as: string | null }>
  | Op<"wait", { hs: readonly string[]; d: number | null; when: ReturnWhen }>
  | Op<
      "as_completed",
      { hs: readonly string[]; d: number | null; mode: "plain" | "async"; on_error: "raise" | "continue" }
    >
  | Op<"group", { as: string; body: Block }>
  | Op<"timeout", { as: string; body: Block; deadline: Deadline }>;

/** When a `timeout` falls due: after a delay, or at an instant of the loop's clock; `null` is never. */
export type Deadline = { readonly d: number | null } | { readonly at: number };

type AsyncObjects =
  | Op<"acquire" | "wait_event" | "cond_wait", { o: string }>
  | Op<"with", { o: string; body: Block }>
  | Op<"cond_wait_for", { o: string; var: string; ge: number }>
  | Op<"barrier_wait" | "barrier_reset" | "barrier_abort" | "get" | "join", { o: string }>
  | Op<"put", { o: string; v: Value }>;

export type AsyncStatement = AsyncControl | AsyncTasks | AsyncObjects;
export type Statement = SyncStatement | AsyncStatement;

export type OpName = Statement["op"];
/** The statement type(s) of an op. */
export type StatementOf<Name extends OpName> = Extract<Statement, { readonly op: Name }>;
