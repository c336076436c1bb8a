#!/usr/bin/env python3
"""Seeded generator of asyncio scenarios (language: ../README.md).

    python3 gen.py SEED                      one scenario, pretty JSON
    python3 gen.py --from A --to B           JSONL, seeds A..B-1
    python3 gen.py --from 0 --to 1000 --check    run them, report coverage
    options: --target 3.11|3.12|3.13|3.14 (default 3.11: only what 3.11 has)
             --mode calm|mixed|racy       (default: by seed, seed % 3)
             --no-tie-check               (do not run the oracle while generating)

Every delay of a scenario is a different integer, and the scenario is run on
the oracle: if two timers ever fall due at the same instant (or a timer falls
due while other callbacks are ready) it is drawn again.
"""
import collections
import json
import os
import random
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

DEADLINE = 30011
MODES = ("calm", "mixed", "racy")


class Ctx:
    """Where a statement is being generated."""

    def __init__(self, g, tid, depth=0, groups=(), timeouts=(), held=()):
        self.g, self.tid, self.depth = g, tid, depth
        self.groups, self.timeouts, self.held = tuple(groups), tuple(timeouts), tuple(held)

    def sub(self, tid=None, groups=None, timeouts=None, held=None):
        same = tid is None
        return Ctx(self.g, self.tid if same else tid, self.depth + 1,
                   self.groups if groups is None else groups,
                   (self.timeouts if same else ()) if timeouts is None else timeouts,
                   (self.held if same else ()) if held is None else held)


