"""The core rows with trio."""

import contextvars

import trio
from peer import HOUR, check, delay_of, kept, sum_below


async def work(i):
    return i


async def into(results, i):
    results[i] = await work(i)


async def spawn_join(tasks, turns):
    results = [None] * tasks
    async with trio.open_nursery() as nursery:
        for i in range(tasks):
            nursery.start_soon(into, results, i)
    check("the sum of the results", sum(results), sum_below(tasks))


async def create_await(tasks, turns):
    total = 0
    results = [None]
    for i in range(turns):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(into, results, 0)
        total += results[0] + i
    check("the sum of the results", total, sum_below(turns))


async def switches(tasks, turns):
    begun = ended = 0

    async def spinner():
        nonlocal begun, ended
        begun += 1
        for _ in range(turns):
            await trio.sleep(0)
        if ended == 0:
            check("tasks that began before the first ended", begun, tasks)
        ended += 1

    async with trio.open_nursery() as nursery:
        for _ in range(tasks):
            nursery.start_soon(spinner)
    check("tasks that ended", ended, tasks)


def queue(capacity, pairs):
    async def program(tasks, turns):
        sender, receiver = trio.open_memory_channel(capacity)
        share = turns // pairs
        total = 0

        async def producer():
            for i in range(share):
                await sender.send(i)

        async def consumer():
            nonlocal total
            for _ in range(share):
                item = await receiver.receive()
                total += item  # not in one expression, which would read the total before the wait

        async with trio.open_nursery() as nursery:
            for _ in range(pairs):
                nursery.start_soon(producer)
                nursery.start_soon(consumer)
        check("the sum of the items", total, pairs * sum_below(share))

    return program


async def contend(limiter, permits, tasks, turns):
    entered = 0

    async def contender():
        nonlocal entered
        for _ in range(turns):
            async with limiter:
                entered += 1

    for _ in range(permits):
        await limiter.acquire()
    async with trio.open_nursery() as nursery:
        for _ in range(tasks):
            nursery.start_soon(contender)
        while limiter.statistics().tasks_waiting < tasks:
            await trio.sleep(0)
        for _ in range(permits):
            limiter.release()
    check("sections entered", entered, tasks * turns)


async def lock(tasks, turns):
    await contend(trio.Lock(), 1, tasks, turns)


async def semaphore(tasks, turns):
    await contend(trio.Semaphore(10), 10, tasks, turns)


async def event(tasks, turns):
    gate = trio.Event()
    arrived = woken = 0

    async def waiter():
        nonlocal gate, arrived, woken
        for _ in range(turns):
            arrived += 1
            if arrived == tasks:
                # The last to arrive wakes the others.
                full, gate = gate, trio.Event()
                arrived = 0
                full.set()
            else:
                await gate.wait()
                woken += 1

    async with trio.open_nursery() as nursery:
        for _ in range(tasks):
            nursery.start_soon(waiter)
    check("wake-ups", woken, (tasks - 1) * turns)


async def timeout_done(tasks, turns):
    total = 0
    for i in range(turns):
        with trio.fail_after(HOUR):
            total += await work(i)
    check("the sum of the results", total, sum_below(turns))


async def cancel_join(tasks, turns):
    begun = cancelled = 0

    async def sleeper():
        nonlocal begun, cancelled
        begun += 1
        try:
            await trio.sleep(HOUR)
        except trio.Cancelled:
            cancelled += 1
            raise

    for turn in range(turns):
        async with trio.open_nursery() as nursery:
            for _ in range(tasks):
                nursery.start_soon(sleeper)
            while begun < (turn + 1) * tasks:
                await trio.sleep(0)
            nursery.cancel_scope.cancel()
    check("tasks that began", begun, tasks * turns)
    check("tasks that were cancelled", cancelled, tasks * turns)


async def group_fail(tasks, turns):
    for _ in range(turns):
        ended = 0
        failed = False

        async def sleeper():
            nonlocal ended
            try:
                await trio.sleep(HOUR)
            finally:
                ended += 1

        async def failing():
            raise ValueError("one fails")

        try:
            async with trio.open_nursery() as nursery:
                for _ in range(tasks - 1):
                    nursery.start_soon(sleeper)
                nursery.start_soon(failing)
        except* ValueError as caught:  # wraps a bare error, which trio before 0.25 raises
            failed = len(caught.exceptions) == 1
        check("the group's error", failed, True)
        check("tasks that were ended", ended, tasks - 1)


async def timers(tasks, turns):
    fired = 0

    async def sleeper(delay):
        nonlocal fired
        await trio.sleep(delay)
        fired += 1

    async with trio.open_nursery() as nursery:
        for i in range(tasks):
            nursery.start_soon(sleeper, delay_of(i, tasks))
    check("timers that fired", fired, tasks)


async def hold(tasks, wait):
    begun = 0

    async def waiter():
        nonlocal begun
        begun += 1
        await wait()

    for _ in range(tasks):
        # Not in a nursery of this function's, which would wait for them.
        trio.lowlevel.spawn_system_task(waiter)
    while begun < tasks:
        await trio.sleep(0)


async def heap_sleeper(tasks, turns):
    await hold(tasks, lambda: trio.sleep(HOUR))


async def heap_queue_waiter(tasks, turns):
    sender, receiver = trio.open_memory_channel(100)
    kept.append(sender)
    await hold(tasks, receiver.receive)


variable = contextvars.ContextVar("benchmark")


async def context_read(tasks, turns):
    variable.set(1)
    total = 0
    for _ in range(turns):
        total += variable.get()
    check("the sum of the values", total, turns)


programs = {
    "spawn-join": spawn_join,
    "create-await": create_await,
    "switch-1": switches,
    "switch-1000": switches,
    "queue-1": queue(1, 1),
    "queue-100": queue(100, 1),
    "queue-8x8": queue(100, 8),
    "lock": lock,
    "semaphore": semaphore,
    "event-1000": event,
    "timeout-done": timeout_done,
    "cancel-join": cancel_join,
    "group-fail": group_fail,
    "timers-100k": timers,
    "heap-sleeper": heap_sleeper,
    "heap-queue-waiter": heap_queue_waiter,
    "context-read": context_read,
}


def main(measurement):
    trio.run(measurement)
