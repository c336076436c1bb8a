import { inspect } from "node:util";
import { CancelledError, InvalidStateError, TimeoutError } from "../cancel/errors.ts";
import { ExceptionGroup } from "../compose/exception-group.ts";
import { RuntimeError } from "../loop/errors.ts";
import { QueueEmpty, QueueFull, QueueShutDown } from "../queues/errors.ts";
import { ConnectionResetError, IncompleteReadError, LimitOverrunError } from "../streams/errors.ts";
import { CalledProcessError, CommandTimeoutError, SpawnError } from "../subprocess/errors.ts";
import { BrokenBarrierError } from "../sync/barrier.ts";
import {
  BrokenExecutorError,
  ExecutorClosedError,
  FunctionNotFoundError,
  ModuleLoadError,
  ResultTooLargeError,
  WorkerDiedError,
} from "./errors.ts";

/** A class of errors, whatever its constructor takes. */
export type ErrorClass = abstract new (...args: never) => Error;

const classes = new Map<string, ErrorClass>(
  [
    Error,
    TypeError,
    RangeError,
    SyntaxError,
    ReferenceError,
    EvalError,
    URIError,
    AggregateError,
    CancelledError,
    InvalidStateError,
    TimeoutError,
    RuntimeError,
    ExceptionGroup,
    QueueEmpty,
    QueueFull,
    QueueShutDown,
    BrokenBarrierError,
    ConnectionResetError,
    IncompleteReadError,
    LimitOverrunError,
    CalledProcessError,
    CommandTimeoutError,
    SpawnError,
    BrokenExecutorError,
    ExecutorClosedError,
    FunctionNotFoundError,
    ModuleLoadError,
    ResultTooLargeError,
    WorkerDiedError,
  ].map((one: ErrorClass) => [one.name, one]),
);

/**
 * Lets errors of a class of your own come back from a worker as instances of it. They are made without its constructor:
 * their fields are copied.
 *
 * @throws TypeError if it is no class of errors; RangeError if another class has its name.
 *
 * @example
 * ```ts
 * import { registerErrorClass, reviveError, serializeError } from "brio/threads";
 *
 * class PaymentError extends Error {
 *   override name = "PaymentError";
 *   readonly amount: number;
 *   constructor(amount: number) {
 *     super(`can't pay ${amount}`);
 *     this.amount = amount;
 *   }
 * }
 * registerErrorClass(PaymentError);
 *
 * const error = reviveError(serializeError(new PaymentError(7)));
 * console.log(error instanceof PaymentError && error.amount); // 7
 * ```
 */
export function registerErrorClass(errorClass: ErrorClass): void {
  if (typeof errorClass !== "function" || !(errorClass.prototype instanceof Error)) {
    throw new TypeError(
      `registerErrorClass() takes a class that extends Error: registerErrorClass(PaymentError); got ${inspect(errorClass)}`,
    );
  }
  const known = classes.get(errorClass.name);
  if (known !== undefined && known !== errorClass)
    throw new RangeError(
      `another class of errors is registered as ${errorClass.name}: give this one another name`,
    );
  classes.set(errorClass.name, errorClass);
}

/** The class of this name, if it is known here. */
export function errorClass(name: string): ErrorClass | undefined {
  return classes.get(name);
}
