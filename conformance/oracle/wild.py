#!/usr/bin/env python3
"""Wild scenarios (language: ../README.md): where gen.py writes plausible programs, this throws every
statement of the language together, over a few shared objects, in small programs.

    python3 wild.py FROM TO | node run314.mjs --robust 4 --no-ties > recordings.jsonl

Unlike gen.py it does not look for ties: --no-ties drops the recordings that have any.
"""
import json
import random
import sys

LOCKS = ("lock", "semaphore", "bounded_semaphore", "condition")
SYNC = ["log", "cancel", "cancel", "cancel", "uncancel", "cancelling", "state", "current", "all_tasks",
        "spawn", "spawn", "spawn", "result", "var", "cv", "reschedule", "expired", "release", "locked",
        "event", "event", "notify", "notify", "barrier_info", "nowait", "nowait", "nowait", "task_done",
        "queue_info", "shutdown", "future", "future", "call_soon", "call_later", "cancel_handle", "raise"]
ASYNC = (["sleep"] * 4 + ["sync"] * 8 + ["try"] * 4 +
         ["repeat", "await", "await", "wait_for", "wait_for", "wait_for_body", "wait_for_body", "shield",
          "shield_body", "gather", "gather", "gather_start", "gather_start", "wait", "wait",
          "as_completed", "as_completed", "group", "group", "group", "timeout", "timeout", "timeout",
          "acquire", "with", "with", "wait_event", "cond_wait", "cond_wait_for", "barrier_wait",
          "barrier_wait", "barrier_break", "put", "put", "get", "get", "join", "return"])


