#!/usr/bin/env python3
"""Hand-written scenarios, one per edge semantic (language: ../README.md).

    python3 directed.py            -> JSONL, one scenario per line, with
                                      "name", "why" and "min" (lowest Python)
"""
import json

OUT = []


def sc(name, why, main, objects=None, min="3.11", deadline=30011):
    OUT.append({"v": 1, "name": name, "why": why, "min": min, "deadline": deadline,
                "objects": objects or {}, "main": main})


# -- constructors ----------------------------------------------------------
def sl(d, **k): return {"op": "sleep", "d": d, **k}
def sp(n, *b, **k): return {"op": "spawn", "as": n, "body": list(b), **k}
def aw(h): return {"op": "await", "h": h}
def ca(h, msg=None): return {"op": "cancel", "h": h, **({"msg": msg} if msg else {})}
def lg(m): return {"op": "log", "msg": m}
def cg(h="$self"): return {"op": "cancelling", "h": h}
def rz(t): return {"op": "raise", "tag": t}
def rt(v): return {"op": "return", "value": v}
def st(h): return {"op": "state", "h": h}
def gr(n, *b): return {"op": "group", "as": n, "body": list(b)}
def to(n, d, *b): return {"op": "timeout", "as": n, "d": d, "body": list(b)}
def wf(h, d): return {"op": "wait_for", "h": h, "d": d}
def wfb(n, d, *b): return {"op": "wait_for", "as": n, "d": d, "body": list(b)}
def sh(h): return {"op": "shield", "h": h}
def shb(n, *b): return {"op": "shield", "as": n, "body": list(b)}
def ga(*hs, re=False, **k): return {"op": "gather", "items": [h if isinstance(h, dict) else {"h": h} for h in hs], "re": re, **k}
def gi(n, *b): return {"as": n, "body": list(b)}
def wt(hs, when="ALL_COMPLETED", d=None): return {"op": "wait", "hs": hs, "d": d, "when": when}
def ac(hs, d=None, on="continue", mode="plain"): return {"op": "as_completed", "hs": hs, "d": d, "on_error": on, "mode": mode}
def wi(o, *b): return {"op": "with", "o": o, "body": list(b)}
def o1(op, o, **k): return {"op": op, "o": o, **k}
def put(q, v): return {"op": "put", "o": q, "v": v}
def get(q): return {"op": "get", "o": q}
def tr(body, *catches, fin=None):
    t = {"op": "try", "body": body}
    if catches:
        t["catch"] = list(catches)
    if fin is not None:
        t["finally"] = fin
    return t
def ct(match, *b, re=False): return {"match": match, "body": list(b), "reraise": re}
def ok(*b): return tr(list(b), ct("any"))          # swallow anything
def exc(*b): return tr(list(b), ct("exception"))
def cs(n, *do): return {"op": "call_soon", "as": n, "do": list(do)}
def cl(n, d, *do): return {"op": "call_later", "as": n, "d": d, "do": list(do)}
UN = {"op": "uncancel"}
CUR = {"op": "current"}
L = {"L": {"type": "lock"}}
E = {"E": {"type": "event"}}
F = {"F": {"type": "future"}}
C = {"C": {"type": "condition"}}
def S(v, b=False): return {"S": {"type": "bounded_semaphore" if b else "semaphore", "value": v}}
def Q(m=0, t="queue"): return {"Q": {"type": t, "maxsize": m}}
def B(n): return {"B": {"type": "barrier", "parties": n}}
def waitall(*n): return wt(list(n))


# == tasks and cancellation ================================================
sc("cancel_before_start", "a task cancelled before its first step never runs its body",
   [sp("a", lg("never")), ca("a"), st("a"), ok(aw("a")), st("a")])
sc("cancel_done", "cancel() of a finished task returns false and changes nothing",
   [sp("a", rt(1)), aw("a"), ca("a"), cg("a"), st("a")])
sc("cancel_twice_one_delivery", "two cancels before delivery: one CancelledError, cancelling()==2, the last message wins or the first?",
   [sp("a", tr([sl(50)], ct("cancelled", cg(), sl(7), cg()))), sl(10), ca("a", "m1"), ca("a", "m2"), cg("a"), ok(aw("a"))])
sc("cancel_twice_pending_step", "cancel of a task whose step is already scheduled",
   [sp("a", tr([sl(0)], ct("cancelled", cg()))), {"op": "sleep", "d": 0}, ca("a", "m1"), ca("a", "m2"), ok(aw("a"))])
sc("cancel_self_then_return", "a pending self-cancel turns a plain return into a cancelled task",
   [sp("a", ca("$self"), rt(5)), ok(aw("a")), st("a")])
sc("cancel_self_then_raise", "a pending self-cancel does not replace an exception",
   [sp("a", ca("$self"), rz("x")), ok(aw("a")), st("a")])
sc("cancel_self_then_await", "a pending self-cancel is delivered at the next real suspension",
   [sp("a", ca("$self"), lg("still"), tr([sl(50)], ct("cancelled", cg())), sl(5), rt(2)), ok(aw("a")), st("a")])
sc("cancel_self_uncontended", "a pending self-cancel is not delivered by awaits that do not suspend",
   [sp("a", ca("$self"), o1("acquire", "L"), lg("got"), o1("wait_event", "E"), put("Q", 1), sl(0), lg("no")),
    ok(aw("a"))], {**L, **E, **Q(0), "E": {"type": "event"}}, )
OUT[-1]["main"].insert(0, o1("set", "E"))
sc("uncancel_clears_pending", "uncancel() down to 0 before delivery withdraws the cancellation (3.13+)",
   [sp("a", ca("$self"), UN, sl(5), lg("alive"), rt(1)), ok(aw("a")), st("a")], min="3.13")
sc("uncancel_partial", "uncancel() from 2 to 1 does not withdraw it",
   [sp("a", ca("$self"), ca("$self"), UN, tr([sl(5)], ct("cancelled", cg()))), ok(aw("a"))])
sc("uncancel_floor", "uncancel() never goes below 0", [UN, UN, cg()])
sc("swallow_keeps_count", "catching CancelledError leaves cancelling()==1; only uncancel() lowers it",
   [sp("a", tr([sl(50)], ct("cancelled")), cg(), sl(9), UN, cg(), sl(8)), sl(10), ca("a"), aw("a"), st("a")])
sc("cancel_message_chain", "the message travels through nested tasks; a second read has lost it",
   [sp("c", sl(90)), sp("b", aw("c")), sp("a", aw("b")), sl(10), ca("a", "why"),
    ok(aw("a")), ok({"op": "result", "h": "a"}), ok({"op": "result", "h": "a"}), ok(aw("c"))])
sc("cancel_propagates_down", "cancelling an awaiting task cancels what it awaits",
   [sp("b", tr([sl(90)], fin=[sl(11)])), sp("a", aw("b")), sl(10), ca("a"), st("a"), ok(aw("a")), st("b")])
sc("child_suppresses_cancel", "the awaited child swallows: the parent goes on, cancelling()==1",
   [sp("b", tr([sl(90)], ct("cancelled", rt(5)))), sp("a", aw("b"), cg(), sl(3), rt(6)), sl(10), ca("a"), ok(aw("a")), st("b")])
sc("child_converts_cancel", "the awaited child raises another error instead",
   [sp("b", tr([sl(90)], ct("cancelled", rz("conv")))), sp("a", aw("b")), sl(10), ca("a"), ok(aw("a")), cg("a")])
sc("await_cancelled_child", "awaiting a task that somebody else cancelled raises CancelledError, cancelling()==0",
   [sp("b", sl(90)), sp("a", tr([aw("b")], ct("cancelled", cg()))), sl(10), ca("b"), ok(aw("a")), st("a")])
