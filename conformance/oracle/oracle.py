#!/usr/bin/env python3
"""Reference interpreter ("oracle") of the asyncio scenario language.

    python3 oracle.py              < scenario.json   -> trace (JSON list of [time, event])
    python3 oracle.py --full       < scenario.json   -> {"trace":..,"ties":..,"stats":..,...}
    python3 oracle.py --jsonl      < many.jsonl      -> one --full object per line
    python3 oracle.py --robust N   (with --full/--jsonl) adds "robust": true|false

The language is specified in ../README.md.  Everything runs on
the asyncio of the interpreter that executes this file (3.11 .. 3.14), on an
event loop whose clock is virtual: loop.time() is an integer number of
"milliseconds" that jumps to the next timer when nothing is ready to run.
Only the public asyncio API is used to act, except: the loop itself (it
overrides time() and the selector) and TaskGroup._tasks (made insertion
ordered, see ../README.md "Determinism").
"""
import asyncio
import collections
import contextvars
import inspect
import json
import random
import re
import sys

VERSION = sys.version_info[:2]
GROUP_EAGER = "name" not in inspect.signature(asyncio.BaseEventLoop.create_task).parameters  # 3.14
RUN_LIMIT = 200_000          # callbacks per scenario before it is declared runaway


# --------------------------------------------------------------------------
# virtual-time loop
# --------------------------------------------------------------------------
class _VirtualSelector:
    """select() never blocks: it moves the clock forward by `timeout`."""

    def __init__(self, loop):
        self._loop = loop

    def select(self, timeout):
        loop = self._loop
        if timeout is None:
            raise RuntimeError("virtual loop: nothing ready and no timer")
        if timeout > 0:
            loop.now += timeout
        live = [h for h in loop._scheduled if not h.cancelled() and h.when() <= loop.now]
        if len(live) > 1:
            loop.ties += 1           # two timers due at the same instant
        elif live and loop._ready:
            loop.ties += 1           # a timer due while other work is ready
        loop.iterations += 1
        return []

    def get_map(self):
        return {}

    def close(self):
        pass


class VirtualLoop(asyncio.BaseEventLoop):
    def __init__(self, jitter=None):
        super().__init__()
        self.now = 0
        self.ties = 0
        self.iterations = 0
        self.hops = 0
        self._selector = _VirtualSelector(self)
        self._jitter = random.Random(jitter) if jitter is not None else None
        self.set_debug(False)

    def time(self):
        return self.now

    def _process_events(self, event_list):
        pass

    def _write_to_self(self):
        pass

    def _call_soon(self, callback, args, context):
        handle = super()._call_soon(callback, args, context)
        self.hops += 1
        if self.hops > RUN_LIMIT:
            raise RuntimeError("runaway scenario")
        if self._jitter is not None and self._jitter.random() < 0.35:
            # robustness probe: run this handle one loop iteration later
            self._ready.pop()
            self._ready.append(asyncio.Handle(self._requeue, (handle,), self, None))
        return handle

    def _requeue(self, handle):
        if not handle.cancelled():
            self._ready.append(handle)


# --------------------------------------------------------------------------
# values, exceptions, formatting
# --------------------------------------------------------------------------
class Err(Exception):
    """The scenario's own exception; carries a tag."""

    def __init__(self, tag):
        super().__init__(tag)
        self.tag = tag


class Unsupported(Exception):
    """The scenario needs an API that this Python does not have."""


_EXC_NAMES = [
    (asyncio.BrokenBarrierError, "BrokenBarrier"),
    (asyncio.InvalidStateError, "InvalidState"),
    (asyncio.QueueEmpty, "QueueEmpty"),
    (asyncio.QueueFull, "QueueFull"),
    (TimeoutError, "Timeout"),
    (RuntimeError, "Runtime"),
    (ValueError, "Value"),
    (TypeError, "Type"),
]
if hasattr(asyncio, "QueueShutDown"):
    _EXC_NAMES.insert(0, (asyncio.QueueShutDown, "QueueShutDown"))


def fmt_exc(e):
    if isinstance(e, BaseExceptionGroup):
        return "Group(" + ",".join(fmt_exc(x) for x in e.exceptions) + ")"
    if isinstance(e, Err):
        return f"Err({e.tag})"
    if isinstance(e, asyncio.CancelledError):
        msg = e.args[0] if e.args else None
        return f"Cancelled({msg})" if msg not in (None, "") else "Cancelled"
    for cls, name in _EXC_NAMES:
        if isinstance(e, cls):
            return name
    return type(e).__name__


