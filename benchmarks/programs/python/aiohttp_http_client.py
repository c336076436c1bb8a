"""The rows of the HTTP client with aiohttp's, for asyncio's own loop and for uvloop's."""

import asyncio
import os
from pathlib import Path

import aiohttp
from peer import check

SCRIPT = Path(__file__).parent.parent / "http-server.ts"
TEXT = "hello, world"


class Server:
    """A server in a process of its own: that of the JavaScript peers."""

    @classmethod
    async def start(cls):
        self = cls()
        pipe = asyncio.subprocess.PIPE
        self.child = await asyncio.create_subprocess_exec(
            os.environ["BENCH_NODE"], str(SCRIPT), "--serve", stdin=pipe, stdout=pipe
        )
        port = (await self.child.stdout.readline()).decode().strip()
        self.url = f"http://127.0.0.1:{port}/"
        return self

    async def end(self):
        self.child.stdin.close()
        await self.child.wait()


server = None
session = None


async def gets(tasks, turns):
    async def one():
        for _ in range(turns):
            async with session.get(server.url) as response:
                check("the body", await response.text(), TEXT)

    await asyncio.gather(*(one() for _ in range(tasks)))


programs = {
    "http-get-64": gets,
}


async def measured(measurement):
    global server, session
    server = await Server.start()
    # No peer keeps cookies.
    options = {"connector": aiohttp.TCPConnector(limit=64), "cookie_jar": aiohttp.DummyCookieJar()}
    async with aiohttp.ClientSession(**options) as session:
        await measurement()
    await server.end()


def main(measurement):
    asyncio.run(measured(measurement))