sc("second_cancel_interrupts_cleanup", "a cancel during an awaiting finally aborts the cleanup",
   [sp("a", tr([sl(90)], fin=[sl(40), lg("unreached")])), sl(10), ca("a", "one"), sl(11), ca("a", "two"), ok(aw("a")), cg("a")])
sc("cancel_in_finally_of_error", "a cancel during cleanup replaces the pending error",
   [sp("a", tr([rz("e")], fin=[sl(40)])), sl(10), ca("a"), ok(aw("a")), st("a")])
sc("shared_child_cancel", "cancelling one of two awaiters cancels the shared child and so the other awaiter",
   [sp("c", sl(90)), sp("a", aw("c")), sp("b", aw("c")), sl(10), ca("a"), ok(aw("a")), ok(aw("b")), cg("b")])
sc("shared_future_cancel", "the same with a bare future",
   [sp("a", aw("F")), sp("b", aw("F")), sl(10), ca("a"), ok(aw("a")), ok(aw("b")), st("F")], F)
sc("shared_child_shielded", "shield() decouples the awaiters",
   [sp("c", sl(90), rt(4)), sp("a", sh("c")), sp("b", sh("c")), sl(10), ca("a"), ok(aw("a")), ok(aw("b"))])
sc("await_self", "a task that awaits itself gets RuntimeError at that await",
   [sp("a", sl(1), tr([aw("a")], ct("any", lg("caught"))), rt(1)), ok(aw("a"))])
sc("fifo_start_order", "tasks start in creation order; sleep(0) is round robin",
   [sp("a", lg(1), sl(0), lg(2), sl(0), lg(3)), sp("b", lg(1), sl(0), lg(2)), sp("c", lg(1)), waitall("a", "b", "c")])
sc("await_done_no_yield", "awaiting a finished task does not suspend",
   [sp("a", rt(1)), sp("n", lg("n1"), sl(0), lg("n2"), sl(0), lg("n3")), sl(0), aw("a"), lg("m1"), aw("a"), lg("m2"), waitall("n")])
sc("await_pending_order", "wake-up order of several awaiters is the order in which they awaited",
   [sp("t", sl(20)), sp("a", aw("t")), sp("b", aw("t")), sp("c", aw("t")), waitall("a", "b", "c")])
sc("done_callbacks_before_waiters", "done callbacks and waiters run in registration order",
   [sp("t", sl(20), rt(3)), aw("t"), lg("after")])
sc("sleep_negative", "sleep(d<=0) is one bare yield",
   [sp("a", lg(1), sl(-5, result=9), lg(2)), sp("b", lg(1), sl(0), lg(2)), waitall("a", "b")])
sc("result_pending", "result() of an unfinished task raises InvalidState",
   [sp("a", sl(20)), ok({"op": "result", "h": "a"}), aw("a"), {"op": "result", "h": "a"}])
sc("main_cancels_itself", "cancel of main", [ca("$self", "self"), ok(sl(5)), cg(), sl(6), rt(1)])
sc("leftovers_at_shutdown", "what main leaves behind is cancelled in creation order; a stubborn task is cancelled again",
   [sp("a", sl(5000)), sp("b", tr([sl(5000)], fin=[sl(30)])),
    sp("c", tr([sl(5000)], ct("cancelled", lg("no"))), sl(5001)), sp("d", tr([sl(5002)], ct("cancelled", rz("late")))), sl(10)])
sc("deadlock_deadline", "a deadlock is broken by the deadline",
   [sp("a", wi("L", sl(5), wi("M", sl(6)))), sp("b", wi("M", sl(7), wi("L", sl(8)))), waitall("a", "b")],
   {**L, "M": {"type": "lock"}}, deadline=500)

# == futures ===============================================================
sc("future_twice", "a second set_result is InvalidState; cancel() of a done future is false",
   [o1("set_result", "F", v=1), exc(o1("set_result", "F", v=2)), exc(o1("set_exception", "F", tag="x")), ca("F"), aw("F")], F)
sc("future_cancelled_then_set", "set_result on a cancelled future is InvalidState",
   [ca("F", "m"), exc(o1("set_result", "F", v=2)), st("F"), ok(aw("F")), ok(aw("F"))], F)
sc("future_exception_twice", "every await of a failed future raises",
   [o1("set_exception", "F", tag="x"), exc(aw("F")), exc(aw("F")), exc({"op": "result", "h": "F"})], F)
sc("future_waiters_fifo", "waiters resume in FIFO order",
   [sp("a", aw("F")), sp("b", aw("F")), sl(5), o1("set_result", "F", v=8), waitall("a", "b")], F)
sc("future_result_then_cancel_waiter", "a waiter cancelled in the step in which its future completes gets CancelledError",
   [sp("a", aw("F")), sl(5), o1("set_result", "F", v=8), ca("a"), ok(aw("a")), st("F")], F)
sc("future_cancel_waiter_then_set", "cancelling the waiter cancels the bare future: set_result then fails",
   [sp("a", aw("F")), sl(5), ca("a"), exc(o1("set_result", "F", v=8)), ok(aw("a"))], F)

# == timeout ===============================================================
sc("timeout_fires", "", [exc(to("T", 20, sl(50))), cg(), sl(3)])
sc("timeout_not_fires", "", [to("T", 50, sl(20)), sl(60), cg()])
sc("timeout_none", "", [to("T", None, sl(20))])
sc("timeout_inner_first", "", [exc(to("A", 90, exc(to("B", 20, sl(50))), sl(30), lg("still in A")))])
sc("timeout_outer_first", "the outer one fires: inner sees CancelledError, outer raises Timeout",
   [exc(to("A", 20, to("B", 90, sl(50)))), cg()])
sc("timeout_outer_while_inner_cleanup", "the inner fires, its cleanup is hit by the outer",
   [exc(to("A", 30, exc(to("B", 20, tr([sl(90)], fin=[sl(40)]))))), cg()])
sc("timeout_both_expired", "both expired before the body ends: swallow once",
   [exc(to("A", 25, to("B", 20, tr([sl(90)], ct("cancelled", tr([sl(50)], ct("cancelled"))))))), cg(), {"op": "expired", "t": "A"}, {"op": "expired", "t": "B"}])
sc("timeout_zero_no_await", "timeout(0) around a body that never suspends does not fire", [to("T", 0, lg("x")), cg(), sl(0), cg()])
sc("timeout_zero_await", "timeout(0) fires at the first suspension", [exc(to("T", 0, sl(0), lg("unreached"))), cg()])
sc("timeout_zero_lock", "timeout(0) around an uncontended acquire does not fire", [to("T", 0, o1("acquire", "L")), cg()], L)
sc("timeout_past", "timeout_at in the past", [sl(40), exc({"op": "timeout", "as": "T", "at": 10, "body": [sl(5)]})])
sc("timeout_at_future", "", [sl(40), exc({"op": "timeout", "as": "T", "at": 55, "body": [sl(30)]})])
sc("timeout_swallowed", "body swallows the cancellation: no TimeoutError, expired()==true, count restored",
   [to("T", 20, tr([sl(50)], ct("cancelled", lg("eaten"))), sl(7)), cg(), {"op": "expired", "t": "T"}])
sc("timeout_converted", "body turns the cancellation into another error: that error wins",
   [exc(to("T", 20, tr([sl(50)], ct("cancelled", rz("conv"))))), cg()])
sc("timeout_finally_slow", "TimeoutError is raised only when the cleanup is over",
   [exc(to("T", 20, tr([sl(50)], fin=[sl(30)])))])
