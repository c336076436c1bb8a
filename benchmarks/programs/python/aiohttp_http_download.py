"""The download rows with aiohttp, as its documentation shows how to write to a file."""

import asyncio
import os
import shutil
import tempfile
import time
from pathlib import Path

import aiohttp

from peer import check

SCRIPT = Path(__file__).parent.parent / "http-download.ts"
MEBIBYTE = 1024 * 1024

server = None
base = None


async def serve():
    global server
    pipe = asyncio.subprocess.PIPE
    server = await asyncio.create_subprocess_exec(
        os.environ["BENCH_NODE"], str(SCRIPT), "--serve", stdin=pipe, stdout=pipe
    )
    return f"http://127.0.0.1:{(await server.stdout.readline()).decode().strip()}"


async def fetch(session, url, path, flush):
    async with session.get(url) as response:
        response.raise_for_status()
        with open(path, "wb") as file:
            async for chunk in response.content.iter_chunked(65_536):
                file.write(chunk)
            if flush:
                file.flush()
                os.fsync(file.fileno())


def downloads(flush):
    async def program(files, mebibytes):
        global base
        if base is None:
            base = await serve()
        with_paths = [(f"{base}/{mebibytes}/{i}.bin", f"{i}.bin") for i in range(files)]
        directory = Path(tempfile.mkdtemp(prefix="brio-bench-"))
        try:
            start = time.perf_counter()
            async with aiohttp.ClientSession() as session:
                await asyncio.gather(*(fetch(session, url, directory / name, flush) for url, name in with_paths))
            duration = (time.perf_counter() - start) * 1000
            for url, name in with_paths:
                check(f"the size of {url}", (directory / name).stat().st_size, mebibytes * MEBIBYTE)
            return duration
        finally:
            shutil.rmtree(directory)

    return program


programs = {
    "http-download": downloads(False),
    "http-download-durable": downloads(True),
}


async def measured(measurement):
    await measurement()
    server.stdin.close()
    await server.wait()


def main(measurement):
    asyncio.run(measured(measurement))
