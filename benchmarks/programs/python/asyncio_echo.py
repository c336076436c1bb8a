"""The echo rows with asyncio's streams, for its own loop and for uvloop's."""

import asyncio
import os
import resource
from pathlib import Path

SCRIPT = Path(__file__).parent.parent / "echo-client.ts"


async def handle(reader, writer):
    while True:
        data = await reader.read(102_400)
        if not data:
            break
        writer.write(data)
        await writer.drain()
    writer.close()


class Client:
    """A client in a process of its own: that of the JavaScript peers."""

    @classmethod
    async def start(cls, port, size, connections, active):
        self = cls()
        args = [str(each) for each in (SCRIPT, port, size, connections, active)]
        pipe = asyncio.subprocess.PIPE
        self.child = await asyncio.create_subprocess_exec(os.environ["BENCH_NODE"], *args, stdin=pipe, stdout=pipe)
        await self.answer()
        return self

    async def answer(self):
        line = (await self.child.stdout.readline()).decode().strip()
        if line not in ("ready", "done"):
            raise RuntimeError(line or "the client has ended")

    async def run(self, messages):
        self.child.stdin.write(f"{messages}\n".encode())
        await self.answer()


clients = []
servers = []


def echo(size):
    client = None

    async def program(connections, messages):
        nonlocal client
        if client is None:
            client = await connected(size, connections, connections)
        await client.run(messages)

    return program


async def connected(size, connections, active):
    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    servers.append(server)
    client = await Client.start(server.sockets[0].getsockname()[1], size, connections, active)
    clients.append(client)
    return client


async def held(connections, messages):
    """A tenth of the connections sends."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    client = await connected(1024, connections, connections // 10)
    await client.run(messages)


programs = {
    "echo-1k": echo(1024),
    "echo-10k": echo(10_240),
    "echo-100k": echo(102_400),
    "connections-10k": held,
}


async def measured(measurement):
    await measurement()
    for client in clients:
        client.child.stdin.close()
        await client.child.wait()
    for server in servers:
        server.close()


def main(measurement):
    asyncio.run(measured(measurement))
