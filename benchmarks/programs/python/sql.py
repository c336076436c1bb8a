"""What the sql programs of all Python peers share: the same rows and checks as programs/sql.ts."""

import asyncio
import math
import os

from peer import check, sum_below

NAME = "a name that is not long"
# So many items there are.
ITEMS = 1000
# How many connections a pool has.
POOL = 10
# How many rows are read, or written, at a time.
BATCH = 1000

TABLES = [
    f"create table {name} (id integer primary key, name varchar(40) not null, score integer not null)"
    for name in ("items", "written")
]
WRITTEN = "select count(*) as n from written"


def items():
    return [(id, NAME, 0) for id in range(1, ITEMS + 1)]


# Schemas, databases and files have names of their own.
unique = f"brio_bench_{os.getpid()}"


def address(variable, usual):
    host, port = os.environ.get(variable, usual).split(":")
    return {"host": host, "port": int(port)}


class CursorClient:
    """What is the same for those whose cursors are Python's usual ones: one connection, or, for several, a pool."""

    pool = None

    async def select(self, id):
        text = "select id, name, score from items where id = %s"
        if self.pool is None:
            return await self.one(self.connection, text, id)
        async with self.pool.acquire() as connection:
            return await self.one(connection, text, id)

    async def one(self, connection, text, id):
        async with connection.cursor() as cursor:
            await cursor.execute(text, (id,))
            return await cursor.fetchone()


def programs(make):
    """The programs of a peer, without the name of the database; `make(connections)` connects, and makes the tables."""
    state = {}

    def program(connections, run):
        async def measured(tasks, turns):
            client = state.get(connections)
            if client is None:
                client = state[connections] = await make(connections)
                client.written = client.increments = 0
            await run(client, tasks, turns)

        return measured

    async def reads(client, turns):
        for turn in range(turns):
            id = turn % ITEMS + 1
            row = await client.select(id)
            if row[0] != id or row[1] != NAME:
                check("the row", row, (id, NAME, 0))

    async def select(client, tasks, turns):
        await reads(client, turns)

    async def insert(client, tasks, turns):
        for turn in range(turns):
            client.written += 1
            check("the number of rows", await client.insert(client.written, NAME, turn), 1)

    async def transaction(client, tasks, turns):
        for _ in range(turns):
            check("the score", await client.increment(1), client.increments)
            client.increments += 1

    async def bulk(client, tasks, turns):
        rows = [(client.written + 1 + row, NAME, row) for row in range(turns)]
        client.written += turns
        await client.bulk(rows)

    async def stream(client, tasks, turns):
        side = math.isqrt(turns)
        check("the sum", await client.sum(side), sum_below(side + 1) * side * (ITEMS + 1))

    async def pool(client, tasks, turns):
        async with asyncio.TaskGroup() as group:
            for _ in range(tasks):
                group.create_task(reads(client, turns))

    async def end():
        for client in state.values():
            check("the number of rows", await client.end(), client.written)

    def main(measurement):
        async def measured():
            await measurement()
            await end()

        asyncio.run(measured())

    return (
        {
            "select": program(1, select),
            "insert": program(1, insert),
            "transaction": program(1, transaction),
            "bulk": program(1, bulk),
            "stream": program(1, stream),
            "pool": program(POOL, pool),
        },
        main,
    )