sc("timeout_external_cancel", "an external cancel is not turned into TimeoutError",
   [sp("a", to("T", 50, sl(90))), sl(20), ca("a", "ext"), ok(aw("a")), cg("a")])
sc("timeout_external_cancel_after_expiry", "an external cancel during the cleanup after expiry wins",
   [sp("a", to("T", 20, tr([sl(90)], fin=[tr([sl(30)], fin=[lg("z")])]))), sl(31), ca("a", "ext"), ok(aw("a")), cg("a")])
sc("timeout_same_step_cancel", "external cancel and expiry in the same step: CancelledError, not Timeout",
   [sp("a", tr([to("T", 90, sl(10), {"op": "reschedule", "t": "T", "d": -1}, ca("$self", "ext"), sl(5))], ct("any", cg()))), ok(aw("a"))])
sc("timeout_with_prior_cancel", "a task with cancelling()==1 can still use timeout()",
   [sp("a", tr([sl(50)], ct("cancelled")), cg(), exc(to("T", 20, sl(60))), cg(), sl(5), rt(1)), sl(10), ca("a"), ok(aw("a"))])
sc("timeout_reschedule_later", "", [to("T", 20, {"op": "reschedule", "t": "T", "d": 70}, sl(50)), sl(90)])
sc("timeout_reschedule_sooner", "", [exc(to("T", 90, {"op": "reschedule", "t": "T", "d": 15}, sl(50)))])
sc("timeout_reschedule_none", "", [to("T", 20, {"op": "reschedule", "t": "T", "d": None}, sl(50))])
sc("timeout_reschedule_past", "", [exc(to("T", 90, sl(7), {"op": "reschedule", "t": "T", "d": -3}, lg("sync ok"), sl(50)))])
sc("timeout_reschedule_expired", "reschedule() after expiry is RuntimeError",
   [exc(to("T", 20, tr([sl(50)], ct("cancelled", exc({"op": "reschedule", "t": "T", "d": 5}), re=True)))),
    exc({"op": "reschedule", "t": "T", "d": 5})])
sc("timeout_error_in_body", "", [exc(to("T", 50, sl(10), rz("x"))), sl(60), cg()])
sc("timeout_return_in_body", "", [sp("a", to("T", 50, sl(10), rt(3))), aw("a"), sl(60)])
sc("timeout_in_loop", "", [{"op": "repeat", "n": 3, "body": [exc(to("T", 20, sl(33)))]}, cg()])
sc("timeout_around_lock", "timed-out waiter leaves the queue; the lock passes on",
   [sp("a", wi("L", sl(50))), sp("b", exc(to("T", 20, wi("L", sl(5))))), sp("c", wi("L", sl(6))), waitall("a", "b", "c")], L)

# == wait_for ==============================================================
sc("wait_for_value", "", [wfb("w", 50, sl(20), rt(4)), sp("a", sl(10), rt(5)), wf("a", 50), wfb("v", None, sl(3), rt(6))])
sc("wait_for_timeout", "", [exc(wfb("w", 20, sl(50))), sp("a", sl(50)), exc(wf("a", 21)), st("a"), cg()])
sc("wait_for_cleanup", "waits for the cleanup of the cancelled awaitable",
   [exc(wfb("w", 20, tr([sl(90)], fin=[sl(30)]))), sp("a", tr([sl(90)], fin=[sl(31)])), exc(wf("a", 21))])
sc("wait_for_suppressed", "the awaitable swallows the cancellation: its value is returned",
   [wfb("w", 20, tr([sl(90)], ct("cancelled", rt(7)))), cg(),
    sp("a", tr([sl(90)], ct("cancelled", sl(12), rt(8)))), wf("a", 21), cg()], min="3.12")
sc("wait_for_converted", "", [exc(wfb("w", 20, tr([sl(90)], ct("cancelled", rz("conv"))))),
                              sp("a", tr([sl(90)], ct("cancelled", rz("conv2")))), exc(wf("a", 21)), cg()])
sc("wait_for_zero_coroutine", "timeout<=0: an unstarted coroutine never starts", [exc(wfb("w", 0, lg("never"))), exc(wfb("w2", -3, lg("never"))), cg()])
sc("wait_for_zero_done", "timeout<=0 with a done task: its value", [sp("a", rt(3)), sl(5), wf("a", 0)])
sc("wait_for_zero_pending", "timeout<=0 with a running task: cancelled and awaited", [sp("a", tr([sl(90)], fin=[sl(20)])), sl(5), exc(wf("a", 0)), st("a")])
sc("wait_for_zero_stubborn", "timeout<=0 with a task that swallows the cancel: its value", [sp("a", tr([sl(90)], ct("cancelled", sl(20), rt(9)))), sl(5), wf("a", 0)])
sc("wait_for_outer_cancel", "cancelling the waiter cancels the awaitable",
   [sp("b", sl(90)), sp("a", wf("b", 50)), sp("c", wfb("w", 51, sl(91))), sl(10), ca("a", "x"), ca("c", "y"), ok(aw("a")), ok(aw("c")), st("b")])
sc("wait_for_outer_cancel_suppressed", "the awaitable swallows an outer cancel: its value is returned",
   [sp("b", tr([sl(90)], ct("cancelled", rt(2)))), sp("a", wf("b", 50), cg(), sl(4)), sl(10), ca("a"), ok(aw("a"))])
sc("wait_for_inner_cancelled", "the awaitable is cancelled by someone else: CancelledError, not Timeout",
   [sp("b", sl(90)), sp("a", tr([wf("b", 50)], ct("cancelled", cg()))), sl(10), ca("b"), ok(aw("a")), st("a")])
sc("wait_for_same_task", "since 3.12 the coroutine runs in the caller's task", [wfb("w", 50, CUR, sl(3)), CUR], min="3.12")
sc("wait_for_context", "since 3.12 context changes made by the coroutine are visible afterwards",
   [{"op": "cv_set", "var": "c", "v": 1}, wfb("w", 50, {"op": "cv_set", "var": "c", "v": 2}, sl(3)), {"op": "cv_get", "var": "c"}], min="3.12")
sc("wait_for_shield", "", [sp("b", sl(90), rt(1)), exc(wfb("w", 20, sh("b"))), st("b"), aw("b")])
sc("wait_for_result_and_cancel_same_step", "completion and an outer cancel in the same step: CancelledError wins",
   [sp("a", tr([wf("F", 50)], ct("any", cg()))), sl(10), o1("set_result", "F", v=1), ca("a"), ok(aw("a")), st("F")], F, min="3.12")
sc("wait_for_nested", "", [exc(wfb("o", 30, exc(wfb("i", 20, tr([sl(90)], fin=[sl(5)]))), sl(50)))])
sc("wait_for_queue_get", "a timed-out get does not lose an item",
   [sp("a", exc(wfb("w", 20, get("Q")))), sl(30), put("Q", 1), get("Q"), waitall("a")], Q())

# == shield ================================================================
sc("shield_outer_cancel", "", [sp("b", sl(50), rt(1)), sp("a", sh("b")), sl(10), ca("a", "m"), ok(aw("a")), st("b"), aw("b")])
sc("shield_coroutine", "", [sp("a", shb("i", sl(50), lg("survived"))), sl(10), ca("a"), ok(aw("a")), sl(60)])
sc("shield_inner_cancel", "cancelling the inner cancels the outer: CancelledError, cancelling()==0",
   [sp("b", sl(50)), sp("a", tr([sh("b")], ct("cancelled", cg()))), sl(10), ca("b"), ok(aw("a"))])
