"""aiohttp's server, on asyncio's own loop."""

import asyncio

from aiohttp import web
from http_wrk import BODY, answering

runners = []


async def answer(_request):
    return web.json_response(BODY)


async def listen():
    app = web.Application()
    app.router.add_get("/", answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    runners.append(runner)
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    return runner.addresses[0][1]


programs = {
    "http-fastify": answering(listen),
}


async def measured(measurement):
    await measurement()
    for runner in runners:
        await runner.cleanup()


def main(measurement):
    asyncio.run(measured(measurement))