def fmt(v):
    if v is None:
        return "null"
    if v is True:
        return "true"
    if v is False:
        return "false"
    if isinstance(v, BaseException):
        return fmt_exc(v)
    if isinstance(v, (list, tuple)):
        return "[" + ",".join(fmt(x) for x in v) + "]"
    return str(v)


def exc_matches(e, match):
    if match == "any":
        return True
    if match == "exception":
        return isinstance(e, Exception)
    if match == "cancelled":
        return isinstance(e, asyncio.CancelledError)
    if match == "timeout":
        return isinstance(e, TimeoutError)
    if match == "error":
        return isinstance(e, Err)
    if match == "group":
        return isinstance(e, BaseExceptionGroup)
    if match == "broken":
        return isinstance(e, asyncio.BrokenBarrierError)
    raise Unsupported(f"match {match!r}")


class _OrderedSet:
    """Insertion-ordered replacement of TaskGroup._tasks."""

    def __init__(self):
        self._d = {}

    def add(self, x):
        self._d[x] = None

    def discard(self, x):
        self._d.pop(x, None)

    def __iter__(self):
        return iter(list(self._d))

    def __len__(self):
        return len(self._d)

    def __contains__(self, x):
        return x in self._d


class _Group(asyncio.TaskGroup):
    def __init__(self):
        super().__init__()
        self._tasks = _OrderedSet()


# ops whose awaiting is "the" suspension point (for the statistics)
LEAF = {"sleep", "await", "wait_for", "shield", "gather", "wait", "as_completed",
        "acquire", "enter", "wait_event", "cond_wait", "cond_wait_for",
        "barrier_wait", "barrier_reset", "barrier_abort", "put", "get", "join"}


