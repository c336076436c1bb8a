"""The core rows with asyncio's API on uvloop."""

import asyncio

import uvloop
from asyncio_core import programs as programs


def main(measurement):
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(measurement())
