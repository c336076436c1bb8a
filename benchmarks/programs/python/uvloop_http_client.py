"""The rows of the HTTP client with aiohttp's on uvloop."""

import asyncio

import uvloop
from aiohttp_http_client import measured, programs as programs


def main(measurement):
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(measured(measurement))
