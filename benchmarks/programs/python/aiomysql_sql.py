"""MySQL with aiomysql: one connection, or, for several, its own pool."""

import aiomysql

import sql

INSERT = "insert into written (id, name, score) values (%s, %s, %s)"


class Client(sql.CursorClient):
    async def insert(self, *row):
        async with self.connection.cursor() as cursor:
            return await cursor.execute(INSERT, row)

    async def increment(self, id):
        await self.connection.begin()
        try:
            async with self.connection.cursor() as cursor:
                await cursor.execute("select score from items where id = %s", (id,))
                (score,) = await cursor.fetchone()
                await cursor.execute("update items set score = %s where id = %s", (score + 1, id))
            await self.connection.commit()
            return score
        except BaseException:
            await self.connection.rollback()
            raise

    async def bulk(self, rows):
        """Of an insert, it makes inserts of many rows."""
        await self.connection.begin()
        async with self.connection.cursor() as cursor:
            await cursor.executemany(INSERT, rows)
        await self.connection.commit()

    async def sum(self, side):
        text = """select a.id * 1000 + b.id as id, b.name, b.score from items a cross join items b
            where a.id <= %s and b.id <= %s"""
        total = 0
        async with self.connection.cursor(aiomysql.SSCursor) as cursor:
            await cursor.execute(text, (side, side))
            while rows := await cursor.fetchmany(sql.BATCH):
                for row in rows:
                    total += row[0]
        return total

    async def end(self):
        if self.pool is not None:
            self.pool.close()
            await self.pool.wait_closed()
        async with self.connection.cursor() as cursor:
            await cursor.execute(sql.WRITTEN)
            (written,) = await cursor.fetchone()
            await cursor.execute(f"drop database {sql.unique}")
        self.connection.close()
        return written


async def make(connections):
    options = {**sql.address("BRIO_MYSQL", "127.0.0.1:3306"), "user": "root", "autocommit": True}
    self = Client()
    self.connection = await aiomysql.connect(**options)
    async with self.connection.cursor() as cursor:
        for text in (f"create database {sql.unique}", f"use {sql.unique}", *sql.TABLES):
            await cursor.execute(text)
        await cursor.executemany("insert into items (id, name, score) values (%s, %s, %s)", sql.items())
    if connections > 1:
        options["db"] = sql.unique
        self.pool = await aiomysql.create_pool(**options, minsize=connections, maxsize=connections)
    return self


named, main = sql.programs(make)
programs = {
    "mysql-select": named["select"],
    "mysql-insert": named["insert"],
    "mysql-transaction": named["transaction"],
    "mysql-bulk": named["bulk"],
    "mysql-stream": named["stream"],
    "mysql-pool": named["pool"],
}