sc("shield_inner_fails", "", [sp("b", sl(20), rz("x")), exc(sh("b"))])
sc("shield_inner_fails_late", "the inner fails after the outer was cancelled: reported to the loop's exception handler (3.14)",
   [sp("a", shb("i", sl(50), rz("late"))), sl(10), ca("a"), ok(aw("a")), sl(60)], min="3.14")
sc("shield_done", "shield of a done task is that task", [sp("b", rt(2)), sl(5), sh("b")])
sc("shield_nested", "", [sp("c", sl(50), rt(3)), sp("b", sh("c")), sp("a", sh("b")), sl(10), ca("a"), ok(aw("a")), st("b"), ok(aw("b"))])
sc("shield_in_timeout", "", [sp("b", sl(50), rt(3)), exc(to("T", 20, sh("b"))), st("b"), aw("b")])
sc("shield_loop", "the idiom: keep waiting for the inner through cancellations",
   [sp("b", sl(90), rt(3)), sp("a", tr([sh("b")], ct("cancelled", lg("again"), tr([sh("b")], ct("cancelled", lg("again2"), sh("b"))))), cg()),
    sl(10), ca("a"), sl(11), ca("a"), ok(aw("a"))])
sc("shield_double_cancel_same_step", "", [sp("b", sl(50)), sp("a", tr([sh("b")], ct("cancelled", cg()))), sl(10), ca("a"), ca("a"), ok(aw("a")), aw("b")])

# == gather ================================================================
sc("gather_order", "results are in argument order", [ga(gi("x", sl(30), rt(1)), gi("y", sl(10), rt(2)), gi("z", sl(20), rt(3)))])
sc("gather_empty", "", [ga(), ga(re=True)])
sc("gather_first_error", "the first error is raised at once; the others go on",
   [sp("a", sl(50), rt(1)), sp("b", sl(10), rz("x")), sp("c", sl(20), rz("y")), exc(ga("a", "b", "c")), st("a"), st("c"), aw("a"), st("c")])
sc("gather_return_exceptions", "", [sp("a", sl(50), rt(1)), sp("b", sl(10), rz("x")), sp("c", sl(90)), sl(5), ca("c", "m"), ga("a", "b", "c", re=True)])
sc("gather_child_cancelled", "a cancelled child raises CancelledError in the awaiter; siblings go on; cancelling()==0",
   [sp("a", sl(50), rt(1)), sp("b", sl(60)), cl("k", 10, ca("b")), tr([ga("a", "b")], ct("cancelled", cg())), st("a"), aw("a")])
for re in (False, True):
    n = "re" if re else "nore"
    sc(f"gather_outer_cancel_{n}", "cancelling the awaiter cancels every child; CancelledError even with return_exceptions",
       [sp("a", tr([sl(50)], fin=[sl(11)])), sp("b", tr([sl(60)], fin=[sl(22)])), sp("g", ga("a", "b", re=re)),
        sl(10), ca("g", "m"), ok(aw("g")), st("a"), st("b"), sl(40), st("a"), st("b")])
    sc(f"gather_outer_cancel_suppressed_{n}", "children swallow the cancel: gather still raises CancelledError",
       [sp("a", tr([sl(50)], ct("cancelled", rt(1)))), sp("b", tr([sl(60)], ct("cancelled", sl(9), rt(2)))),
        sp("g", tr([ga("a", "b", re=re)], ct("any", cg()))), sl(10), ca("g"), ok(aw("g"))])
    sc(f"gather_outer_cancel_converted_{n}", "one child turns the cancel into an error",
       [sp("a", tr([sl(50)], ct("cancelled", rz("conv")))), sp("b", tr([sl(60)], fin=[sl(9)])),
        sp("g", tr([ga("a", "b", re=re)], ct("any", cg()))), sl(10), ca("g"), ok(aw("g"))])
    sc(f"gather_cancel_when_all_done_{n}", "the awaiter is cancelled in the step in which the last child ends",
       [sp("a", aw("F")), sp("g", tr([ga("a", re=re)], ct("any", cg()))), sl(10), o1("set_result", "F", v=1), ca("g"), ok(aw("g")), st("a")], F)
sc("gather_handle_cancel", "cancel() of the gather future: true, children cancelled, future done only when they are",
   [sp("a", tr([sl(50)], fin=[sl(11)])), ga("a", {"as": "x", "body": [sl(60)]}, **{"as": "G"}), sl(10), ca("G", "m"), st("G"), ok(aw("G")), st("a")])
sc("gather_handle_cancel_done", "cancel() after an error was propagated: false, the others go on",
   [sp("a", sl(50), rt(1)), sp("b", sl(10), rz("x")), ga("a", "b", **{"as": "G"}), exc(aw("G")), ca("G"), st("a"), aw("a")])
sc("gather_duplicate", "the same task twice", [sp("a", sl(10), rt(1)), ga("a", "a")])
sc("gather_nested", "", [sp("a", sl(10), rt(1)), sp("b", sl(20), rt(2)), ga("a", **{"as": "G"}), ga("G", "b")])
sc("gather_done_children", "all children already done", [sp("a", rt(1)), sp("b", rz("x")), sl(5), ga("a", "b", re=True), exc(ga("a", "b"))])
sc("gather_timeout", "", [exc(to("T", 20, ga(gi("x", tr([sl(50)], fin=[sl(5)])), gi("y", sl(60)))))])
sc("gather_error_then_second_error", "an error after the first one is silent", [exc(ga(gi("x", sl(10), rz("x")), gi("y", sl(20), rz("y")))), sl(30)])

# == wait ==================================================================
AB = [sp("a", sl(10), rt(1)), sp("b", sl(20), rz("x")), sp("c", sl(30), rt(3))]
for w in ("FIRST_COMPLETED", "FIRST_EXCEPTION", "ALL_COMPLETED"):
    sc("wait_" + w.lower(), "", AB + [wt(["a", "b", "c"], w), wt(["a", "b", "c"], w), sl(40)])
sc("wait_first_exception_cancel", "a cancelled task is not an exception for FIRST_EXCEPTION",
   [sp("a", sl(50)), sp("b", sl(30)), cl("k", 10, ca("a")), wt(["a", "b"], "FIRST_EXCEPTION")])
sc("wait_timeout", "the pending are left running", AB + [wt(["a", "b", "c"], d=15), st("c"), sl(40), st("c")])
sc("wait_timeout_zero", "", AB + [wt(["a", "b", "c"], d=0)])
sc("wait_cancelled", "cancelling a waiter cancels nothing else", AB + [sp("w", waitall("a", "c")), sl(5), ca("w"), ok(aw("w")), st("a"), aw("c")])
sc("wait_done", "already done tasks", [sp("a", rt(1)), sl(5), waitall("a"), lg("x")])
sc("wait_no_raise", "wait never raises the children's errors", [sp("b", sl(20), rz("x")), waitall("b"), st("b")])

# == as_completed ==========================================================
ABC = [sp("a", sl(30), rt(1)), sp("b", sl(10), rt(2)), sp("c", sl(20), rz("x"))]
for mode, mn in (("plain", "3.11"), ("async", "3.13")):
    sc("as_completed_" + mode, "completion order", ABC + [ac(["a", "b", "c"], mode=mode)], min=mn)
    sc("as_completed_timeout_" + mode, "timeout: the remaining yield TimeoutError, the tasks go on",
       ABC + [exc(ac(["a", "b", "c"], d=15, mode=mode)), st("a"), sl(30), st("a")], min=mn)
    sc("as_completed_cancelled_child_" + mode, "", ABC + [cl("k", 5, ca("a")), ok(ac(["a", "b", "c"], mode=mode))], min=mn)
    sc("as_completed_consumer_cancelled_" + mode, "", ABC + [sp("w", ac(["a", "b", "c"], mode=mode)), sl(15), ca("w"), ok(aw("w")), aw("a")], min=mn)
