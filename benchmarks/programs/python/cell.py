"""One cell, in this process: python cell.py REQUEST. What cell.ts is for the JavaScript peers."""

import gc
import importlib
import json
import os
import sys
import time
import tracemalloc


async def time_rounds(program, request):
    """Nanoseconds per operation of each round. A round is as many calls as take about a twentieth of the time."""
    load, warm_up = request["load"], request["warmUp"]
    operations = load["tasks"] * load["turns"]
    calls = 0
    start = time.perf_counter()
    while True:
        await program(warm_up["tasks"], warm_up["turns"])
        calls += 1
        warmed = time.perf_counter() - start
        if warmed * 1000 >= request["warmUpTime"]:
            break
    per_call = warmed / calls * operations / (warm_up["tasks"] * warm_up["turns"])
    calls = max(1, round(request["time"] / 20 / 1000 / per_call))
    samples = []
    begin = time.perf_counter()
    while len(samples) < 3 or (time.perf_counter() - begin) * 1000 < request["time"]:
        start = time.perf_counter_ns()
        for _ in range(calls):
            await program(load["tasks"], load["turns"])
        samples.append((time.perf_counter_ns() - start) / (calls * operations))
    return samples


async def cpu_time(program, request):
    """Milliseconds of CPU time, of all threads, that each call takes."""
    load, warm_up = request["load"], request["warmUp"]
    begin = time.perf_counter()
    while True:
        await program(warm_up["tasks"], warm_up["turns"])
        if (time.perf_counter() - begin) * 1000 >= request["warmUpTime"]:
            break
    samples = []
    begin = time.perf_counter()
    while True:
        before = time.process_time()
        await program(load["tasks"], load["turns"])
        samples.append((time.process_time() - before) * 1000)
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


MEASURES = {"time": time_rounds, "cpu": cpu_time, "heap": heap}


def main(request):
    module = importlib.import_module(f"{request['peer']}_{request['group']}")
    program = module.programs[request["row"]]

    async def measurement():
        answer = {"samples": await MEASURES[request["measure"]](program, request)}
        print(json.dumps(answer), flush=True)
        if request["measure"] == "heap":
            # The tasks wait for an hour: no orderly end.
            os._exit(0)

    module.main(measurement)


main(json.loads(sys.argv[1]))