# --------------------------------------------------------------------------
# interpreter
# --------------------------------------------------------------------------
class Interp:
    def __init__(self, scenario, jitter=None):
        self.sc = scenario
        self.trace = []
        self.stats = collections.Counter()
        self.loop = VirtualLoop(jitter)
        self.handles = {}      # tasks, futures, gathers
        self.callbacks = {}    # asyncio.Handle objects of call_soon & co
        self.groups = {}
        self.timeouts = {}
        self.objs = {}
        self.kinds = {}
        self.vars = {}
        self.cvars = {}
        self.names = {}        # dynamic instance counters
        self.tasks = []        # every task ever made, creation order
        self.unsupported = None
        self.once = False      # does the trace rest on cancellation being delivered once?

    # -- infrastructure ----------------------------------------------------
    def log(self, who, what):
        self.trace.append([int(self.loop.now), f"{who} {what}"])

    def count(self, *key):
        self.stats["/".join(key)] += 1

    def _factory(self, loop, coro, **kw):
        slot = len(self.tasks)        # order = order in which creations began
        self.tasks.append(None)
        t = self.tasks[slot] = asyncio.Task(coro, loop=loop, **kw)
        return t

    def _on_loop_error(self, loop, context):
        msg = context.get("message", "")
        exc = context.get("exception")
        for needle, kind in (("Exception in callback", "callback"),
                             ("in shielded future", "shield"),
                             ("but its parent", "group-parent")):
            if needle in msg:
                self.log("*", f"loop_error {kind} {fmt_exc(exc) if exc else 'none'}")
                self.count("loop_error", kind)
                return
        # everything else ("never retrieved", "destroyed but pending") depends
        # on garbage collection: counted, never traced
        self.count("gc_message")

    def unique(self, name):
        n = self.names.get(name, 0) + 1
        self.names[name] = n
        return name if n == 1 else f"{name}~{n}"

    def make_objects(self):
        for name, d in self.sc.get("objects", {}).items():
            k = d["type"]
            self.kinds[name] = k
            if k == "lock":
                o = asyncio.Lock()
            elif k == "semaphore":
                o = asyncio.Semaphore(d.get("value", 1))
            elif k == "bounded_semaphore":
                o = asyncio.BoundedSemaphore(d.get("value", 1))
            elif k == "event":
                o = asyncio.Event()
            elif k == "condition":
                o = (asyncio.Condition(self.objs[d["lock"]])
                     if d.get("lock") else asyncio.Condition())
            elif k == "barrier":
                o = asyncio.Barrier(d["parties"])
            elif k == "queue":
                o = asyncio.Queue(d.get("maxsize", 0))
            elif k == "priority_queue":
                o = asyncio.PriorityQueue(d.get("maxsize", 0))
            elif k == "lifo_queue":
                o = asyncio.LifoQueue(d.get("maxsize", 0))
            elif k == "future":
                o = self.loop.create_future()
                self.handles[name] = o
                o.add_done_callback(lambda f, n=name: self.on_done(n, f))
            else:
                raise Unsupported(f"object type {k!r}")
            self.objs[name] = o

    # -- running -----------------------------------------------------------
    def run(self):
        loop = self.loop
        loop.set_task_factory(self._factory)
        loop.set_exception_handler(self._on_loop_error)
        asyncio.events._set_running_loop(None)
        error = None
        try:
            loop.run_until_complete(loop.create_task(self.root(), name="root"))
        except Unsupported as e:
            error = f"unsupported: {e}"
        except RuntimeError as e:
            if "virtual loop" not in str(e) and "runaway" not in str(e):
                raise
            error = str(e)
        if self.unsupported is not None:
            error = f"unsupported: {self.unsupported}"
        trace = list(self.trace)
        stats = dict(self.stats)
        loop.set_exception_handler(lambda *_: None)
        end, ties, iters, hops = loop.now, loop.ties, loop.iterations, loop.hops
        if error is not None:
            for t in self.tasks:          # silence "destroyed but pending"
                if t is not None:
                    t._log_destroy_pending = False
        loop._ready.clear()
        loop._scheduled.clear()
        loop.close()
        return {"trace": trace, "ties": ties, "end": int(end), "iterations": iters,
                "hops": hops, "error": error, "stats": stats, "once": self.once,
                "python": "%d.%d.%d" % sys.version_info[:3]}

    async def root(self):
        self.make_objects()
        limit = self.sc.get("deadline", 30000)
        main = asyncio.create_task(self.body("main", self.sc["main"]), name="main")
        self.adopt("main", main)
        k = 0
        while True:
            done, _ = await asyncio.wait({main}, timeout=limit)
            if done:
                break
            k += 1
            self.log("*", f"deadline {k}")
            self.count("deadline")
            if k > 3:             # e.g. main sits in an aborting TaskGroup
                break             # whose child swallowed its cancellation
            main.cancel("deadline")
            limit = 501
        k = 0
        while True:
            left = [(self.name_of(t), t) for t in self.tasks
                    if t is not None and not t.done() and t.get_name() != "root"]
            if not left:
                break
            k += 1
            self.log("*", f"shutdown {k} [" + ",".join(n for n, _ in left) + "]")
            self.count("shutdown_round")
            if k > 40:
                self.log("*", "stuck")
                self.count("stuck")
                break
            for _, t in left:
                t.cancel("shutdown")
            await asyncio.wait([t for _, t in left], timeout=1009)
        await self.final()

    async def final(self):
        for name, o in self.objs.items():
            k = self.kinds[name]
            if k in ("lock", "condition"):
                s = f"locked={fmt(o.locked())}"
            elif k in ("semaphore", "bounded_semaphore"):
                n = 0
                while not o.locked() and n < 99:
                    await o.acquire()
                    n += 1
                s = f"value={n}"
            elif k == "event":
                s = f"set={fmt(o.is_set())}"
            elif k == "barrier":
                s = f"waiting={o.n_waiting} broken={fmt(o.broken)}"
            elif k == "future":
                s = self.state(o)
            else:
                q = o.qsize()
                n = 0
                while n < 999:
                    try:
                        o.task_done()
                    except ValueError:
                        break
                    n += 1
                s = f"size={q} unfinished={n}"
            self.log("*", f"final {name} {s}")
        for name in sorted(self.vars):
            self.log("*", f"final {name} {self.vars[name]}")

    def name_of(self, task):
        n = task.get_name()
        return "anon" if re.fullmatch(r"Task-\d+|None", n) else n

    def adopt(self, name, fut):
        """Register a task/future handle and trace its completion."""
        self.handles[name] = fut
        fut.add_done_callback(lambda f: self.on_done(name, f))

    def on_done(self, name, fut):
        self.log("*", f"done {name} {self.state(fut)}")

    def state(self, fut):
        if not fut.done():
            return "pending"
        if fut.cancelled():
            return "cancelled"
        exc = fut.exception()
        if exc is not None:
            return f"error={fmt_exc(exc)}"
        return f"value={fmt(fut.result())}"

    # -- coroutines --------------------------------------------------------
    async def body(self, who, stmts):
        self.log(who, "start")
        try:
            sig = await self.block(who, stmts)
        except GeneratorExit:
            raise
        except BaseException as e:
            self.log(who, f"raise {fmt_exc(e)}")
            raise
        value = sig[0] if sig is not None else None
        self.log(who, f"return {fmt(value)}")
        return value

    async def block(self, who, stmts):
        for st in stmts:
            sig = await self.stmt(who, st)
            if sig is not None:
                return sig           # (value,): a `return` is under way
        return None

    async def aw(self, who, op, desc, thunk):
        self.count("op", op)
        if op in LEAF:
            self.note_wait()
        try:
            r = await thunk()
        except GeneratorExit:
            raise
        except BaseException as e:
            self.log(who, f"{desc} ! {fmt_exc(e)}")
            if op in LEAF:
                kind = fmt_exc(e).split("(")[0]
                self.count("exc", op, kind)
                if kind == "Cancelled":
                    self.count("cancel_delivered")
            raise
        self.log(who, f"{desc} -> {fmt(r)}")
        return r

    def note_wait(self):
        t = asyncio.current_task()
        if t is not None and t.cancelling() > 0 and not t._must_cancel:
            self.once = True         # waits again after its cancellation was delivered

    def get(self, who, op, name):
        h = self.handles.get(name)
        if name == "$self":
            return asyncio.current_task()
        if h is None:
            self.log(who, f"{op} {name} ? nohandle")
            self.count("nohandle")
        return h

    async def stmt(self, who, st):
        fn = getattr(self, "a_" + st["op"], None)
        try:
            if fn is not None:
                return await fn(who, st)
            return self.sync(who, st)
        except Unsupported as e:
            self.unsupported = str(e)
            raise

    # -- synchronous statements -------------------------------------------
    def sync(self, who, st):
        op = st["op"]
        fn = getattr(self, "s_" + op, None)
        if fn is None:
            raise Unsupported(f"op {op!r}")
        self.count("op", op)
        return fn(who, st)

    def attempt(self, who, desc, thunk, show=True):
        try:
            r = thunk()
        except Exception as e:
            self.log(who, f"{desc} ! {fmt_exc(e)}")
            raise
        self.log(who, f"{desc} -> {fmt(r)}" if show else desc)
        return r

    def s_log(self, who, st):
        self.log(who, f"log {st['msg']}")

    def s_raise(self, who, st):
        self.log(who, f"throw Err({st['tag']})")
        raise Err(st["tag"])

    def s_return(self, who, st):
        return (st.get("value"),)

    def s_set_var(self, who, st):
        self.vars[st["var"]] = st["v"]
        self.log(who, f"var {st['var']}={st['v']}")

    def s_inc(self, who, st):
        v = self.vars.get(st["var"], 0) + st.get("by", 1)
        self.vars[st["var"]] = v
        self.log(who, f"var {st['var']}={v}")

    def s_cv_set(self, who, st):
        cv = self.cvars.setdefault(st["var"], contextvars.ContextVar(st["var"], default=None))
        cv.set(st["v"])
        self.log(who, f"cv {st['var']}={fmt(st['v'])}")

    def s_cv_get(self, who, st):
        cv = self.cvars.setdefault(st["var"], contextvars.ContextVar(st["var"], default=None))
        self.log(who, f"cv_get {st['var']} -> {fmt(cv.get())}")

    def s_spawn(self, who, st):
        name = self.unique(st["as"])
        eager = st.get("eager", False)
        coro = self.body(name, st["body"])
        group = st.get("group")
        kw = {"name": name}
        if eager:
            if VERSION < (3, 12) or (group is not None and not GROUP_EAGER):
                coro.close()
                raise Unsupported("eager spawn")
            kw["eager_start"] = True
        try:
            if group is not None:
                tg = self.groups.get(group)
                if tg is None:
                    coro.close()
                    self.log(who, f"spawn {name} ? nogroup")
                    return None
                task = tg.create_task(coro, **kw)
            elif eager:
                task = self._factory(self.loop, coro, **kw)
            else:
                task = asyncio.create_task(coro, **kw)
        except RuntimeError as e:
            coro.close()
            self.log(who, f"spawn {name} ! {fmt_exc(e)}")
            self.count("spawn_refused")
            raise
        self.handles[st["as"]] = task
        self.adopt(name, task)
        self.log(who, f"spawn {name}")

    def s_cancel(self, who, st):
        h = self.get(who, "cancel", st["h"])
        if h is None:
            return None
        msg = st.get("msg")
        r = h.cancel(msg) if msg is not None else h.cancel()
        self.log(who, f"cancel {st['h']} -> {fmt(bool(r))}")

    def s_uncancel(self, who, st):
        t = asyncio.current_task()
        self.log(who, f"uncancel -> {t.uncancel()}")

    def s_cancelling(self, who, st):
        h = self.get(who, "cancelling", st.get("h", "$self"))
        if h is None or not hasattr(h, "cancelling"):
            return None
        self.log(who, f"cancelling {st.get('h', '$self')} -> {h.cancelling()}")

    def s_state(self, who, st):
        h = self.get(who, "state", st["h"])
        if h is not None:
            self.log(who, f"state {st['h']} -> {self.state(h)}")

    def s_result(self, who, st):
        h = self.get(who, "result", st["h"])
        if h is None:
            return None
        try:
            r = h.result()
        except BaseException as e:
            self.log(who, f"result {st['h']} ! {fmt_exc(e)}")
            raise
        self.log(who, f"result {st['h']} -> {fmt(r)}")

    def s_current(self, who, st):
        t = asyncio.current_task()
        self.log(who, f"current -> {'none' if t is None else self.name_of(t)}")

    def s_all_tasks(self, who, st):
        names = sorted(self.name_of(t) for t in asyncio.all_tasks(self.loop))
        self.log(who, f"all_tasks -> {fmt(names)}")

    def s_set_result(self, who, st):
        self.attempt(who, f"set_result {st['o']} {fmt(st.get('v'))}",
                     lambda: self.objs[st["o"]].set_result(st.get("v")), False)

    def s_set_exception(self, who, st):
        self.attempt(who, f"set_exception {st['o']} {st['tag']}",
                     lambda: self.objs[st["o"]].set_exception(Err(st["tag"])), False)

    def s_set(self, who, st):
        self.objs[st["o"]].set()
        self.log(who, f"set {st['o']}")

    def s_clear(self, who, st):
        self.objs[st["o"]].clear()
        self.log(who, f"clear {st['o']}")

    def s_is_set(self, who, st):
        self.log(who, f"is_set {st['o']} -> {fmt(self.objs[st['o']].is_set())}")

    def s_locked(self, who, st):
        self.log(who, f"locked {st['o']} -> {fmt(self.objs[st['o']].locked())}")

    def s_release(self, who, st):
        self.attempt(who, f"release {st['o']}", self.objs[st["o"]].release, False)

    def s_notify(self, who, st):
        n = st.get("n", 1)
        self.attempt(who, f"notify {st['o']} {n}", lambda: self.objs[st["o"]].notify(n), False)

    def s_notify_all(self, who, st):
        self.attempt(who, f"notify_all {st['o']}", self.objs[st["o"]].notify_all, False)

    def s_put_nowait(self, who, st):
        self.attempt(who, f"put_nowait {st['o']} {fmt(st['v'])}",
                     lambda: self.objs[st["o"]].put_nowait(st["v"]), False)

    def s_get_nowait(self, who, st):
        self.attempt(who, f"get_nowait {st['o']}", self.objs[st["o"]].get_nowait)

    def s_task_done(self, who, st):
        self.attempt(who, f"task_done {st['o']}", self.objs[st["o"]].task_done, False)

    def s_queue_info(self, who, st):
        q = self.objs[st["o"]]
        self.log(who, f"queue_info {st['o']} -> size={q.qsize()} empty={fmt(q.empty())} full={fmt(q.full())}")

    def s_shutdown(self, who, st):
        q = self.objs[st["o"]]
        if not hasattr(q, "shutdown"):
            raise Unsupported("Queue.shutdown")
        q.shutdown(immediate=st.get("immediate", False))
        self.log(who, f"shutdown {st['o']} {fmt(st.get('immediate', False))}")

    def s_barrier_info(self, who, st):
        b = self.objs[st["o"]]
        self.log(who, f"barrier_info {st['o']} -> waiting={b.n_waiting} broken={fmt(b.broken)}")

    def s_reschedule(self, who, st):
        cm = self.timeouts.get(st["t"])
        if cm is None:
            self.log(who, f"reschedule {st['t']} ? notimeout")
            return None
        d = st.get("d")
        when = None if d is None else self.loop.time() + d
        self.attempt(who, f"reschedule {st['t']} {fmt(d)}", lambda: cm.reschedule(when), False)

    def s_expired(self, who, st):
        cm = self.timeouts.get(st["t"])
        if cm is not None:
            self.log(who, f"expired {st['t']} -> {fmt(cm.expired())}")

    def _callback(self, name, stmts):
        self.log(name, "run")
        for s in stmts:
            self.sync(name, s)

    def s_call_soon(self, who, st):
        name = self.unique(st["as"])
        self.callbacks[st["as"]] = self.loop.call_soon(self._callback, name, st["do"])
        self.log(who, f"call_soon {name}")

    def s_call_later(self, who, st):
        name = self.unique(st["as"])
        self.callbacks[st["as"]] = self.loop.call_later(st["d"], self._callback, name, st["do"])
        self.log(who, f"call_later {name} {st['d']}")

    def s_call_at(self, who, st):
        name = self.unique(st["as"])
        self.callbacks[st["as"]] = self.loop.call_at(st["at"], self._callback, name, st["do"])
        self.log(who, f"call_at {name} {st['at']}")

    def s_cancel_handle(self, who, st):
        h = self.callbacks.get(st["as"])
        if h is None:
            self.log(who, f"cancel_handle {st['as']} ? nohandle")
            return None
        h.cancel()
        self.log(who, f"cancel_handle {st['as']} -> {fmt(h.cancelled())}")

    # -- awaiting statements ----------------------------------------------
    async def a_sleep(self, who, st):
        d = st["d"]
        await self.aw(who, "sleep", f"sleep {d}", lambda: asyncio.sleep(d, st.get("result")))

    async def a_repeat(self, who, st):
        self.count("op", "repeat")
        for _ in range(st["n"]):
            sig = await self.block(who, st["body"])
            if sig is not None:
                return sig

    async def a_try(self, who, st):
        self.count("op", "try")
        sig = None
        try:
            try:
                sig = await self.block(who, st["body"])
            except GeneratorExit:
                raise
            except BaseException as e:
                for c in st.get("catch", ()):
                    if exc_matches(e, c["match"]):
                        self.log(who, f"catch {fmt_exc(e)}")
                        self.count("catch", c["match"])
                        sig = await self.block(who, c.get("body", ()))
                        if c.get("reraise"):
                            raise
                        break
                else:
                    raise
        finally:
            if st.get("finally") is not None and sys.exc_info()[0] is not GeneratorExit:
                self.log(who, "finally")
                self.count("finally")
                await self.block(who, st["finally"])
        return sig

    async def a_await(self, who, st):
        h = self.get(who, "await", st["h"])
        if h is None:
            return None

        async def go():
            return await h
        await self.aw(who, "await", f"await {st['h']}", go)

    async def a_group(self, who, st):
        self.count("op", "group")
        name = self.unique(st["as"])
        tg = _Group()
        self.groups[st["as"]] = tg
        sig = None
        try:
            async with tg:
                self.log(who, f"group {name} enter")
                sig = await self.block(who, st["body"])
        except GeneratorExit:
            raise
        except BaseException as e:
            self.log(who, f"group {name} ! {fmt_exc(e)}")
            self.count("exc", "group", fmt_exc(e).split("(")[0])
            if isinstance(e, BaseExceptionGroup):
                self.count("exception_group_raised")
            raise
        self.log(who, f"group {name} -> null")
        return sig

    async def a_timeout(self, who, st):
        self.count("op", "timeout")
        name = self.unique(st["as"])
        if "at" in st:
            cm = asyncio.timeout_at(st["at"])
        else:
            cm = asyncio.timeout(st["d"])
        self.timeouts[st["as"]] = cm
        sig = None
        try:
            async with cm:
                self.log(who, f"timeout {name} enter")
                sig = await self.block(who, st["body"])
        except GeneratorExit:
            raise
        except BaseException as e:
            self.log(who, f"timeout {name} ! {fmt_exc(e)} expired={fmt(cm.expired())}")
            self.count("exc", "timeout", fmt_exc(e).split("(")[0])
            if cm.expired():
                self.count("timeout_fired")
            raise
        self.log(who, f"timeout {name} -> null expired={fmt(cm.expired())}")
        if cm.expired():
            self.count("timeout_fired")
            self.count("timeout_swallowed")
        return sig

    def target(self, who, op, st):
        """(description, awaitable) of an op that takes a handle or a body."""
        if "body" in st:
            name = self.unique(st["as"])
            return name, self.body(name, st["body"])
        return st["h"], self.get(who, op, st["h"])

    async def a_wait_for(self, who, st):
        name, aw = self.target(who, "wait_for", st)
        if aw is None:
            return None
        d = st["d"]
        try:
            await self.aw(who, "wait_for", f"wait_for {name} {fmt(d)}",
                          lambda: asyncio.wait_for(aw, d))
        except TimeoutError:
            self.count("timeout_fired")
            raise

    async def a_shield(self, who, st):
        name, aw = self.target(who, "shield", st)
        if aw is None:
            return None

        async def go():
            return await asyncio.shield(aw)
        await self.aw(who, "shield", f"shield {name}", go)

    async def a_gather(self, who, st):
        names, aws = [], []
        for it in st["items"]:
            n, a = self.target(who, "gather", it)
            if a is not None:
                names.append(n)
                aws.append(a)
        fut = asyncio.gather(*aws, return_exceptions=st.get("re", False))
        if "as" in st:
            self.count("op", "gather_start")
            name = self.unique(st["as"])
            self.handles[st["as"]] = fut
            self.adopt(name, fut)
            self.log(who, f"gather_start {name} {fmt(names)}")
            return None

        async def go():
            return await fut
        await self.aw(who, "gather", f"gather {fmt(names)}", go)

    def pick(self, who, op, hs):
        pairs = []
        for n in hs:
            h = self.get(who, op, n)
            if h is not None and all(h is not x for _, x in pairs):
                pairs.append((n, h))
        return pairs

    async def a_wait(self, who, st):
        pairs = self.pick(who, "wait", st["hs"])
        if not pairs:
            return None
        when = st.get("when", "ALL_COMPLETED")

        async def go():
            done, pending = await asyncio.wait([h for _, h in pairs], timeout=st.get("d"),
                                               return_when=getattr(asyncio, when))
            if pending and st.get("d") is not None:
                self.count("wait_pending")
            return (sorted(n for n, h in pairs if h in done),
                    sorted(n for n, h in pairs if h in pending))
        await self.aw(who, "wait", f"wait {when} {fmt([n for n, _ in pairs])} {fmt(st.get('d'))}", go)

    async def a_as_completed(self, who, st):
        pairs, seen = [], False
        for n, h in self.pick(who, "as_completed", st["hs"]):
            # asyncio iterates a set here: with two futures that are already
            # done the order would be arbitrary, so only the first is kept
            if not (h.done() and seen):
                pairs.append((n, h))
            seen = seen or h.done()
        if not pairs:
            return None
        cont = st.get("on_error", "raise") == "continue"
        hs = [h for _, h in pairs]
        if st.get("mode", "plain") == "plain":
            for c in asyncio.as_completed(hs, timeout=st.get("d")):
                try:
                    await self.aw(who, "as_completed", "as_completed", lambda: c)
                except Exception as e:
                    if isinstance(e, TimeoutError):
                        self.count("timeout_fired")
                    if not cont:
                        raise
        else:
            if VERSION < (3, 13):
                raise Unsupported("async as_completed")
            it = asyncio.as_completed(hs, timeout=st.get("d"))

            async def step():
                f = await it.__anext__()
                n = next(n for n, h in pairs if h is f)
                return f"{n}:{self.state(f)}"
            while True:
                self.count("op", "as_completed")
                self.note_wait()
                try:
                    r = await step()
                except StopAsyncIteration:
                    break
                except GeneratorExit:
                    raise
                except BaseException as e:
                    self.log(who, f"as_completed ! {fmt_exc(e)}")
                    self.count("exc", "as_completed", fmt_exc(e).split("(")[0])
                    if isinstance(e, TimeoutError):
                        self.count("timeout_fired")
                        if cont:
                            break
                    elif isinstance(e, asyncio.CancelledError):
                        self.count("cancel_delivered")
                    raise
                self.log(who, f"as_completed -> {r}")
        self.log(who, "as_completed end")

    async def a_acquire(self, who, st):
        await self.aw(who, "acquire", f"acquire {st['o']}", self.objs[st["o"]].acquire)

    async def a_with(self, who, st):
        self.count("op", "with")
        o, name = self.objs[st["o"]], st["o"]
        sig = None
        await self.aw(who, "enter", f"enter {name}", o.__aenter__)
        try:
            try:
                sig = await self.block(who, st["body"])
            except GeneratorExit:
                raise
            except BaseException as e:
                self.log(who, f"leave {name} ! {fmt_exc(e)}")
                raise
            self.log(who, f"leave {name}")
        finally:
            try:
                await o.__aexit__(*sys.exc_info())
            except RuntimeError as e:
                self.log(who, f"exit {name} ! {fmt_exc(e)}")
                raise
            except ValueError as e:
                self.log(who, f"exit {name} ! {fmt_exc(e)}")
                raise
        return sig

    async def a_wait_event(self, who, st):
        await self.aw(who, "wait_event", f"wait_event {st['o']}", self.objs[st["o"]].wait)

    async def a_cond_wait(self, who, st):
        await self.aw(who, "cond_wait", f"cond_wait {st['o']}", self.objs[st["o"]].wait)

    async def a_cond_wait_for(self, who, st):
        var, ge = st["var"], st["ge"]
        await self.aw(who, "cond_wait_for", f"cond_wait_for {st['o']} {var}>={ge}",
                      lambda: self.objs[st["o"]].wait_for(lambda: self.vars.get(var, 0) >= ge))

    async def a_barrier_wait(self, who, st):
        await self.aw(who, "barrier_wait", f"barrier_wait {st['o']}", self.objs[st["o"]].wait)

    async def a_barrier_reset(self, who, st):
        await self.aw(who, "barrier_reset", f"barrier_reset {st['o']}", self.objs[st["o"]].reset)

    async def a_barrier_abort(self, who, st):
        await self.aw(who, "barrier_abort", f"barrier_abort {st['o']}", self.objs[st["o"]].abort)

    async def a_put(self, who, st):
        await self.aw(who, "put", f"put {st['o']} {fmt(st['v'])}",
                      lambda: self.objs[st["o"]].put(st["v"]))

    async def a_get(self, who, st):
        await self.aw(who, "get", f"get {st['o']}", self.objs[st["o"]].get)

    async def a_join(self, who, st):
        await self.aw(who, "join", f"join {st['o']}", self.objs[st["o"]].join)