sc("as_completed_raise", "", ABC + [exc(ac(["a", "b", "c"], on="raise")), aw("a")])

# == TaskGroup =============================================================
def gs(n, *b): return sp(n, *b, group="g")


sc("group_ok", "", [gr("g", gs("a", sl(10), rt(1)), gs("b", sl(20), rt(2))), st("a"), st("b")])
sc("group_empty", "an empty group does not suspend", [sp("n", lg("n")), gr("g"), lg("m"), sl(1)])
sc("group_child_fails", "siblings and the body are cancelled; the body's CancelledError disappears; cancelling()==0",
   [tr([gr("g", gs("a", sl(10), rz("x")), gs("b", tr([sl(50)], fin=[sl(5)])), sl(60))], ct("group", cg(), sl(3)))])
sc("group_child_fails_in_exit", "the same while __aexit__ is waiting", [tr([gr("g", gs("a", sl(10), rz("x")), gs("b", sl(50)))], ct("group", cg(), sl(3)))])
sc("group_many_errors", "errors are collected in the order in which the children end",
   [exc(gr("g", gs("a", sl(10), rz("x")), gs("b", tr([sl(50)], ct("cancelled", sl(5), rz("y")))), gs("c", tr([sl(50)], ct("cancelled", rz("z"))))))])
sc("group_body_raises", "the body's error comes last in the group", [exc(gr("g", gs("a", tr([sl(50)], ct("cancelled", rz("c")))), sl(10), rz("body"))), cg()])
sc("group_body_raises_no_children", "an error of the body alone is wrapped too", [exc(gr("g", rz("x")))])
sc("group_body_cancelled_error_swallowed", "the body swallows the abort: the group still raises",
   [exc(gr("g", gs("a", sl(10), rz("x")), tr([sl(50)], ct("cancelled", lg("eaten"))), sl(7), lg("body end"))), cg()])
sc("group_child_cancelled", "a child cancelled alone is not an error", [gr("g", gs("a", sl(50)), gs("b", sl(20)), sl(5), ca("a")), st("a"), cg()])
sc("group_child_raises_cancelled", "a child awaiting a cancelled task", [sp("z", sl(90)), gr("g", gs("a", aw("z")), gs("b", sl(20)), sl(5), ca("z")), st("a")])
sc("group_await_failing_child", "awaiting the failing child in the body gives CancelledError, not its error",
   [exc(gr("g", gs("a", sl(10), rz("x")), tr([aw("a")], ct("any", lg("seen"), re=True)))), cg()])
sc("group_await_failing_child_swallow", "", [exc(gr("g", gs("a", sl(10), rz("x")), tr([aw("a")], ct("any", lg("seen"))), sl(5)))])
sc("group_parent_cancelled", "an outside cancel cancels the children and propagates", [sp("p", gr("g", gs("a", tr([sl(50)], fin=[sl(5)])), gs("b", sl(60)))), sl(10), ca("p", "m"), ok(aw("p")), cg("p")])
sc("group_parent_cancelled_in_body", "", [sp("p", gr("g", gs("a", tr([sl(50)], fin=[sl(5)])), sl(40))), sl(10), ca("p", "m"), ok(aw("p"))])
sc("group_parent_cancelled_child_fails", "outside cancel and a child's error in the cleanup: the group wins, but the cancellation stays pending (3.13+)",
   [sp("p", tr([gr("g", gs("a", tr([sl(50)], ct("cancelled", rz("x")))))], ct("group", cg(), tr([sl(3)], ct("cancelled", lg("re-cancelled"), cg()))))), sl(10), ca("p"), ok(aw("p"))], min="3.13")
sc("group_parent_cancelled_child_fails_return", "the same, but the parent ends without awaiting: it ends cancelled",
   [sp("p", tr([gr("g", gs("a", tr([sl(50)], ct("cancelled", rz("x")))))], ct("group", lg("done")))), sl(10), ca("p"), ok(aw("p")), st("p")], min="3.13")
sc("group_child_fails_then_parent_cancelled", "an outside cancel while the abort is under way",
   [sp("p", tr([gr("g", gs("a", sl(10), rz("x")), gs("b", tr([sl(50)], fin=[sl(30)])))], ct("any", cg(), sl(3)))), sl(20), ca("p"), ok(aw("p")), st("p")])
sc("group_child_cancels_parent", "", [sp("p", gr("g", gs("a", sl(10), ca("p"), sl(5)), sl(50))), ok(aw("p")), cg("p")])
sc("group_child_cancels_parent_and_fails", "both in the same step", [sp("p", tr([gr("g", gs("a", sl(10), ca("p"), rz("x")), sl(50))], ct("any", cg(), sl(3)))), ok(aw("p")), st("p")])
sc("group_spawn_finished", "spawning into a finished group is RuntimeError", [gr("g", gs("a", rt(1))), exc(gs("b", rt(2)))])
sc("group_spawn_aborting", "spawning into an aborting group is RuntimeError",
   [exc(gr("g", gs("a", sl(10), rz("x")), gs("b", tr([sl(50)], ct("cancelled", exc(gs("c", rt(1)))))), tr([sl(60)], ct("cancelled", exc(gs("d", rt(1))), re=True))))])
sc("group_child_spawns", "children may spawn siblings, even while __aexit__ waits", [gr("g", gs("a", sl(10), gs("b", sl(10), gs("c", sl(11))))), st("c")])
sc("group_nested_error", "", [exc(gr("o", sp("p", gr("g", gs("a", sl(10), rz("x")), sl(50)), group="o"), sp("q", sl(60), group="o"))), st("q")])
sc("group_nested_in_body", "", [exc(gr("o", sp("q", tr([sl(60)], fin=[sl(4)]), group="o"), gr("g", gs("a", sl(10), rz("x"))), lg("unreached")))])
sc("group_nested_outer_fails", "the outer group fails while the inner one waits",
   [exc(gr("o", sp("q", sl(10), rz("x"), group="o"), gr("g", gs("a", tr([sl(50)], fin=[sl(5)]))), lg("unreached"))), cg()])
sc("group_nested_both_fail", "", [exc(gr("o", sp("q", sl(10), rz("x"), group="o"), gr("g", gs("a", tr([sl(50)], ct("cancelled", rz("y"))))))), cg(), sl(2)])
sc("group_timeout_around", "", [exc(to("T", 20, gr("g", gs("a", tr([sl(50)], fin=[sl(5)])), sl(60)))), cg()])
sc("group_timeout_around_child_fails", "timeout and a child's error in its cleanup", [exc(to("T", 20, gr("g", gs("a", tr([sl(50)], ct("cancelled", rz("x"))))))), cg(), sl(2)])
sc("group_timeout_inside", "", [exc(gr("g", gs("a", to("T", 20, sl(50))), sl(60)))])
sc("group_timeout_in_body", "", [gr("g", gs("a", sl(40)), exc(to("T", 20, sl(50))), lg("on")), cg()])
sc("group_body_return", "return inside the body still waits for the children", [sp("p", gr("g", gs("a", sl(20)), rt(5))), aw("p")])
sc("group_swallowing_child", "a child that swallows the abort delays the end", [exc(gr("g", gs("a", sl(10), rz("x")), gs("b", tr([sl(50)], ct("cancelled")), sl(30), rt(4)))), st("b")])
sc("group_children_cancelled_once", "the children are cancelled once only: a second cancel of the parent does not reach a child that swallowed the first",
   [sp("p", gr("g", gs("a", tr([sl(500)], ct("cancelled", lg("eaten"))), sl(100)))), sl(10), ca("p"), sl(10), ca("p"), sl(10), ca("p"), ok(aw("p")), cg("p")])
