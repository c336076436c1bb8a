"""SQLite with aiosqlite, which has a thread for each connection. It has no pool: connections in a queue."""

import asyncio
import shutil
import tempfile
from pathlib import Path

import aiosqlite

import sql

INSERT = "insert into written (id, name, score) values (?, ?, ?)"


class Client:
    async def select(self, id):
        text = "select id, name, score from items where id = ?"
        if self.idle is None:
            return await self.one(self.connection, text, id)
        connection = await self.idle.get()
        try:
            return await self.one(connection, text, id)
        finally:
            self.idle.put_nowait(connection)

    async def one(self, connection, text, id):
        async with connection.execute(text, (id,)) as cursor:
            return await cursor.fetchone()

    async def insert(self, *row):
        async with self.connection.execute(INSERT, row) as cursor:
            return cursor.rowcount

    async def increment(self, id):
        connection = self.connection
        await connection.execute("begin immediate")
        try:
            (score,) = await self.one(connection, "select score from items where id = ?", id)
            await connection.execute("update items set score = ? where id = ?", (score + 1, id))
            await connection.commit()
            return score
        except BaseException:
            await connection.rollback()
            raise

    async def bulk(self, rows):
        await self.connection.execute("begin immediate")
        await self.connection.executemany(INSERT, rows)
        await self.connection.commit()

    async def sum(self, side):
        text = """select a.id * 1000 + b.id as id, b.name, b.score from items a cross join items b
            where a.id <= ? and b.id <= ?"""
        total = 0
        async with self.connection.execute(text, (side, side)) as cursor:
            async for row in cursor:
                total += row[0]
        return total

    async def end(self):
        while self.idle is not None and not self.idle.empty():
            await self.idle.get_nowait().close()
        async with self.connection.execute(sql.WRITTEN) as cursor:
            (written,) = await cursor.fetchone()
        await self.connection.close()
        shutil.rmtree(self.folder)
        return written


async def make(connections):
    self = Client()
    self.folder = tempfile.mkdtemp(prefix="brio-bench-")
    file = Path(self.folder) / "database"

    async def connect():
        # Without the transactions that Python's sqlite3 begins by itself.
        return await aiosqlite.connect(file, isolation_level=None, iter_chunk_size=sql.BATCH)

    self.connection = await connect()
    for text in ("pragma journal_mode = wal", *sql.TABLES, "begin"):
        await self.connection.execute(text)
    await self.connection.executemany("insert into items values (?, ?, ?)", sql.items())
    await self.connection.commit()
    self.idle = None
    if connections > 1:
        self.idle = asyncio.Queue()
        for _ in range(connections):
            self.idle.put_nowait(await connect())
    return self


named, main = sql.programs(make)
programs = {
    "sqlite-select": named["select"],
    "sqlite-insert": named["insert"],
    "sqlite-transaction": named["transaction"],
    "sqlite-bulk": named["bulk"],
    "sqlite-stream": named["stream"],
    "sqlite-pool": named["pool"],
}