# --------------------------------------------------------------------------
def run(scenario, jitter=None):
    """Run one scenario; returns the --full object."""
    return Interp(scenario, jitter).run()


def project(trace):
    """Trace -> {actor: [[time, event], ...]}: what each actor saw."""
    out = {}
    for t, ev in trace:
        parts = ev.split(" ")
        key = parts[0] if parts[0] != "*" else " ".join(parts[:3])
        out.setdefault(key, []).append([t, ev])
    return out


def is_robust(scenario, base, n=4):
    """True when delaying random callbacks by one loop iteration changes no
    actor's view: such a trace does not hinge on scheduling hops."""
    want = project(base["trace"])
    for j in range(n):
        if project(run(scenario, jitter=1000 + j)["trace"]) != want:
            return False
    return True


def main(argv):
    full = "--full" in argv
    robust = 0
    if "--robust" in argv:
        robust = int(argv[argv.index("--robust") + 1])

    def one(sc):
        r = run(sc)
        if robust:
            r["robust"] = r["error"] is None and is_robust(sc, r, robust)
        return r

    if "--jsonl" in argv:
        for line in sys.stdin:
            if line.strip():
                print(json.dumps(one(json.loads(line)), separators=(",", ":")), flush=True)
        return 0
    sc = json.load(sys.stdin)
    r = one(sc)
    if full or robust:
        print(json.dumps(r, indent=1, sort_keys=True))
    else:
        if r["error"]:
            print(r["error"], file=sys.stderr)
        print("[" + ",\n ".join(json.dumps(x) for x in r["trace"]) + "]")
    return 0 if r["error"] is None else 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