sc("cond_uncancellable", "a Condition.wait() whose lock is never released again cannot be cancelled",
   [sp("a", wi("C", o1("cond_wait", "C"))), sl(5), o1("acquire", "C"), ca("a"), sl(5), ca("a"), sl(5), st("a"), o1("release", "C"), ok(aw("a"))], C)
sc("group_cancel_order", "children are cancelled in creation order", [exc(gr("g", gs("a", sl(50)), gs("b", sl(60)), gs("c", sl(70)), sl(10), rz("x")))])
sc("group_prior_cancelling", "a group inside a task with cancelling()==1",
   [sp("p", tr([sl(50)], ct("cancelled")), exc(gr("g", gs("a", sl(10), rz("x")), sl(40))), cg(), sl(3), rt(1)), sl(5), ca("p"), ok(aw("p")), st("p")])
sc("group_shield", "", [sp("z", sl(50), rt(3)), exc(gr("g", gs("a", sl(10), rz("x")), gs("b", sh("z")))), st("z"), aw("z")])
sc("group_catch_inside", "", [gr("g", gs("a", exc(sl(10), rz("x"))), gs("b", sl(20)))])

# == locks =================================================================
def user(n, *b): return sp(n, *b)


sc("lock_fifo", "", [sp("a", wi("L", sl(20))), sp("b", wi("L", sl(5))), sp("c", wi("L", sl(6))), waitall("a", "b", "c")], L)
sc("lock_cancel_middle", "", [sp("a", wi("L", sl(20))), sp("b", wi("L", sl(5))), sp("c", wi("L", sl(6))), sl(10), ca("b"), waitall("a", "b", "c")], L)
sc("lock_release_then_cancel_first", "the woken waiter is cancelled before it runs: the next one gets the lock",
   [o1("acquire", "L"), sp("b", wi("L", sl(5))), sp("c", wi("L", sl(6))), sl(10), o1("release", "L"), ca("b"), o1("locked", "L"), waitall("b", "c")], L)
sc("lock_cancel_then_release", "", [o1("acquire", "L"), sp("b", wi("L", sl(5))), sp("c", wi("L", sl(6))), sl(10), ca("b"), o1("release", "L"), o1("locked", "L"), waitall("b", "c")], L)
sc("lock_no_barging", "release, then acquire in the same step: the queued waiter goes first",
   [sp("a", wi("L", sl(10)), o1("acquire", "L"), lg("second"), o1("release", "L")), sp("b", wi("L", sl(5))), waitall("a", "b")], L)
sc("lock_barging_by_third", "a task arriving between the release and the wake-up must queue",
   [o1("acquire", "L"), sp("b", wi("L", sl(5))), sl(10), sp("c", wi("L", sl(6))), o1("release", "L"), waitall("b", "c")], L)
sc("lock_release_unlocked", "", [exc(o1("release", "L")), o1("locked", "L")], L)
sc("lock_release_by_other", "a lock has no owner: any task may release it", [sp("a", o1("acquire", "L"), sl(50)), sl(10), o1("release", "L"), o1("locked", "L"), wi("L", sl(2)), ca("a"), ok(aw("a"))], L)
sc("lock_reentrant", "not re-entrant: deadlock", [sp("a", exc(to("T", 20, wi("L", wi("L"))))), aw("a"), o1("locked", "L")], L)
sc("lock_timeout_all_waiters", "all waiters cancelled: the next acquire succeeds at once",
   [o1("acquire", "L"), sp("b", o1("acquire", "L")), sl(5), ca("b"), o1("release", "L"), o1("acquire", "L"), lg("mine"), waitall("b")], L)
sc("sem_fifo", "", [*[sp(n, wi("S", sl(d))) for n, d in (("a", 20), ("b", 26), ("c", 5), ("d", 7))], waitall("a", "b", "c", "d")], S(2))
sc("sem_zero", "", [sp("a", o1("acquire", "S")), sl(10), o1("release", "S"), waitall("a")], S(0))
sc("sem_release_two", "", [sp("a", o1("acquire", "S")), sp("b", o1("acquire", "S")), sp("c", o1("acquire", "S")), sl(10), o1("release", "S"), o1("release", "S"), o1("locked", "S"), sl(5), o1("release", "S"), waitall("a", "b", "c")], S(0))
sc("sem_release_cancel_woken", "a woken waiter is cancelled: its permit goes to the next",
   [sp("a", o1("acquire", "S")), sp("b", o1("acquire", "S")), sl(10), o1("release", "S"), ca("a"), waitall("a", "b")], S(0))
sc("sem_release_cancel_woken_last", "... or back to the counter", [sp("a", o1("acquire", "S")), sl(10), o1("release", "S"), ca("a"), waitall("a"), o1("locked", "S"), o1("acquire", "S")], S(0))
sc("sem_cancel_then_release", "", [sp("a", o1("acquire", "S")), sp("b", o1("acquire", "S")), sl(10), ca("a"), o1("release", "S"), waitall("a", "b")], S(0))
sc("sem_no_barging", "release, then acquire in the same step must queue behind the woken waiter",
   [sp("a", wi("S", sl(10)), o1("locked", "S"), o1("acquire", "S"), lg("second"), o1("release", "S")), sp("b", wi("S", sl(5))), waitall("a", "b")], S(1))
sc("sem_bounded_over", "", [exc(o1("release", "S")), o1("acquire", "S"), o1("release", "S"), exc(o1("release", "S"))], S(1, True))
sc("sem_unbounded_over", "", [o1("release", "S"), o1("acquire", "S"), o1("acquire", "S"), o1("locked", "S")], S(1))
sc("sem_two_released_two_cancelled", "", [*[sp(n, o1("acquire", "S")) for n in "abcd"], sl(10), o1("release", "S"), o1("release", "S"), ca("a"), ca("b"), sl(5), st("c"), st("d")], S(0))
sc("sem_positive_but_queued", "value>0 while a woken waiter has not run yet: a newcomer still queues (locked() is true)",
   [sp("a", o1("acquire", "S")), sl(10), o1("release", "S"), o1("release", "S"), o1("locked", "S"), o1("acquire", "S"), lg("mine"), waitall("a")], S(0))
sc("cond_notify_skips_done", "notify() does not count waiters that are already on their way",
   [*[sp(n, wi("C", o1("cond_wait", "C"))) for n in "abc"], sl(10), wi("C", o1("notify", "C", n=1), o1("notify", "C", n=1)), sl(5), st("b"), st("c")], C)
sc("event_fifo", "", [sp("a", o1("wait_event", "E")), sp("b", o1("wait_event", "E")), sl(10), o1("set", "E"), waitall("a", "b")], E)
sc("event_set_clear", "set and clear in one step: the waiters still wake", [sp("a", o1("wait_event", "E"), o1("is_set", "E")), sl(10), o1("set", "E"), o1("clear", "E"), waitall("a")], E)
sc("event_set_cancel", "set, then cancel of a waiter in one step", [sp("a", o1("wait_event", "E")), sl(10), o1("set", "E"), ca("a"), waitall("a")], E)
sc("event_already", "", [o1("set", "E"), o1("wait_event", "E"), o1("clear", "E"), exc(to("T", 5, o1("wait_event", "E")))], E)
sc("cond_fifo", "", [*[sp(n, wi("C", o1("cond_wait", "C"))) for n in "abc"], sl(10), wi("C", o1("notify", "C", n=2), sl(5)), sl(5), wi("C", o1("notify_all", "C")), waitall("a", "b", "c")], C)
sc("cond_unlocked", "wait and notify without the lock are RuntimeError", [exc(o1("cond_wait", "C")), exc(o1("notify", "C", n=1)), exc(o1("notify_all", "C"))], C)
sc("cond_cancel_reacquires", "a cancelled wait re-acquires the lock before it raises",
   [sp("a", wi("C", tr([o1("cond_wait", "C")], fin=[o1("locked", "C")]))), sl(5), sp("b", wi("C", sl(30))), sl(10), ca("a", "m"), ok(aw("a")), waitall("b")], C)
