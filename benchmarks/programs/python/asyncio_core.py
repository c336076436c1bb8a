"""The core rows with asyncio, for its own loop and for uvloop's."""

import asyncio
import contextvars

from peer import HOUR, check, delay_of, kept, sum_below


async def work(i):
    return i


async def spawn_join(tasks, turns):
    results = await asyncio.gather(*[work(i) for i in range(tasks)])
    check("the sum of the results", sum(results), sum_below(tasks))


async def create_await(tasks, turns):
    total = 0
    for i in range(turns):
        total += await asyncio.create_task(work(i))
    check("the sum of the results", total, sum_below(turns))


async def switches(tasks, turns):
    begun = ended = 0

    async def spinner():
        nonlocal begun, ended
        begun += 1
        for _ in range(turns):
            await asyncio.sleep(0)
        if ended == 0:
            check("tasks that began before the first ended", begun, tasks)
        ended += 1

    await asyncio.gather(*[spinner() for _ in range(tasks)])
    check("tasks that ended", ended, tasks)


def queue(capacity, pairs):
    async def program(tasks, turns):
        queue = asyncio.Queue(capacity)
        share = turns // pairs
        total = 0

        async def producer():
            for i in range(share):
                await queue.put(i)

        async def consumer():
            nonlocal total
            for _ in range(share):
                item = await queue.get()
                total += item  # not in one expression, which would read the total before the wait

        await asyncio.gather(*[each() for _ in range(pairs) for each in (producer, consumer)])
        check("the sum of the items", total, pairs * sum_below(share))

    return program


async def lock(tasks, turns):
    lock = asyncio.Lock()
    entered = 0

    async def contender():
        nonlocal entered
        for _ in range(turns):
            async with lock:
                entered += 1

    await lock.acquire()
    contenders = asyncio.gather(*[contender() for _ in range(tasks)])
    await asyncio.sleep(0)  # all are in line now
    lock.release()
    await contenders
    check("critical sections", entered, tasks * turns)


async def semaphore(tasks, turns):
    permits = 10
    semaphore = asyncio.Semaphore(permits)
    entered = 0

    async def contender():
        nonlocal entered
        for _ in range(turns):
            async with semaphore:
                entered += 1

    for _ in range(permits):
        await semaphore.acquire()
    contenders = asyncio.gather(*[contender() for _ in range(tasks)])
    await asyncio.sleep(0)  # all are in line now
    for _ in range(permits):
        semaphore.release()
    await contenders
    check("sections entered", entered, tasks * turns)


async def event(tasks, turns):
    gate = asyncio.Event()
    arrived = woken = 0

    async def waiter():
        nonlocal gate, arrived, woken
        for _ in range(turns):
            arrived += 1
            if arrived == tasks:
                # The last to arrive wakes the others.
                full, gate = gate, asyncio.Event()
                arrived = 0
                full.set()
            else:
                await gate.wait()
                woken += 1

    await asyncio.gather(*[waiter() for _ in range(tasks)])
    check("wake-ups", woken, (tasks - 1) * turns)


async def timeout_done(tasks, turns):
    total = 0
    for i in range(turns):
        async with asyncio.timeout(HOUR):
            total += await work(i)
    check("the sum of the results", total, sum_below(turns))


async def cancel_join(tasks, turns):
    begun = cancelled = 0

    async def sleeper():
        nonlocal begun
        begun += 1
        await asyncio.sleep(HOUR)

    for _ in range(turns):
        sleepers = [asyncio.create_task(sleeper()) for _ in range(tasks)]
        await asyncio.sleep(0)  # all sleep now
        for task in sleepers:
            task.cancel()
        for task in sleepers:
            try:
                await task
            except asyncio.CancelledError:
                cancelled += 1
    check("tasks that began", begun, tasks * turns)
    check("tasks that were cancelled", cancelled, tasks * turns)


async def group_fail(tasks, turns):
    for _ in range(turns):
        ended = 0
        failures = ()

        async def sleeper():
            nonlocal ended
            try:
                await asyncio.sleep(HOUR)
            finally:
                ended += 1

        async def failing():
            raise ValueError("one fails")

        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(tasks - 1):
                    group.create_task(sleeper())
                group.create_task(failing())
        except* ValueError as caught:
            failures = caught.exceptions
        check("errors of the group", len(failures), 1)
        check("tasks that were ended", ended, tasks - 1)


async def timers(tasks, turns):
    fired = 0

    async def sleeper(delay):
        nonlocal fired
        await asyncio.sleep(delay)
        fired += 1

    await asyncio.gather(*[sleeper(delay_of(i, tasks)) for i in range(tasks)])
    check("timers that fired", fired, tasks)


async def heap_sleeper(tasks, turns):
    begun = 0

    async def sleeper():
        nonlocal begun
        begun += 1
        await asyncio.sleep(HOUR)

    kept.append([asyncio.create_task(sleeper()) for _ in range(tasks)])
    await asyncio.sleep(0)
    check("tasks that sleep", begun, tasks)


async def heap_queue_waiter(tasks, turns):
    begun = 0
    queue = asyncio.Queue()

    async def waiter():
        nonlocal begun
        begun += 1
        await queue.get()

    kept.append([asyncio.create_task(waiter()) for _ in range(tasks)])
    await asyncio.sleep(0)
    check("tasks that wait", begun, tasks)


variable = contextvars.ContextVar("benchmark")


async def context_read(tasks, turns):
    variable.set(1)

    async def reader():
        total = 0
        for _ in range(turns):
            total += variable.get()
        check("the sum of the values", total, turns)

    await asyncio.create_task(reader())


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
    asyncio.run(measurement())
