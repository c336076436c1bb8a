"""FastAPI, served by uvicorn with uvloop and httptools."""

import asyncio

import uvicorn
import uvloop
from fastapi import FastAPI
from http_wrk import BODY, answering

running = []

app = FastAPI()


@app.get("/")
async def answer():
    return BODY


async def listen():
    config = uvicorn.Config(app, port=0, http="httptools", log_level="error", access_log=False)
    server = uvicorn.Server(config)
    server.install_signal_handlers = lambda: None
    task = asyncio.create_task(server.serve())
    running.append((server, task))
    while not server.started:
        await asyncio.sleep(0.01)
    return server.servers[0].sockets[0].getsockname()[1]


programs = {
    "http-fastify": answering(listen),
}


async def measured(measurement):
    await measurement()
    for server, task in running:
        server.should_exit = True
        await task


def main(measurement):
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(measured(measurement))