sc("cond_cancel_during_reacquire", "a cancel while a notified waiter re-acquires: raised when the lock is held; another waiter is notified instead (3.13+)",
   [sp("a", wi("C", tr([o1("cond_wait", "C")], fin=[o1("locked", "C")]))), sp("z", wi("C", o1("cond_wait", "C"))), sl(5), wi("C", o1("notify", "C", n=1), sl(10), ca("a", "m"), sl(10)), ok(aw("a")), sl(5), st("z")], C, min="3.13")
sc("cond_double_cancel_during_reacquire", "two cancels: the last CancelledError is raised",
   [sp("a", wi("C", tr([o1("cond_wait", "C")], fin=[cg()]))), sl(5), wi("C", o1("notify", "C", n=1), sl(10), ca("a", "m1"), sl(10), ca("a", "m2"), sl(10)), ok(aw("a"))], C)
sc("cond_notify_cancel_same_step", "", [sp("a", wi("C", o1("cond_wait", "C"))), sp("b", wi("C", o1("cond_wait", "C"))), sl(5), wi("C", o1("notify", "C", n=1), ca("a")), sl(5), st("b")], C, min="3.13")
sc("cond_wait_for", "", [sp("a", wi("C", {"op": "cond_wait_for", "o": "C", "var": "x", "ge": 2})), sl(5), {"op": "repeat", "n": 2, "body": [wi("C", {"op": "inc", "var": "x"}, o1("notify_all", "C")), sl(7)]}, waitall("a")], C)
sc("cond_wait_for_true", "no suspension when the predicate holds", [{"op": "set_var", "var": "x", "v": 3}, wi("C", {"op": "cond_wait_for", "o": "C", "var": "x", "ge": 2})], C)
sc("cond_shared_lock", "", [sp("a", wi("C", o1("cond_wait", "C"))), sp("b", wi("D", o1("cond_wait", "D"))), sl(5), wi("L", o1("notify", "C", n=1), o1("notify", "D", n=1), sl(4)), waitall("a", "b")],
   {"L": {"type": "lock"}, "C": {"type": "condition", "lock": "L"}, "D": {"type": "condition", "lock": "L"}})
sc("cond_timeout", "", [sp("a", wi("C", exc(to("T", 20, o1("cond_wait", "C"))), o1("locked", "C"))), sp("b", sl(10), wi("C", sl(30))), waitall("a", "b")], C)
sc("barrier_basic", "indices by arrival", [*[sp(n, sl(d), o1("barrier_wait", "B")) for n, d in (("a", 10), ("b", 20), ("c", 30))], waitall("a", "b", "c")], B(3))
sc("barrier_generations", "", [*[sp(n, o1("barrier_wait", "B"), sl(d), o1("barrier_wait", "B")) for n, d in (("a", 10), ("b", 20))], waitall("a", "b")], B(2))
sc("barrier_draining", "a third party arriving while it drains waits for the next generation",
   [*[sp(n, o1("barrier_wait", "B")) for n in "abcd"], waitall("a", "b", "c", "d")], B(2))
sc("barrier_one", "parties==1 never blocks", [o1("barrier_wait", "B"), o1("barrier_wait", "B")], B(1))
sc("barrier_cancel", "a cancelled waiter leaves; the barrier is not broken", [sp("a", o1("barrier_wait", "B")), sp("b", o1("barrier_wait", "B")), sl(5), ca("a"), sl(5), o1("barrier_info", "B"), sp("c", o1("barrier_wait", "B")), sp("d", o1("barrier_wait", "B")), waitall("b", "c", "d")], B(3))
sc("barrier_abort", "", [sp("a", o1("barrier_wait", "B")), sl(5), o1("barrier_abort", "B"), sl(5), exc(o1("barrier_wait", "B")), o1("barrier_info", "B"), o1("barrier_reset", "B"), o1("barrier_info", "B"), waitall("a")], B(2))
sc("barrier_reset_waiters", "", [sp("a", o1("barrier_wait", "B")), sl(5), o1("barrier_reset", "B"), o1("barrier_info", "B"), sp("b", o1("barrier_wait", "B")), o1("barrier_wait", "B"), waitall("a", "b")], B(2))
sc("barrier_reset_empty", "", [o1("barrier_reset", "B"), o1("barrier_info", "B")], B(2))
sc("barrier_last_cancels_first", "a waiter is cancelled in the step in which the barrier trips", [sp("a", o1("barrier_wait", "B")), sl(5), o1("barrier_wait", "B"), ca("a"), sl(3), o1("barrier_info", "B"), waitall("a")], B(2))
sc("barrier_with", "", [sp("a", wi("B", sl(5))), sl(2), wi("B", sl(6)), waitall("a")], B(2))
sc("barrier_timeout", "", [exc(to("T", 10, o1("barrier_wait", "B"))), o1("barrier_info", "B")], B(2))

# == queues ================================================================
sc("queue_getters_fifo", "", [sp("a", get("Q")), sp("b", get("Q")), sl(5), put("Q", 1), put("Q", 2), waitall("a", "b")], Q())
sc("queue_putters_fifo", "", [sp("a", put("Q", 1)), sp("b", put("Q", 2)), sp("c", put("Q", 3)), sl(5), get("Q"), sl(2), get("Q"), sl(2), get("Q"), waitall("a", "b", "c")], Q(1))
sc("queue_nowait", "", [exc(o1("get_nowait", "Q")), o1("put_nowait", "Q", v=1), exc(o1("put_nowait", "Q", v=2)), o1("queue_info", "Q"), o1("get_nowait", "Q")], Q(1))
sc("queue_put_cancel_getter", "the woken getter is cancelled: the item goes to the next getter", [sp("a", get("Q")), sp("b", get("Q")), sl(5), put("Q", 1), ca("a"), waitall("a", "b")], Q())
sc("queue_put_cancel_getter_last", "... or stays in the queue", [sp("a", get("Q")), sl(5), put("Q", 1), ca("a"), ok(aw("a")), o1("queue_info", "Q"), get("Q")], Q())
sc("queue_get_cancel_putter", "the woken putter is cancelled: the slot goes to the next putter", [put("Q", 0), sp("a", put("Q", 1)), sp("b", put("Q", 2)), sl(5), get("Q"), ca("a"), waitall("a", "b"), get("Q")], Q(1))
sc("queue_steal", "an item is taken by get_nowait before the woken getter runs: the getter goes to the back of the line",
   [sp("a", get("Q")), sp("b", get("Q")), sl(5), put("Q", 1), o1("get_nowait", "Q"), sl(5), put("Q", 2), sl(5), put("Q", 3), waitall("a", "b")], Q())