class Wild:
    def __init__(self, seed):
        self.r = random.Random(f"wild-scenario/{seed}")
        self.seed = seed
        self.delays = set()       # all different: no two timers at the same instant, mostly
        self.count = 0
        self.tasks = [f"t{i}" for i in range(1, self.r.randint(3, 7))]
        # A task only waits for handles with a higher number (../README.md, "Await order").
        self.number = {t: i + 1 for i, t in enumerate(self.tasks)}
        self.unspawned = list(self.tasks)
        self.objects = self.some_objects()
        self.futures = [n for n, x in self.objects.items() if x["type"] == "future"]
        self.gathers, self.groups, self.timeouts, self.callbacks = {}, [], [], []
        self.impatience = self.r.choice([.1, .4, .7])
        self.eagerness = self.r.choice([0, .2, .6])
        self.budget = self.r.randint(40, 120)

    def some_objects(self):
        p, r = self.p, self.r
        o = {}
        if p(.7):
            o["L"] = {"type": "lock"}
        if p(.7):
            o["S"] = {"type": "semaphore", "value": r.randint(0, 2)}
        if p(.5):
            o["B"] = {"type": "bounded_semaphore", "value": r.randint(1, 2)}
        if p(.7):
            o["E"] = {"type": "event"}
        if p(.7):
            o["C"] = {"type": "condition"}
            if "L" in o and p(.4):
                o["C"]["lock"] = "L"
        if p(.6):
            o["X"] = {"type": "barrier", "parties": r.randint(1, 3)}
        if p(.8):
            o["Q"] = {"type": r.choice(["queue", "priority_queue", "lifo_queue"]), "maxsize": r.choice([0, 1, 1, 2])}
        for name in ("F1", "F2"):
            if p(.7):
                o[name] = {"type": "future"}
        return o

    # -- small helpers -----------------------------------------------------
    def p(self, x):
        return self.r.random() < x

    def name(self, prefix):
        self.count += 1
        return f"{prefix}{self.count}"

    def d(self, hi=60):
        while True:
            x = self.r.randint(1, hi)
            if x not in self.delays:
                self.delays.add(x)
                return x
            hi += 9

    def delay(self):
        return self.r.choice([0, 0, -3]) if self.p(.12) else self.d()

    def limit(self):
        return None if self.p(.15) else self.delay()

    def awaitable(self, number):
        return ([t for t in self.tasks if self.number[t] > number] + self.futures +
                [g for g, n in self.gathers.items() if n > number])

    def any_handle(self):
        return self.r.choice(self.tasks + self.futures + list(self.gathers) + ["$self", "main"])

    def obj(self, *types):
        names = [n for n, x in self.objects.items() if x["type"] in types]
        return self.r.choice(names) if names else None

    def safe(self, statement):
        if self.p(.1):
            return statement
        return {"op": "try", "body": [statement], "catch": [{"match": "any", "body": []}]}

    # -- synchronous statements --------------------------------------------
    def sync(self, number, depth, in_callback=False):
        for _ in range(20):
            st = self.try_sync(self.r.choice(SYNC), number, depth, in_callback)
            if st is not None:
                return st
        return {"op": "log", "msg": self.name("l")}

    def try_sync(self, kind, number, depth, in_callback):
        p, r = self.p, self.r
        if kind == "log":
            return {"op": "log", "msg": self.name("l")}
        if kind == "cancel":
            st = {"op": "cancel", "h": self.any_handle()}
            return {**st, "msg": self.name("m")} if p(.5) else st
        if kind in ("state", "cancelling") or kind == "result" and p(.3):
            return {"op": kind, "h": self.any_handle()}
        if kind in ("current", "all_tasks") or kind == "uncancel" and not in_callback:
            return {"op": kind}
        if kind == "raise" and p(.5):
            return {"op": "raise", "tag": self.name("e")}
        if kind == "var" and p(.5):
            return {"op": "inc", "var": "v"} if p(.7) else {"op": "set_var", "var": "v", "v": r.randint(0, 3)}
        if kind == "cv":
            return {"op": "cv_set", "var": "c", "v": r.randint(1, 9)} if p(.5) else {"op": "cv_get", "var": "c"}
        if kind == "reschedule" and self.timeouts:
            return {"op": "reschedule", "t": r.choice(self.timeouts), "d": self.limit()}
        if kind == "expired" and self.timeouts:
            return {"op": "expired", "t": r.choice(self.timeouts)}
        if kind in ("release", "locked") and self.obj(*LOCKS):
            return {"op": kind, "o": self.obj(*LOCKS)}
        if kind == "future" and self.futures:
            f = r.choice(self.futures)
            if p(.7):
                return {"op": "set_result", "o": f, "v": r.randint(1, 9)}
            return {"op": "set_exception", "o": f, "tag": self.name("e")}
        if kind == "cancel_handle" and self.callbacks:
            return {"op": "cancel_handle", "as": r.choice(self.callbacks)}
        if kind in ("call_soon", "call_later") and depth > 0 and self.budget > 0:
            return self.callback(kind, depth)
        if kind == "spawn" and self.unspawned and depth > 0:
            return self.spawn(self.unspawned.pop(r.randrange(len(self.unspawned))), depth - 1, in_callback)
        return self.try_object(kind)

    def try_object(self, kind):
        p, r = self.p, self.r
        if kind == "event" and "E" in self.objects:
            return {"op": r.choice(["set", "set", "clear", "is_set"]), "o": "E"}
        if kind == "notify" and "C" in self.objects:
            return {"op": "notify", "o": "C", "n": r.randint(0, 2)} if p(.7) else {"op": "notify_all", "o": "C"}
        if kind == "barrier_info" and "X" in self.objects:
            return {"op": kind, "o": "X"}
        if "Q" not in self.objects:
            return None
        if kind == "nowait":
            return {"op": "put_nowait", "o": "Q", "v": r.randint(1, 9)} if p(.55) else {"op": "get_nowait", "o": "Q"}
        if kind in ("task_done", "queue_info"):
            return {"op": kind, "o": "Q"}
        if kind == "shutdown" and p(.2):
            return {"op": kind, "o": "Q", "immediate": p(.5)}
        return None

    def callback(self, kind, depth):
        name = self.name("cb")
        self.callbacks.append(name)
        do = [self.sync(0, depth - 1, True) for _ in range(self.r.randint(1, 3))]
        if kind == "call_soon":
            return {"op": "call_soon", "as": name, "do": do}
        if self.p(.9):
            return {"op": "call_later", "as": name, "d": self.d(), "do": do}
        return {"op": "call_at", "as": name, "at": self.d(200), "do": do}

    def spawn(self, task, depth, in_callback=False):
        st = {"op": "spawn", "as": task, "body": self.body(self.number[task], depth)}
        if self.groups and self.p(.5):
            st["group"] = self.r.choice(self.groups)
        if self.p(self.eagerness) and not in_callback:
            st["eager"] = True
        return st

    # -- statements of a coroutine body --------------------------------------
    def statement(self, number, depth):
        self.budget -= 1
        if depth <= 0 or self.budget <= 0:
            return {"op": "sleep", "d": self.delay()}
        st = self.try_statement(self.r.choice(ASYNC), number, depth)
        if st is not None:
            return st
        return {"op": "sleep", "d": self.delay()} if self.p(.6) else self.sync(number, depth)

    def try_statement(self, kind, number, depth):
        p, r = self.p, self.r
        handles = self.awaitable(number)
        if kind == "sync":
            return self.sync(number, depth)
        if kind == "try":
            return self.try_(number, depth)
        if kind == "repeat":
            return {"op": "repeat", "n": 2, "body": [{"op": "sleep", "d": 0}, self.sync(number, 0)]}
        if kind in ("await", "shield") and handles:
            return {"op": kind, "h": r.choice(handles)}
        if kind == "wait_for" and handles:
            return {"op": "wait_for", "h": r.choice(handles), "d": self.limit()}
        if kind == "wait_for_body":
            return {"op": "wait_for", "as": self.name("w"), "d": self.limit(), "body": self.block(number, depth - 1)}
        if kind == "shield_body":
            return {"op": "shield", "as": self.name("sh"), "body": self.block(number, depth - 1)}
        if kind in ("gather", "gather_start"):
            return self.gather(kind, handles, number, depth)
        if kind == "wait" and handles:
            return {"op": "wait", "hs": self.several(handles), "d": self.limit(),
                    "when": r.choice(["ALL_COMPLETED", "FIRST_COMPLETED", "FIRST_EXCEPTION"])}
        if kind == "as_completed" and handles:
            return {"op": "as_completed", "hs": self.several(handles), "d": self.limit(),
                    "mode": r.choice(["plain", "async"]), "on_error": r.choice(["raise", "continue"])}
        if kind == "group":
            name = self.name("g")
            self.groups.append(name)
            return {"op": "group", "as": name, "body": self.block(number, depth - 1)}
        if kind == "timeout":
            name = self.name("T")
            self.timeouts.append(name)
            when = {"at": self.d(150)} if p(.1) else {"d": self.limit()}
            return {"op": "timeout", "as": name, "body": self.block(number, depth - 1), **when}
        if kind == "return" and p(.3):
            return {"op": "return", "value": r.randint(1, 9)}
        return self.wait_on_object(kind, number, depth)

    def wait_on_object(self, kind, number, depth):
        p, r = self.p, self.r
        if kind == "acquire" and self.obj(*LOCKS):
            return {"op": "acquire", "o": self.obj(*LOCKS)}
        if kind == "with":
            return self.with_(self.obj(*LOCKS, "condition", "barrier"), number, depth)
        if kind == "wait_event" and "E" in self.objects:
            return {"op": kind, "o": "E"}
        if kind == "cond_wait" and "C" in self.objects:
            return {"op": kind, "o": "C"}
        if kind == "cond_wait_for" and "C" in self.objects:
            return {"op": kind, "o": "C", "var": "v", "ge": r.randint(1, 2)}
        if kind == "barrier_wait" and "X" in self.objects:
            return {"op": kind, "o": "X"}
        if kind == "barrier_break" and "X" in self.objects and p(.4):
            return {"op": r.choice(["barrier_reset", "barrier_abort"]), "o": "X"}
        if kind == "put" and "Q" in self.objects:
            return {"op": kind, "o": "Q", "v": r.randint(1, 9)}
        if kind in ("get", "join") and "Q" in self.objects:
            return {"op": kind, "o": "Q"}
        return None

    def several(self, handles):
        return [self.r.choice(handles) for _ in range(self.r.randint(1, 3))]

    def try_(self, number, depth):
        st = {"op": "try", "body": self.block(number, depth - 1)}
        if self.p(.85):
            kinds = ["any", "exception", "cancelled", "cancelled", "timeout", "error", "group", "broken"]
            st["catch"] = [{"match": self.r.choice(kinds), "body": self.block(number, depth - 1, 0), "reraise": self.p(.3)}
                           for _ in range(self.r.randint(1, 2))]
        if self.p(.3) or "catch" not in st:
            st["finally"] = [x for x in self.block(number, depth - 1) if x["op"] != "return"]
        return st

    def gather(self, kind, handles, number, depth):
        items, lowest = [], 99
        for _ in range(self.r.randint(0, 3)):
            if handles and self.p(.5):
                h = self.r.choice(handles)
                lowest = min(lowest, self.number.get(h, self.gathers.get(h, 99)))
                items.append({"h": h})
            else:
                lowest = min(lowest, number)
                items.append({"as": self.name("gi"), "body": self.block(number, depth - 1)})
        st = {"op": "gather", "items": items, "re": self.p(.5)}
        if kind == "gather_start" and lowest < 99:
            st["as"] = self.name("G")
            self.gathers[st["as"]] = lowest
        return st

    def with_(self, name, number, depth):
        if name is None:
            return None
        body = self.block(number, depth - 1)
        if name == "C" and self.p(.6):
            body.insert(0, self.r.choice([{"op": "cond_wait", "o": "C"}, {"op": "notify", "o": "C", "n": 1},
                                          {"op": "cond_wait_for", "o": "C", "var": "v", "ge": 1}]))
        return {"op": "with", "o": name, "body": body}

    # -- bodies ------------------------------------------------------------
    def block(self, number, depth, shortest=1):
        return [self.statement(number, depth) for _ in range(self.r.randint(shortest, 3))]

    def body(self, number, depth):
        out = [] if self.p(self.impatience) else [{"op": "sleep", "d": self.d()}]
        for _ in range(self.r.randint(1, 3)):
            out += [self.safe(x) if self.p(.6) else x for x in self.block(number, depth)]
        return out

    def build(self):
        main = []
        while self.unspawned:
            main.append(self.spawn(self.unspawned.pop(0), 3))
            if self.p(.3):
                main.append(self.safe(self.statement(0, 2)))
        for _ in range(self.r.randint(2, 7)):
            main.append(self.safe(self.statement(0, 3)))
        if self.p(.5):
            main.append({"op": "sleep", "d": self.d(150)})
        return {"v": 1, "seed": self.seed, "deadline": 1511, "objects": self.objects, "main": main}


if __name__ == "__main__":
    for s in range(int(sys.argv[1]), int(sys.argv[2])):
        print(json.dumps(Wild(s).build(), separators=(",", ":")))
