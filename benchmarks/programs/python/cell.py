"""One cell, in this process: python cell.py REQUEST. What cell.ts is for the JavaScript peers."""

import gc
import importlib
import json
import os
import resource
import sys
import time
import tracemalloc


# About how long a round is, in seconds: so short that many are over before the processor is taken away.
ROUND = 0.002
# How many samples a process gives. Each covers many rounds, so that it has its share of garbage collections.
BATCHES = 5


async def time_rounds(program, request):
    """Nanoseconds per operation.

    What other programs do to this one is not what is measured: only the rounds count in which the system took the
    processor away least often. When nothing else runs, those are nearly all.
    """
    load, wanted = request["load"], request["time"] / 1000
    operations = load["tasks"] * load["turns"]
    per_operation = await warm(program, request)
    calls = max(1, round(ROUND / (per_operation * operations)))
    rounds = []
    begin = time.perf_counter()
    undisturbed = 0
    while undisturbed < wanted and (len(rounds) < 3 or time.perf_counter() - begin < 4 * wanted):
        switches = times_disturbed()
        start = time.perf_counter()
        for _ in range(calls):
            await program(load["tasks"], load["turns"])
        duration = time.perf_counter() - start
        disturbed = times_disturbed() - switches
        rounds.append((duration, disturbed))
        if disturbed == 0:
            undisturbed += duration
    used = [duration for duration, _ in least_disturbed(rounds)]
    return [mean * 1e9 / (calls * operations) for mean in batches(used, BATCHES)]


def least_disturbed(rounds):
    """As many as are as quiet as the quietest few."""
    counts = sorted(disturbed for _, disturbed in rounds)
    limit = counts[min(BATCHES, len(counts)) - 1]
    return [each for each in rounds if each[1] <= limit]


async def warm(program, request):
    """Runs the program for some CPU time, and says how long an operation takes by then, in seconds."""
    tasks, turns = request["warmUp"]["tasks"], request["warmUp"]["turns"]
    begin = time.process_time()
    while True:
        start = time.perf_counter()
        await program(tasks, turns)
        duration = time.perf_counter() - start
        if (time.process_time() - begin) * 1000 >= request["warmUpTime"]:
            return duration / (tasks * turns)


def times_disturbed():
    return resource.getrusage(resource.RUSAGE_SELF).ru_nivcsw


def batches(values, count):
    """The means of up to `count` parts of the values, of the same length."""
    length = max(1, len(values) // count)
    parts = [values[i * length : (i + 1) * length] for i in range(min(count, len(values)))]
    return [sum(part) / len(part) for part in parts]


async def cpu_time(program, request):
    """Milliseconds of CPU time, of all threads, that each call takes."""
    load = request["load"]
    await warm(program, request)
    samples = []
    begin = time.perf_counter()
    while True:
        before = time.process_time()
        await program(load["tasks"], load["turns"])
        samples.append((time.process_time() - before) * 1000)
        if (time.perf_counter() - begin) * 1000 >= request["time"]:
            return samples


async def lag(program, request):
    """How late the beats of a program come that beats while others compute: all but one in a hundred."""
    load = request["load"]
    await warm(program, request)
    samples = []
    begin = time.perf_counter()
    while True:
        late = sorted(await program(load["tasks"], load["turns"]))
        samples.append(late[int(len(late) * 0.99)])
        if (time.perf_counter() - begin) * 1000 >= request["time"]:
            return samples


async def heap(program, request):
    """Bytes that each task keeps, as Python's allocators count them."""
    load = request["load"]
    await program(1000, load["turns"])
    gc.collect()
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    await program(load["tasks"], load["turns"])
    gc.collect()
    return [(tracemalloc.get_traced_memory()[0] - before) / load["tasks"]]


async def resident(program, request):
    """Bytes of physical memory that each task (a connection, say) adds to the process."""
    load = request["load"]
    gc.collect()
    before = resident_now()
    await program(load["tasks"], load["turns"])
    gc.collect()
    return [(resident_now() - before) / load["tasks"]]


def resident_now():
    with open("/proc/self/statm", encoding="ascii") as statm:
        return int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


async def rate(program, request):
    """Operations per second."""
    return [1e9 / nanoseconds for nanoseconds in await time_rounds(program, request)]


async def own_rate(program, request):
    """Operations per second, by the programs' own clocks: each time, they tidy up afterwards."""
    load = request["load"]
    await warm(program, request)
    samples = []
    begin = time.perf_counter()
    while True:
        duration = await program(load["tasks"], load["turns"])
        samples.append(load["tasks"] * load["turns"] * 1000 / duration)
        if len(samples) >= BATCHES and (time.perf_counter() - begin) * 1000 >= request["time"]:
            return samples


MEASURES = {
    "time": time_rounds,
    "rate": rate,
    "own-rate": own_rate,
    "cpu": cpu_time,
    "lag": lag,
    "heap": heap,
    "resident": resident,
}


def main(request):
    module = importlib.import_module(f"{request['peer']}_{request['group']}".replace("-", "_"))
    program = module.programs[request["row"]]

    async def measurement():
        answer = {"samples": await MEASURES[request["measure"]](program, request)}
        print(json.dumps(answer), flush=True)
        if request["measure"] in ("heap", "resident"):
            # The tasks wait for an hour: no orderly end.
            os._exit(0)

    module.main(measurement)


main(json.loads(sys.argv[1]))