sc("queue_put_barging", "a put into a slot that a woken putter was promised", [put("Q", 0), sp("a", put("Q", 1)), sl(5), get("Q"), o1("put_nowait", "Q", v=9), sl(5), get("Q"), get("Q"), waitall("a")], Q(1))
sc("queue_no_suspend", "put and get that need not wait do not suspend", [sp("n", lg("n")), put("Q", 1), get("Q"), lg("m"), sl(1)], Q())
sc("queue_join", "", [{"op": "join", "o": "Q"}, put("Q", 1), put("Q", 2), sp("j", {"op": "join", "o": "Q"}), get("Q"), o1("task_done", "Q"), sl(5), get("Q"), o1("task_done", "Q"), waitall("j"), exc(o1("task_done", "Q"))], Q())
sc("queue_join_readd", "an item added between the last task_done and the joiner's wake-up does not hold join back",
   [put("Q", 1), sp("j", {"op": "join", "o": "Q"}), sl(5), get("Q"), o1("task_done", "Q"), put("Q", 2), waitall("j")], Q())
sc("queue_priority", "", [*[put("Q", v) for v in (5, 1, 4, 2, 3)], *[get("Q") for _ in range(5)]], Q(0, "priority_queue"))
sc("queue_lifo", "", [*[put("Q", v) for v in (5, 1, 4)], *[get("Q") for _ in range(3)]], Q(0, "lifo_queue"))
sc("queue_negative", "maxsize<=0 is unlimited", [put("Q", 1), put("Q", 2), o1("queue_info", "Q")], Q(-1))
sc("queue_timeout_get", "", [exc(to("T", 10, get("Q"))), put("Q", 1), get("Q")], Q())
SD = "3.13"
sc("queue_shutdown_getter", "a blocked getter raises", [sp("a", exc(get("Q"))), sl(5), o1("shutdown", "Q"), waitall("a"), exc(put("Q", 1)), exc(get("Q")), exc(o1("get_nowait", "Q")), exc(o1("put_nowait", "Q", v=1))], Q(), min=SD)
sc("queue_shutdown_drain", "graceful: what is inside can still be taken", [put("Q", 1), put("Q", 2), o1("shutdown", "Q"), exc(put("Q", 3)), get("Q"), get("Q"), exc(get("Q"))], Q(), min=SD)
sc("queue_shutdown_putter", "a blocked putter raises", [put("Q", 0), sp("a", exc(put("Q", 1))), sl(5), o1("shutdown", "Q"), waitall("a"), o1("queue_info", "Q")], Q(1), min=SD)
sc("queue_shutdown_immediate", "immediate: items vanish, join is released", [put("Q", 1), put("Q", 2), sp("j", {"op": "join", "o": "Q"}), sl(5), o1("shutdown", "Q", immediate=True), waitall("j"), exc(get("Q")), o1("queue_info", "Q")], Q(), min=SD)
sc("queue_shutdown_immediate_inflight", "immediate with an item in processing: join still waits for task_done", [put("Q", 1), put("Q", 2), get("Q"), sp("j", {"op": "join", "o": "Q"}), sl(5), o1("shutdown", "Q", immediate=True), sl(5), st("j"), o1("task_done", "Q"), waitall("j")], Q(), min=SD)
sc("queue_shutdown_twice", "graceful, then immediate", [put("Q", 1), o1("shutdown", "Q"), o1("shutdown", "Q", immediate=True), exc(get("Q"))], Q(), min=SD)

# == callbacks, context ====================================================
sc("call_soon_fifo", "", [cs("x", lg(1)), sp("a", lg(2)), cs("y", lg(3)), lg("now"), sl(0), lg("next")])
sc("call_soon_nested", "a callback scheduled by a callback runs in the next iteration", [cs("x", cs("y", lg("y"))), cs("z", lg("z")), sl(0), lg("m1"), sl(0), lg("m2")])
sc("call_soon_cancel", "", [cs("x", lg("never")), {"op": "cancel_handle", "as": "x"}, sl(5), {"op": "cancel_handle", "as": "x"}])
sc("call_later_order", "", [cl("x", 20, lg(1)), cl("y", 10, lg(2)), {"op": "call_at", "as": "z", "at": 15, "do": [lg(3)]}, sl(30)])
sc("call_later_cancel", "", [cl("x", 20, lg("never")), sl(10), {"op": "cancel_handle", "as": "x"}, sl(20)])
sc("callback_raises", "an exception in a callback goes to the exception handler; the loop goes on", [cs("x", rz("cb")), cs("y", lg("ok")), cl("z", 5, rz("cb2")), sl(10)])
sc("callback_no_task", "no current task inside a callback", [cs("x", CUR), sl(0), CUR])
sc("callback_cancels", "", [sp("a", sl(50)), cl("x", 10, ca("a", "m")), ok(aw("a"))])
sc("context_copy", "a task gets a copy of its creator's context at creation",
   [{"op": "cv_set", "var": "c", "v": 1}, sp("a", {"op": "cv_get", "var": "c"}, {"op": "cv_set", "var": "c", "v": 2}, sl(5), {"op": "cv_get", "var": "c"}),
    {"op": "cv_set", "var": "c", "v": 3}, aw("a"), {"op": "cv_get", "var": "c"}])
sc("context_callback", "call_soon copies the context at scheduling time", [{"op": "cv_set", "var": "c", "v": 1}, cs("x", {"op": "cv_get", "var": "c"}, {"op": "cv_set", "var": "c", "v": 9}), {"op": "cv_set", "var": "c", "v": 2}, sl(0), {"op": "cv_get", "var": "c"}])
sc("all_tasks", "", [sp("a", sl(10)), sp("b", rt(1)), {"op": "all_tasks"}, sl(5), {"op": "all_tasks"}, ga(gi("x", {"op": "all_tasks"}))])

# == eager tasks ===========================================================
def ea(n, *b, **k): return sp(n, *b, eager=True, **k)


sc("eager_sync", "an eager task that never suspends is done when create_task returns", [ea("a", lg("x"), CUR, rt(3)), st("a"), CUR, lg("after")], min="3.12")
sc("eager_suspend", "", [ea("a", lg(1), sl(0), lg(2)), lg("after"), st("a"), aw("a")], min="3.12")
sc("eager_raise", "an eager task that fails at once: create_task does not raise", [ea("a", rz("x")), st("a"), exc(aw("a"))], min="3.12")
sc("eager_nested", "", [ea("a", CUR, ea("b", CUR, sl(5)), CUR, sl(6)), CUR, waitall("a", "b")], min="3.12")
sc("eager_cancel", "cancelled at its first suspension, not before its start", [ea("a", lg("ran"), sl(50)), ca("a"), ok(aw("a"))], min="3.12")
sc("eager_context", "", [{"op": "cv_set", "var": "c", "v": 1}, ea("a", {"op": "cv_set", "var": "c", "v": 2}), {"op": "cv_get", "var": "c"}], min="3.12")
sc("eager_self_cancel", "", [ea("a", ca("$self"), sl(5)), st("a"), ok(aw("a")), ea("b", ca("$self"), rt(1)), st("b")], min="3.12")
sc("eager_group_fail", "an eager child that fails at once aborts the group only at the next iteration",
   [exc(gr("g", sp("a", rz("x"), group="g", eager=True), lg("still running"), sp("b", sl(50), group="g"), sl(60)))], min="3.14")
sc("eager_group_ok", "", [gr("g", sp("a", rt(1), group="g", eager=True), sp("b", sl(5), group="g", eager=True))], min="3.14")
sc("eager_all_tasks", "", [ea("a", {"op": "all_tasks"}, sl(5)), {"op": "all_tasks"}, waitall("a")], min="3.12")

if __name__ == "__main__":
    names = [s["name"] for s in OUT]
    assert len(set(names)) == len(names)
    for s in OUT:
        print(json.dumps(s, separators=(",", ":")))
