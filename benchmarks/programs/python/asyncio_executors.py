"""The rows of executors with asyncio's run_in_executor: threads share memory, processes get copies."""

import asyncio
import time
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor

WORKERS = 2
ENTRIES = [
    {"id": id, "name": f"a record with the number {id}", "tags": ["one", "two", "three"]} for id in range(800)
]
BELOW = 250_000
PRIMES = 22_044


def double(n):
    return n * 2


def total(entries):
    return sum(entry["id"] for entry in entries)


def primes_below(limit):
    count = 0
    for n in range(2, limit):
        d = 2
        while d * d <= n and n % d != 0:
            d += 1
        if d * d > n:
            count += 1
    return count


made = {}


def executor(kind, workers):
    """Made when there is something to do."""
    if (kind, workers) not in made:
        made[kind, workers] = kind(workers)
    return made[kind, workers]


def calls(kind, workers, function, arg_of, result_of):
    async def program(tasks, turns):
        loop = asyncio.get_running_loop()
        pool = executor(kind, workers)

        async def caller(task):
            for turn in range(turns):
                n = task * turns + turn
                result = await loop.run_in_executor(pool, function, arg_of(n))
                if result != result_of(n):
                    raise RuntimeError(f"the result is {result}, and should be {result_of(n)}")

        await asyncio.gather(*(caller(task) for task in range(tasks)))

    return program


def same(n):
    return n


BEAT = 0.01


def beats(compute):
    """Computes, while a sleep of 10 ms goes round; gives how late each beat came, in milliseconds."""

    async def program(tasks, turns):
        late = []
        computed = asyncio.create_task(compute(tasks, turns))
        before = time.perf_counter()
        while not computed.done():
            await asyncio.sleep(BEAT)
            now = time.perf_counter()
            late.append(max(0, now - before - BEAT) * 1000)
            before = now
        await computed
        return late

    return program


computing = calls(ProcessPoolExecutor, WORKERS, primes_below, lambda n: BELOW, lambda n: PRIMES)
programs = {
    "thread-call": calls(ThreadPoolExecutor, 1, double, same, double),
    "thread-calls": calls(ThreadPoolExecutor, WORKERS, double, same, double),
    "thread-records": calls(ThreadPoolExecutor, WORKERS, total, lambda n: ENTRIES, lambda n: 319_600),
    "process-calls": calls(ProcessPoolExecutor, WORKERS, double, same, double),
    "compute": computing,
    "lag-compute": beats(computing),
}


async def measured(measurement):
    await measurement()
    for pool in made.values():
        pool.shutdown()


def main(measurement):
    asyncio.run(measured(measurement))
