"""What programs/http-wrk.ts is for the servers in Python."""

import asyncio
import re

BODY = {"hello": "world"}
# For how long it asks, in seconds: whole ones are all that it takes.
LENGTH = 1


async def requests_per_second(port, connections):
    args = ["-t1", f"-c{connections}", f"-d{LENGTH}s", f"http://127.0.0.1:{port}/"]
    child = await asyncio.create_subprocess_exec("wrk", *args, stdout=asyncio.subprocess.PIPE)
    output = (await child.communicate())[0].decode()
    errors = re.search(r"Non-2xx.*|Socket errors.*", output)
    if errors:
        raise RuntimeError(errors[0])
    return float(re.search(r"Requests/sec:\s+([\d.]+)", output)[1])


def answering(listen):
    """A program whose operation is a request and its response. `listen` starts the server, and gives its port."""
    port = None

    async def program(connections, requests):
        nonlocal port
        if port is None:
            port = await listen()
        return connections * requests * 1000 / await requests_per_second(port, connections)

    return program