class Gen:
    def __init__(self, seed, attempt=0, target=(3, 11), mode=None):
        self.seed, self.target = seed, target
        self.mode = mode or MODES[seed % 3]
        self.r = random.Random(f"asyncio-scenario/{seed}/{attempt}")
        self.used = set()
        self.objects = {}
        self.n = collections.Counter()
        self.handles = {}        # name -> effective id (../README.md, "Await order")
        self.futures = []
        self.cbs = []
        self.nid = 0

    # -- small helpers -----------------------------------------------------
    def p(self, x):
        return self.r.random() < x

    def d(self, hi=900, lo=1):
        while True:
            x = self.r.randint(lo, hi)
            if x not in self.used:
                self.used.add(x)
                return x
            hi += 7

    def name(self, prefix):
        self.n[prefix] += 1
        return f"{prefix}{self.n[prefix]}"

    def obj(self, type_, prefix, **kw):
        n = self.name(prefix)
        self.objects[n] = {"type": type_, **kw}
        return n

    def tid(self):
        self.nid += 1
        return self.nid

    def task(self, prefix="t"):
        """Allocate a task name (its id fixes who may await it)."""
        n = self.name(prefix)
        self.handles[n] = self.tid()
        return n

    def others(self, ctx):
        return [h for h, i in self.handles.items() if i > ctx.tid]

    def any_handle(self):
        return self.r.choice(list(self.handles) + self.futures) if self.handles else None

    def tag(self):
        return self.name("e")

    def sleep(self, hi=900):
        return {"op": "sleep", "d": self.d(hi)}

    def pause(self):
        """What separates two actions: depends on the mode."""
        x = {"calm": 0.95, "mixed": 0.6, "racy": 0.25}[self.mode]
        if self.p(x):
            return [self.sleep(500)]
        if self.p(0.3):
            return [{"op": "sleep", "d": 0}]
        return []

    def start(self):
        """First statements of a task body."""
        if self.mode == "calm" or self.p(0.5):
            return [self.sleep(300)]
        return []

    def spawn(self, name, body, group=None):
        st = {"op": "spawn", "as": name, "body": body}
        if group:
            st["group"] = group
        if self.target >= (3, 12) and self.p(0.08) and (not group or self.target >= (3, 14)):
            st["eager"] = True
        return st

    def cancel(self, h):
        st = {"op": "cancel", "h": h}
        if self.p(0.3):
            st["msg"] = self.name("m")
        return st

    def peek(self, ctx):
        c = self.r.random()
        h = self.any_handle()
        if c < 0.35 and h:
            return {"op": "state", "h": h}
        if c < 0.6:
            return {"op": "cancelling", "h": "$self"}
        if c < 0.7:
            return {"op": "current"}
        if c < 0.75:
            return {"op": "all_tasks"}
        locks = [o for o, x in self.objects.items() if x["type"] in
                 ("lock", "semaphore", "bounded_semaphore", "condition")]
        if c < 0.9 and locks:
            return {"op": "locked", "o": self.r.choice(locks)}
        return {"op": "log", "msg": self.name("l")}

    def cleanup(self, ctx):
        """Body of a finally / catch: often awaits."""
        out = []
        if self.p(0.6):
            out.append(self.sleep(200))
        if self.p(0.3):
            out.append(self.peek(ctx))
        if self.p(0.08):
            out.append({"op": "raise", "tag": self.tag()})
        return out or [{"op": "log", "msg": self.name("l")}]

    def guard(self, ctx, body, always=False):
        """Wrap a body into one of the usual error-handling shapes."""
        if not always and self.p(0.5):
            return body
        c = self.r.randrange(9)
        t = {"op": "try", "body": body}
        if c == 0:
            t["finally"] = self.cleanup(ctx)
        elif c == 1:
            t["catch"] = [{"match": "cancelled", "body": self.cleanup(ctx), "reraise": True}]
        elif c == 2:      # swallow
            t["catch"] = [{"match": "cancelled", "body": self.cleanup(ctx)}]
        elif c == 3:      # swallow properly
            t["catch"] = [{"match": "cancelled",
                           "body": [{"op": "uncancel"}] + self.cleanup(ctx)}]
        elif c == 4:
            t["catch"] = [{"match": "error", "body": self.cleanup(ctx)}]
            t["finally"] = self.cleanup(ctx)
        elif c == 5:
            t["catch"] = [{"match": "exception", "body": self.cleanup(ctx)}]
        elif c == 6:
            t["catch"] = [{"match": "timeout", "body": self.cleanup(ctx)},
                          {"match": "group", "body": self.cleanup(ctx)}]
        elif c == 7:
            t["catch"] = [{"match": "any", "body": self.cleanup(ctx), "reraise": self.p(0.5)}]
        else:
            t["catch"] = [{"match": "cancelled", "body": [{"op": "raise", "tag": self.tag()}]}]
        return [t]

    def safe(self, ctx, body):
        """Swallow ordinary exceptions so that the scene goes on."""
        return [{"op": "try", "body": body, "catch": [{"match": "exception", "body": []}]}]

    def ret(self):
        return [{"op": "return", "value": self.r.randint(1, 99)}] if self.p(0.4) else []

    def work(self, ctx, n=None):
        """A plain piece of work: sleeps, sometimes an error at the end."""
        out = []
        for _ in range(n or self.r.randint(1, 3)):
            out.append(self.sleep(700))
            if self.p(0.15):
                out.append(self.peek(ctx))
        if self.p(0.25):
            out.append({"op": "raise", "tag": self.tag()})
        return out + self.ret()

    def child(self, ctx, prefix="t", group=None, body=None):
        """(name, spawn statement) of a child doing guarded work."""
        n = self.task(prefix)
        c = ctx.sub(tid=self.handles[n])
        b = self.start() + self.guard(c, body(c) if body else self.work(c))
        return n, self.spawn(n, b, group)

    def reap(self, ctx, names):
        """Wait for children in a random way."""
        c = self.r.randrange(5)
        names = list(names)
        if not names:
            return []
        if c == 0:
            return [{"op": "wait", "hs": names, "d": None, "when": "ALL_COMPLETED"}]
        if c == 1:
            return [{"op": "gather", "items": [{"h": n} for n in names], "re": True}]
        if c == 2:
            return self.safe(ctx, [{"op": "gather", "items": [{"h": n} for n in names], "re": False}]) \
                + [{"op": "wait", "hs": names, "d": None, "when": "ALL_COMPLETED"}]
        if c == 3:
            out = []
            for n in names:
                out.append({"op": "try", "body": [{"op": "await", "h": n}],
                            "catch": [{"match": "any", "body": []}]})
            return out
        return [{"op": "as_completed", "hs": names, "d": None, "on_error": "continue",
                 "mode": self.acmode()}]

    def acmode(self):
        return "async" if self.target >= (3, 13) and self.p(0.5) else "plain"

    def nudge(self, prefix, x=0.18):
        """Sometimes: cancel a peer in the same step as the preceding (or
        following) wake-up -- the classic lost-wake-up races."""
        peers = [h for h in self.handles if h.rstrip("0123456789") == prefix]
        if peers and self.p(x * {"calm": 0.5, "mixed": 1, "racy": 1.5}[self.mode]):
            return [self.cancel(self.r.choice(peers))]
        return []

    def assault(self, ctx, names):
        """Random cancellations, spread over time."""
        out = []
        for _ in range(self.r.randint(0, 4)):
            out += [self.sleep(600)]
            out.append(self.cancel(self.r.choice(names)))
            if self.p(0.15):
                out.append(self.cancel(self.r.choice(names)))
        return out

    # -- scenes ------------------------------------------------------------
    def scene_queue(self, ctx):
        kind = self.r.choice(["queue", "queue", "queue", "priority_queue", "lifo_queue"])
        q = self.obj(kind, "Q", maxsize=self.r.choice([0, 1, 1, 2, 3]))
        out, names = [], []
        for _ in range(self.r.randint(1, 3)):
            def prod(c):
                b = []
                for _ in range(self.r.randint(1, 4)):
                    b += self.pause()
                    v = self.r.randint(1, 50)
                    if self.p(0.15):
                        b += self.safe(c, [{"op": "put_nowait", "o": q, "v": v}])
                    elif self.p(0.15):
                        b += self.safe(c, [{"op": "wait_for", "as": self.name("w"), "d": self.d(400),
                                            "body": [{"op": "put", "o": q, "v": v}]}])
                    else:
                        b.append({"op": "put", "o": q, "v": v})
                    b += self.nudge("cons") + self.nudge("prod", 0.05)
                return b
            n, s = self.child(ctx, "prod", body=prod)
            names.append(n)
            out.append(s)
        for _ in range(self.r.randint(1, 3)):
            def cons(c):
                b = []
                for _ in range(self.r.randint(1, 4)):
                    b += self.pause()
                    if self.p(0.15):
                        b += self.safe(c, [{"op": "get_nowait", "o": q}, {"op": "task_done", "o": q}])
                        continue
                    if self.p(0.15):
                        b += self.safe(c, [{"op": "timeout", "as": self.name("T"), "d": self.d(400),
                                            "body": [{"op": "get", "o": q}]}])
                    else:
                        b.append({"op": "get", "o": q})
                    b += self.nudge("prod")
                    if self.p(0.5):
                        b += self.pause()
                    if self.p(0.85):
                        b += self.safe(c, [{"op": "task_done", "o": q}])
                        b += self.nudge("join", 0.1)
                return b
            n, s = self.child(ctx, "cons", body=cons)
            names.append(n)
            out.append(s)
        if self.p(0.65):
            n, s = self.child(ctx, "join", body=lambda c: [{"op": "join", "o": q}])
            names.append(n)
            out.append(s)
        self.r.shuffle(out)
        out += self.assault(ctx, names)
        if self.target >= (3, 13) and self.p(0.4):
            out += self.pause() + [{"op": "shutdown", "o": q, "immediate": self.p(0.4)}]
        out.append({"op": "queue_info", "o": q})
        if self.p(0.6):
            out.append({"op": "wait", "hs": names, "d": self.d(1500), "when": "ALL_COMPLETED"})
            return out
        return out + self.reap(ctx, names)

    def scene_lock(self, ctx):
        lk = self.obj("lock", "L")
        out, names = [], []
        for _ in range(self.r.randint(2, 5)):
            def body(c):
                b = []
                for _ in range(self.r.randint(1, 2)):
                    b += self.pause()
                    k = self.r.random()
                    hold = [self.sleep(400)] + ([self.peek(c)] if self.p(0.3) else [])
                    hold += self.nudge("lk")
                    if self.p(0.1):
                        hold.append({"op": "raise", "tag": self.tag()})
                    if k < 0.55:
                        b.append({"op": "with", "o": lk, "body": hold})
                    elif k < 0.75:
                        b.append({"op": "acquire", "o": lk})
                        b.append({"op": "try", "body": hold, "finally": [{"op": "release", "o": lk}]})
                        b += self.nudge("lk")
                    elif k < 0.9:
                        b += self.safe(c, [
                            {"op": "timeout", "as": self.name("T"), "d": self.d(500),
                             "body": [{"op": "with", "o": lk, "body": hold}]}])
                    else:
                        b += self.safe(c, [
                            {"op": "wait_for", "as": self.name("w"), "d": self.d(500),
                             "body": [{"op": "with", "o": lk, "body": hold}]}])
                return b
            n, s = self.child(ctx, "lk", body=body)
            names.append(n)
            out.append(s)
        out += self.assault(ctx, names)
        if self.p(0.15):
            out += self.safe(ctx, [{"op": "release", "o": lk}])
        return out + self.reap(ctx, names)

    def scene_sem(self, ctx):
        sm = self.obj(self.r.choice(["semaphore", "bounded_semaphore"]), "S",
                      value=self.r.choice([0, 1, 2, 2, 3]))
        out, names = [], []
        for _ in range(self.r.randint(3, 6)):
            def body(c):
                b = self.pause()
                hold = [self.sleep(500)] + self.nudge("sm")
                k = self.r.random()
                if k < 0.6:
                    b.append({"op": "with", "o": sm, "body": hold})
                elif k < 0.8:
                    b.append({"op": "acquire", "o": sm})
                    b += hold + self.safe(c, [{"op": "release", "o": sm}] + self.nudge("sm"))
                else:
                    b += self.safe(c, [{"op": "wait_for", "as": self.name("w"), "d": self.d(500),
                                        "body": [{"op": "with", "o": sm, "body": hold}]}])
                return b
            n, s = self.child(ctx, "sm", body=body)
            names.append(n)
            out.append(s)
        out += self.assault(ctx, names)
        for _ in range(self.r.randint(0, 3)):
            out += self.pause() + self.safe(ctx, [{"op": "release", "o": sm}]) + self.nudge("sm")
        out.append({"op": "wait", "hs": names, "d": self.d(2500), "when": "ALL_COMPLETED"})
        return out

    def scene_event(self, ctx):
        ev = self.obj("event", "E")
        out, names = [], []
        for _ in range(self.r.randint(2, 4)):
            def body(c):
                b = self.pause()
                if self.p(0.3):
                    b += self.safe(c, [{"op": "wait_for", "as": self.name("w"), "d": self.d(700),
                                        "body": [{"op": "wait_event", "o": ev}]}])
                else:
                    b.append({"op": "wait_event", "o": ev})
                b += self.pause() + [{"op": "is_set", "o": ev}]
                if self.p(0.2):
                    b.append({"op": "clear", "o": ev})
                if self.p(0.3):
                    b += [{"op": "wait_event", "o": ev}]
                return b
            n, s = self.child(ctx, "ev", body=body)
            names.append(n)
            out.append(s)
        out += self.assault(ctx, names)
        for _ in range(self.r.randint(1, 3)):
            out.append(self.sleep(600))
            out.append({"op": "set", "o": ev})
            out += self.nudge("ev")
            if self.p(0.5):
                out += (self.pause() if self.p(0.5) else []) + [{"op": "clear", "o": ev}]
        out.append({"op": "wait", "hs": names, "d": self.d(1500), "when": "ALL_COMPLETED"})
        if self.p(0.7):
            out.append({"op": "set", "o": ev})
        return out

    def scene_cond(self, ctx):
        lock = self.obj("lock", "L") if self.p(0.4) else None
        cv = self.obj("condition", "C", **({"lock": lock} if lock else {}))
        var = self.name("x")
        out, names = [], []
        for _ in range(self.r.randint(2, 4)):
            def body(c):
                b = self.pause()
                if self.p(0.5):
                    inner = [{"op": "cond_wait", "o": cv}]
                else:
                    inner = [{"op": "cond_wait_for", "o": cv, "var": var, "ge": self.r.randint(1, 3)}]
                if self.p(0.3):
                    inner = self.safe(c, [{"op": "timeout", "as": self.name("T"), "d": self.d(600),
                                           "body": inner}])
                inner += [self.peek(c)] + ([self.sleep(300)] if self.p(0.5) else [])
                b.append({"op": "with", "o": cv, "body": self.guard(c, inner) if self.p(0.4) else inner})
                return b
            n, s = self.child(ctx, "cw", body=body)
            names.append(n)
            out.append(s)
        for _ in range(self.r.randint(1, 2)):
            def notifier(c):
                b = []
                for _ in range(self.r.randint(1, 3)):
                    b += [self.sleep(400)]
                    k = self.r.random()
                    nt = ({"op": "notify_all", "o": cv} if k < 0.4 else
                          {"op": "notify", "o": cv, "n": self.r.choice([1, 1, 2])})
                    inner = [{"op": "inc", "var": var}, nt] + self.nudge("cw", 0.25)
                    if self.p(0.6):
                        inner.append(self.sleep(200))
                        inner += self.nudge("cw", 0.3)
                    b.append({"op": "with", "o": cv, "body": inner})
                return b
            n, s = self.child(ctx, "cn", body=notifier)
            names.append(n)
            out.append(s)
        if lock and self.p(0.5):
            n, s = self.child(ctx, "cl", body=lambda c: [
                self.sleep(500), {"op": "with", "o": lock, "body": [self.sleep(400)]}])
            names.append(n)
            out.append(s)
        out += self.assault(ctx, names)
        if self.p(0.1):
            out += self.safe(ctx, [{"op": "notify", "o": cv, "n": 1}])
        out.append({"op": "wait", "hs": names, "d": self.d(2000), "when": "ALL_COMPLETED"})
        return out

    def scene_barrier(self, ctx):
        parties = self.r.randint(2, 3)
        br = self.obj("barrier", "B", parties=parties)
        out, names = [], []
        for _ in range(parties + self.r.randint(0, 3)):
            def body(c):
                b = []
                for _ in range(self.r.randint(1, 2)):
                    b += self.pause()
                    k = self.r.random()
                    if k < 0.2:
                        b.append({"op": "with", "o": br, "body": [self.sleep(200)]})
                    elif k < 0.4:
                        b += self.safe(c, [{"op": "timeout", "as": self.name("T"), "d": self.d(500),
                                            "body": [{"op": "barrier_wait", "o": br}]}])
                    elif k < 0.6:
                        b.append({"op": "try", "body": [{"op": "barrier_wait", "o": br}],
                                  "catch": [{"match": "broken", "body": self.cleanup(c)}]})
                    else:
                        b.append({"op": "barrier_wait", "o": br})
                    b += self.nudge("br", 0.12)
                    if self.p(0.3):
                        b.append({"op": "barrier_info", "o": br})
                return b
            n, s = self.child(ctx, "br", body=body)
            names.append(n)
            out.append(s)
        out += self.assault(ctx, names)
        if self.p(0.5):
            out += [self.sleep(400), {"op": self.r.choice(["barrier_reset", "barrier_abort"]), "o": br}]
            out += self.nudge("br")
            if self.p(0.4):
                out += self.pause() + [{"op": "barrier_reset", "o": br}]
        out.append({"op": "barrier_info", "o": br})
        out.append({"op": "wait", "hs": names, "d": self.d(1500), "when": "ALL_COMPLETED"})
        return out

    def scene_group(self, ctx):
        return self.guard(ctx, self.group(ctx, self.r.randint(0, 2)), always=self.p(0.7))

    def group(self, ctx, nest=0):
        g = self.name("g")
        body, names = [], []
        for i in range(self.r.randint(1, 4)):
            def mk(c):
                if nest and self.p(0.35):
                    return self.group(c, nest - 1)
                b = self.work(c)
                if self.p(0.12):      # cancel the parent (or so), then go on or fail
                    b.insert(-1, self.cancel(self.r.choice([self.scene] + list(self.handles)[-3:])))
                if self.p(0.3):       # a child that spawns a sibling
                    n2, s2 = self.child(c, "gs", group=g)
                    names.append(n2)
                    b.insert(self.r.randrange(len(b) + 1), s2)
                if self.p(0.15):
                    b.insert(0, {"op": "try", "body": [self.sleep(700)],
                                 "catch": [{"match": "cancelled", "body": self.cleanup(c),
                                            "reraise": self.p(0.6)}]})
                return b
            n, s = self.child(ctx, "gc", group=g, body=mk)
            names.append(n)
            body.append(s)
            if self.p(0.3):
                body += self.pause()
        k = self.r.random()
        if k < 0.3:
            body.append(self.sleep(900))
        elif k < 0.45:
            body += [self.sleep(500), {"op": "raise", "tag": self.tag()}]
        elif k < 0.6:
            body += [{"op": "try", "body": [{"op": "await", "h": self.r.choice(names)}],
                      "catch": [{"match": "error", "body": [{"op": "log", "msg": self.name("l")}]}]}]
        elif k < 0.7:
            body += self.guard(ctx, [self.sleep(700)], always=True)
        elif k < 0.8:
            body += [self.sleep(400), self.cancel(self.r.choice(names))]
        elif k < 0.9:             # catch the abort, then try to spawn once more
            n2, s2 = self.child(ctx, "late", group=g)
            body += [{"op": "try", "body": [self.sleep(900)], "catch": [
                {"match": "cancelled", "body": self.safe(ctx, [s2]) + self.cleanup(ctx),
                 "reraise": self.p(0.5)}]}]
        if self.p(0.2):
            body.append({"op": "cancelling", "h": "$self"})
        st = {"op": "group", "as": g, "body": body}
        if self.p(0.25):
            st = {"op": "timeout", "as": self.name("T"), "d": self.d(1200), "body": [st]}
        return [st, {"op": "cancelling", "h": "$self"}] if self.p(0.5) else [st]

    def scene_timeout(self, ctx):
        def nested(depth):
            t = self.name("T")
            body = []
            for _ in range(self.r.randint(1, 2)):
                if depth and self.p(0.6):
                    inner = nested(depth - 1)
                    body += self.guard(ctx, inner, always=self.p(0.5))
                else:
                    body += self.guard(ctx, [self.sleep(700)], always=self.p(0.3))
                if self.p(0.25):
                    body += self.nudge("s", 0.3)
                    body.append({"op": "reschedule", "t": t,
                                 "d": self.r.choice([None, self.d(800), self.d(800)])})
            if self.p(0.1):
                body.append({"op": "raise", "tag": self.tag()})
            if self.p(0.1):
                body.append({"op": "return", "value": self.r.randint(1, 9)})
            d = None if self.p(0.07) else 0 if self.p(0.08) else self.d(900)
            return [{"op": "timeout", "as": t, "d": d,
                     "body": body}, {"op": "expired", "t": t}, {"op": "cancelling", "h": "$self"}]
        return self.guard(ctx, nested(self.r.randint(0, 2)), always=self.p(0.8))

    def scene_wait_for(self, ctx):
        out, names = [], []
        for _ in range(self.r.randint(1, 3)):
            k = self.r.random()
            dd = 0 if self.p(0.08) else (None if self.p(0.06) else self.d(700))
            if k < 0.45:
                n, s = self.child(ctx)
                names.append(n)
                out.append(s)
                w = {"op": "wait_for", "h": n, "d": dd}
            elif k < 0.85:
                b = self.guard(ctx, self.work(ctx)) + self.ret()
                if self.p(0.15):      # finish in the same step as a cancellation
                    b.insert(max(0, len(b) - 1), self.cancel(self.scene))
                w = {"op": "wait_for", "as": self.name("w"), "d": dd, "body": b}
            else:
                f = self.future()
                out.append(self.later([{"op": "set_result", "o": f, "v": 5}], guard=True))
                w = {"op": "wait_for", "h": f, "d": dd}
            out += self.guard(ctx, [w], always=self.p(0.8)) + self.pause()
        if names:
            out.append({"op": "state", "h": names[0]})
        return out

    def scene_shield(self, ctx):
        out, names = [], []
        for _ in range(self.r.randint(1, 3)):
            n, s = self.child(ctx)
            names.append(n)
            out.append(s)
            w = self.task("sh")
            c = ctx.sub(tid=self.handles[n] - 0)
            if self.p(0.7):
                body = [{"op": "shield", "h": n}]
            else:
                body = [{"op": "shield", "as": self.name("si"), "body": self.work(c)}]
            if self.p(0.4):
                body = [{"op": "timeout", "as": self.name("T"), "d": self.d(600), "body": body}]
            elif self.p(0.3):
                body = [{"op": "wait_for", "as": self.name("w"), "d": self.d(600), "body": body}]
            # the shielder has a bigger id than the shielded task: allowed,
            # shield() never passes a cancellation on to its inner future
            out.append(self.spawn(w, self.start() + self.guard(c, body, always=self.p(0.6))))
            names.append(w)
        out += self.assault(ctx, names)
        return out + self.reap(ctx, names)

    def scene_gather(self, ctx):
        out, items, ids, names = [], [], [], []
        for _ in range(self.r.randint(1, 4)):
            if self.p(0.5):
                n, s = self.child(ctx)
                out.append(s)
                items.append({"h": n})
                ids.append(self.handles[n])
                names.append(n)
            else:
                i = self.tid()
                c = ctx.sub(tid=i)
                items.append({"as": self.name("gi"), "body": self.start() + self.guard(c, self.work(c))})
                ids.append(i)
        if self.p(0.15) and names:
            items.append({"h": names[0]})       # the same future twice
        re = self.p(0.5)
        if self.p(0.45):
            n = self.name("G")
            self.handles[n] = min(ids)
            out.append({"op": "gather", "items": items, "re": re, "as": n})
            out += self.assault(ctx, names + [n, n])
            out += self.guard(ctx, [{"op": "await", "h": n}], always=True)
        else:
            out += self.guard(ctx, [{"op": "gather", "items": items, "re": re}], always=self.p(0.7))
        if names:
            out.append({"op": "wait", "hs": names, "d": self.d(1500), "when": "ALL_COMPLETED"})
        return out

    def scene_wait(self, ctx):
        out, names = [], []
        for _ in range(self.r.randint(2, 4)):
            n, s = self.child(ctx)
            out.append(s)
            names.append(n)
        if self.p(0.3):
            f = self.future()
            names.append(f)
            out.append(self.later([{"op": "set_exception" if self.p(0.4) else "set_result",
                                    "o": f, "v": 3, "tag": self.tag()}], guard=True))
        for _ in range(self.r.randint(1, 3)):
            hs = self.r.sample(names, self.r.randint(1, len(names)))
            w = {"op": "wait", "hs": hs, "d": self.d(900) if self.p(0.6) else None,
                 "when": self.r.choice(["FIRST_COMPLETED", "FIRST_EXCEPTION", "ALL_COMPLETED"])}
            if self.p(0.4):
                out.append(self.later([self.cancel(self.r.choice(names))]))
            out += [w] + self.pause()
            if self.p(0.3):
                out.append(self.cancel(self.r.choice(names)))
        return self.guard(ctx, out)

    def scene_as_completed(self, ctx):
        out, names = [], []
        for _ in range(self.r.randint(2, 4)):
            n, s = self.child(ctx)
            out.append(s)
            names.append(n)
        if self.p(0.4):
            out.append(self.later([self.cancel(self.r.choice(names))]))
        out += self.guard(ctx, [{"op": "as_completed", "hs": names, "mode": self.acmode(),
                                 "d": self.d(1200) if self.p(0.5) else None,
                                 "on_error": self.r.choice(["continue", "continue", "raise"])}],
                          always=True)
        return out

    def scene_cleanup(self, ctx):
        """Cancellation protocol: swallow, re-raise, uncancel, cancel twice."""
        n = self.task("v")
        c = ctx.sub(tid=self.handles[n])
        body = [self.sleep(600)]
        for _ in range(self.r.randint(1, 3)):
            body = self.guard(c, body, always=True) + [{"op": "cancelling", "h": "$self"}]
            if self.p(0.5):
                body += [self.sleep(400)]
        if self.p(0.2):
            body.insert(0, self.cancel("$self"))
        out = [self.spawn(n, body)]
        for _ in range(self.r.randint(1, 3)):
            out += [self.sleep(400), self.cancel(n)]
            if self.p(0.2):
                out.append(self.cancel(n))
            out.append({"op": "cancelling", "h": n})
        return out + self.reap(ctx, [n])

    def future(self):
        f = self.obj("future", "F")
        self.futures.append(f)
        return f

    def later(self, do, guard=False):
        """call_later (or call_soon) of synchronous statements."""
        n = self.name("cb")
        self.cbs.append(n)
        if self.p(0.85):
            return {"op": "call_later", "as": n, "d": self.d(800), "do": do}
        return {"op": "call_soon", "as": n, "do": do}

    def scene_future(self, ctx):
        f = self.future()
        out, names = [], []
        for _ in range(self.r.randint(1, 3)):
            def body(c):
                k = self.r.random()
                if k < 0.5:
                    return self.pause() + [{"op": "await", "h": f}]
                if k < 0.75:
                    return self.pause() + [{"op": "shield", "h": f}]
                return self.pause() + [{"op": "wait_for", "h": f, "d": self.d(500)}]
            n, s = self.child(ctx, "fw", body=body)
            out.append(s)
            names.append(n)
        acts = [{"op": "set_result", "o": f, "v": self.r.randint(1, 9)},
                {"op": "set_exception", "o": f, "tag": self.tag()},
                {"op": "cancel", "h": f}]
        for _ in range(self.r.randint(1, 2)):
            if self.p(0.5):
                out.append(self.later([self.r.choice(acts)]))
            else:
                out += [self.sleep(500)] + self.safe(ctx, [self.r.choice(acts)])
        if self.p(0.5):
            out += self.assault(ctx, names)
        out.append({"op": "state", "h": f})
        if self.p(0.4):
            out += [{"op": "try", "body": [{"op": "result", "h": f}],
                     "catch": [{"match": "any", "body": []}]}]
        out.append({"op": "wait", "hs": names, "d": self.d(1200), "when": "ALL_COMPLETED"})
        return out

    def scene_callbacks(self, ctx):
        out = []
        ev = self.obj("event", "E")
        q = self.obj("queue", "Q", maxsize=self.r.choice([0, 1]))
        var = self.name("k")
        mine = []
        for _ in range(self.r.randint(2, 5)):
            do = []
            for _ in range(self.r.randint(1, 2)):
                do.append(self.r.choice([
                    {"op": "inc", "var": var}, {"op": "set", "o": ev}, {"op": "clear", "o": ev},
                    {"op": "put_nowait", "o": q, "v": 1}, {"op": "get_nowait", "o": q},
                    {"op": "raise", "tag": self.tag()}, {"op": "log", "msg": self.name("l")},
                    {"op": "current"}]))
            if self.p(0.25):
                h = self.any_handle()
                if h:
                    do.append(self.cancel(h))
            if self.p(0.2):
                n, s = self.child(ctx)
                do.append(s)
            s = self.later(do)
            mine.append(s["as"])
            out.append(s)
            if self.p(0.4):
                out += self.pause()
            if self.p(0.25):
                out.append({"op": "cancel_handle", "as": self.r.choice(mine)})
        out += self.safe(ctx, [{"op": "timeout", "as": self.name("T"), "d": self.d(900),
                                "body": [{"op": "wait_event", "o": ev}]}])
        if self.p(0.5):
            out += [{"op": "cv_set", "var": "c1", "v": self.r.randint(1, 9)}]
            n, s = self.child(ctx, body=lambda c: [
                {"op": "cv_get", "var": "c1"}, {"op": "cv_set", "var": "c1", "v": 77},
                self.sleep(300), {"op": "cv_get", "var": "c1"}])
            out += [s, self.sleep(400), {"op": "cv_get", "var": "c1"}]
            out += self.safe(ctx, [{"op": "await", "h": n}])
        return out

    def scene_race(self, ctx):
        """Waiters in line, then a burst of wake-ups, cancellations and
        newcomers within one step: who gets what, and is anything lost?"""
        kind = self.r.choice(["lock", "sem", "sem", "get", "get", "put", "put", "event", "cond", "cond",
                              "barrier", "join"])
        out, names = [], []
        n = self.r.randint(2, 4)
        if kind == "lock":
            o = self.obj("lock", "L")
            out.append({"op": "acquire", "o": o})
            wait = lambda: ([{"op": "with", "o": o, "body": [self.sleep(100)] if self.p(0.5) else []}])
            wake = lambda: self.safe(ctx, [{"op": "release", "o": o}])
            join = lambda: [{"op": "acquire", "o": o}]
        elif kind == "sem":
            o = self.obj(self.r.choice(["semaphore", "bounded_semaphore"]), "S", value=n)
            out += [{"op": "acquire", "o": o} for _ in range(n)]
            wait = lambda: ([{"op": "with", "o": o, "body": [self.sleep(100)] if self.p(0.5) else []}]
                            if self.p(0.4) else [{"op": "acquire", "o": o}])
            wake = lambda: self.safe(ctx, [{"op": "release", "o": o}])
            join = lambda: [{"op": "locked", "o": o}, {"op": "acquire", "o": o}]
        elif kind in ("get", "put", "join"):
            t = self.r.choice(["queue", "queue", "priority_queue", "lifo_queue"])
            m = self.r.choice([1, 2])
            o = self.obj(t, "Q", maxsize=m if kind == "put" else self.r.choice([0, 0, 3]))
            v = lambda: self.r.randint(1, 50)
            if kind == "put":
                out += [{"op": "put_nowait", "o": o, "v": v()} for _ in range(m)]
                wait = lambda: [{"op": "put", "o": o, "v": v()}]
                wake = lambda: self.safe(ctx, [{"op": "get_nowait", "o": o}])
                join = lambda: (self.safe(ctx, [{"op": "put_nowait", "o": o, "v": v()}])
                                if self.p(0.5) else [{"op": "put", "o": o, "v": v()}])
            elif kind == "get":
                wait = lambda: [{"op": "get", "o": o}]
                wake = lambda: self.safe(ctx, [{"op": "put_nowait", "o": o, "v": v()}])
                join = lambda: (self.safe(ctx, [{"op": "get_nowait", "o": o}])
                                if self.p(0.5) else [{"op": "get", "o": o}])
            else:
                out += [{"op": "put_nowait", "o": o, "v": v()} for _ in range(2)]
                wait = lambda: [{"op": "join", "o": o}]
                wake = lambda: self.safe(ctx, [{"op": "task_done", "o": o}])
                join = lambda: self.safe(ctx, [{"op": "put_nowait", "o": o, "v": v()}])
        elif kind == "event":
            o = self.obj("event", "E")
            wait = lambda: [{"op": "wait_event", "o": o}, {"op": "is_set", "o": o}]
            wake = lambda: [{"op": self.r.choice(["set", "set", "clear"]), "o": o}]
            join = lambda: [{"op": "wait_event", "o": o}]
        elif kind == "cond":
            o = self.obj("condition", "C")
            var = self.name("x")

            def wait():
                w = ([{"op": "cond_wait", "o": o}] if self.p(0.6) else
                     [{"op": "cond_wait_for", "o": o, "var": var, "ge": self.r.randint(1, 3)}])
                return [{"op": "with", "o": o, "body": w + ([self.sleep(60)] if self.p(0.3) else [])}]
            wake = lambda: [{"op": "inc", "var": var}, {"op": "notify", "o": o, "n": self.r.choice([1, 1, 2])}]
            join = lambda: []
        else:
            o = self.obj("barrier", "B", parties=n)
            wait = lambda: [{"op": "barrier_wait", "o": o}]
            wake = lambda: [{"op": "barrier_info", "o": o}]
            join = lambda: [{"op": self.r.choice(["barrier_wait", "barrier_wait", "barrier_reset", "barrier_abort"]),
                             "o": o}]

        def waiter():
            w = self.task("rw")
            c = ctx.sub(tid=self.handles[w])
            b = self.guard(c, wait()) if self.p(0.4) else wait()
            names.append(w)
            return self.spawn(w, b + ([self.peek(c)] if self.p(0.2) else []))

        out += [waiter() for _ in range(n)]
        for _ in range(self.r.randint(1, 3)):
            out.append(self.sleep(300))
            acts = [wake() for _ in range(self.r.randint(1, 2))]
            acts += [[self.cancel(self.r.choice(names))] for _ in range(self.r.randint(0, 2))]
            if self.p(0.35):
                acts.append([waiter()])
            self.r.shuffle(acts)
            burst = [x for a in acts for x in a]
            if kind == "cond":
                if self.p(0.4):
                    burst += [self.sleep(80)] + ([self.cancel(self.r.choice(names))] if self.p(0.7) else [])
                burst = [{"op": "with", "o": o, "body": burst}]
            elif self.p(0.35):
                burst += self.safe(ctx, [{"op": "timeout", "as": self.name("T"), "d": self.d(200),
                                          "body": join()}])
            out += burst
        for _ in names:               # finally everybody may go
            out.append(self.sleep(120))
            w = wake()
            out += [{"op": "with", "o": o, "body": w}] if kind == "cond" else w
        out.append({"op": "wait", "hs": names, "d": self.d(400), "when": "ALL_COMPLETED"})
        return out

    def scene_soup(self, ctx):
        """Tasks of arbitrary statements over shared objects."""
        lk = self.obj("lock", "L")
        sm = self.obj("semaphore", "S", value=self.r.randint(1, 2))
        ev = self.obj("event", "E")
        q = self.obj("queue", "Q", maxsize=self.r.choice([0, 1, 2]))
        names = [self.task("z") for _ in range(self.r.randint(2, 4))]

        def one(c, depth):
            k = self.r.randrange(20)
            sub = (lambda: many(c, depth - 1)) if depth > 0 else (lambda: [self.sleep(400)])
            if k == 0:
                return [{"op": "with", "o": lk, "body": sub()}] if lk not in c.held else [self.sleep()]
            if k == 1:
                return [{"op": "with", "o": sm, "body": sub()}]
            if k == 2:
                return [{"op": "set", "o": ev}]
            if k == 3:
                return [{"op": "wait_event", "o": ev}]
            if k == 4:
                return [{"op": "put", "o": q, "v": self.r.randint(1, 9)}]
            if k == 5:
                return [{"op": "get", "o": q}]
            if k == 6:
                hs = self.others(c)
                return [{"op": "await", "h": self.r.choice(hs)}] if hs else [self.sleep()]
            if k == 7:
                return [self.cancel(self.r.choice(names))]
            if k == 8:
                return [{"op": "timeout", "as": self.name("T"), "d": self.d(700), "body": sub()}]
            if k == 9:
                return [{"op": "wait_for", "as": self.name("w"), "d": self.d(700), "body": sub()}]
            if k == 10:
                return self.group(c, 0)
            if k == 11:
                n, s = self.child(c)
                return [s] + self.pause() + [{"op": "shield", "h": n}]
            if k == 12:
                items = []
                for _ in range(self.r.randint(1, 3)):
                    i = self.tid()
                    items.append({"as": self.name("gi"), "body": self.work(c.sub(tid=i))})
                return [{"op": "gather", "items": items, "re": self.p(0.5)}]
            if k == 13:
                hs = [h for h in names if self.handles[h] > c.tid]
                return [{"op": "wait", "hs": hs, "d": self.d(700),
                         "when": self.r.choice(["FIRST_COMPLETED", "ALL_COMPLETED"])}] if hs else []
            if k == 14:
                return self.guard(c, sub(), always=True)
            if k == 15:
                return [{"op": "clear", "o": ev}]
            if k == 16:
                return [{"op": "cancelling", "h": "$self"}]
            if k == 17:
                return [{"op": "repeat", "n": 2, "body": sub()[:2]}]
            if k == 18:
                return [{"op": "raise", "tag": self.tag()}] if self.p(0.3) else [self.peek(c)]
            return [self.sleep()]

        def many(c, depth):
            b = []
            for _ in range(self.r.randint(1, 3)):
                b += self.pause() + one(c, depth)
            return b

        out = []
        for n in names:
            c = ctx.sub(tid=self.handles[n])
            b = self.start()
            for _ in range(self.r.randint(2, 5)):
                x = self.pause() + one(c, 2)
                b += self.guard(c, x) if self.p(0.4) else x
            out.append(self.spawn(n, b))
        out += self.assault(ctx, names)
        out.append({"op": "wait", "hs": names, "d": self.d(3000), "when": "ALL_COMPLETED"})
        return out

    SCENES = ["queue", "lock", "sem", "event", "cond", "barrier", "group", "group",
              "timeout", "timeout", "wait_for", "wait_for", "shield", "gather", "gather",
              "wait", "as_completed", "cleanup", "future", "callbacks", "race", "race", "race",
              "soup", "soup"]

    # -- the whole scenario ------------------------------------------------
    def build(self):
        n = self.r.choice([1, 1, 2, 2, 3])
        kinds = [self.SCENES[(self.seed // 3) % len(self.SCENES)]]   # every kind gets its turn
        kinds += [self.r.choice(self.SCENES) for _ in range(n - 1)]
        scenes = [self.task("s") for _ in kinds]
        main = []
        in_group = self.p(0.2)
        for name, kind in zip(scenes, kinds):
            c = Ctx(self, self.handles[name])
            self.scene = name
            body = self.start() + getattr(self, "scene_" + kind)(c)
            main.append(self.spawn(name, body, "g0" if in_group else None))
        if self.p(0.35):
            x = self.task("x")
            b = []
            for _ in range(self.r.randint(1, 3)):
                b += [self.sleep(1200), self.cancel(self.any_handle())]
            main.append(self.spawn(x, b, "g0" if in_group else None))
        mc = Ctx(self, 0)
        if in_group:
            main = self.safe(mc, [{"op": "group", "as": "g0", "body": main}])
        elif self.p(0.5):
            main.append({"op": "wait", "hs": scenes, "d": None, "when": "ALL_COMPLETED"})
        elif self.p(0.5):
            main.append({"op": "gather", "items": [{"h": s} for s in scenes], "re": True})
        else:
            for s in scenes:
                main.append({"op": "try", "body": [{"op": "await", "h": s}],
                             "catch": [{"match": "any", "body": []}]})
        if not in_group and self.p(0.75):
            main.append(self.sleep(4000))         # let the stragglers finish
        main += self.ret()
        return {"v": 1, "seed": self.seed, "mode": self.mode, "target": "%d.%d" % self.target,
                "scenes": kinds, "deadline": DEADLINE, "objects": self.objects, "main": main}


def generate(seed, target=(3, 11), mode=None, tie_check=True):
    """The scenario of a seed (and its oracle result when tie-checked)."""
    import oracle
    for attempt in range(60):
        sc = Gen(seed, attempt, target, mode).build()
        sc["attempt"] = attempt
        if not tie_check:
            return sc, None
        r = oracle.run(sc)
        if r["ties"] == 0 and not r["error"]:
            return sc, r
    raise RuntimeError(f"seed {seed}: no tie-free scenario in 60 attempts")


def main(argv):
    def opt(name, default=None):
        return argv[argv.index(name) + 1] if name in argv else default
    target = tuple(int(x) for x in opt("--target", "3.11").split("."))
    mode = opt("--mode")
    tie = "--no-tie-check" not in argv
    if "--from" not in argv:
        sc, _ = generate(int(argv[0]), target, mode, tie)
        print(json.dumps(sc, indent=1))
        return
    lo, hi = int(opt("--from")), int(opt("--to"))
    total = collections.Counter()
    events = attempts = stuck = dead = 0
    for seed in range(lo, hi):
        sc, r = generate(seed, target, mode, tie)
        attempts += sc["attempt"] + 1
        if "--check" not in argv:
            print(json.dumps(sc, separators=(",", ":")))
            continue
        total.update(r["stats"])
        events += len(r["trace"])
        stuck += r["stats"].get("stuck", 0)
        dead += 1 if r["stats"].get("deadline") else 0
    if "--check" in argv:
        print(json.dumps({"seeds": hi - lo, "attempts": attempts, "events": events, "stuck": stuck,
                          "scenarios_ended_by_deadline": dead,
                          "stats": dict(sorted(total.items()))}, indent=1))


if __name__ == "__main__":
    main(sys.argv[1:])
