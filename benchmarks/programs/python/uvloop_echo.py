"""The echo rows with asyncio's streams on uvloop."""

import asyncio

import uvloop
from asyncio_echo import measured, programs as programs


def main(measurement):
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(measured(measurement))
