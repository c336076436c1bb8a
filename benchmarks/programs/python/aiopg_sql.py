"""PostgreSQL with aiopg: one connection, or, for several, its own pool."""

import aiopg

import sql

INSERT = "insert into written (id, name, score) values (%s, %s, %s)"


class Client(sql.CursorClient):
    async def insert(self, *row):
        async with self.connection.cursor() as cursor:
            await cursor.execute(INSERT, row)
            return cursor.rowcount

    async def increment(self, id):
        async with self.connection.cursor() as cursor, cursor.begin():
            await cursor.execute("select score from items where id = %s", (id,))
            (score,) = await cursor.fetchone()
            await cursor.execute("update items set score = %s where id = %s", (score + 1, id))
            return score

    async def bulk(self, rows):
        """It can't copy, and has no executemany: inserts of many rows."""
        async with self.connection.cursor() as cursor, cursor.begin():
            for at in range(0, len(rows), sql.BATCH):
                some = rows[at : at + sql.BATCH]
                values = ",".join(cursor.mogrify("(%s, %s, %s)", row).decode() for row in some)
                await cursor.execute(f"insert into written (id, name, score) values {values}")

    async def sum(self, side):
        """It has no cursors on the server, but the server has."""
        text = """declare rows cursor for select a.id * 1000 + b.id as id, b.name, b.score
            from items a cross join items b where a.id <= %s and b.id <= %s"""
        total = 0
        async with self.connection.cursor() as cursor, cursor.begin():
            await cursor.execute(text, (side, side))
            while True:
                await cursor.execute(f"fetch {sql.BATCH} from rows")
                rows = await cursor.fetchall()
                if not rows:
                    return total
                for row in rows:
                    total += row[0]

    async def end(self):
        if self.pool is not None:
            self.pool.close()
            await self.pool.wait_closed()
        async with self.connection.cursor() as cursor:
            await cursor.execute(sql.WRITTEN)
            (written,) = await cursor.fetchone()
            await cursor.execute(f"drop schema {sql.unique} cascade")
        await self.connection.close()
        return written


async def make(connections):
    options = {
        **sql.address("BRIO_POSTGRES", "127.0.0.1:5432"),
        "user": "root",
        "database": "test",
        "options": f"-c search_path={sql.unique}",
    }
    self = Client()
    self.connection = await aiopg.connect(**options)
    async with self.connection.cursor() as cursor:
        for text in (f"create schema {sql.unique}", *sql.TABLES):
            await cursor.execute(text)
        values = ",".join(cursor.mogrify("(%s, %s, %s)", row).decode() for row in sql.items())
        await cursor.execute(f"insert into items values {values}")
        await cursor.execute("vacuum analyze items")
    if connections > 1:
        self.pool = await aiopg.create_pool(**options, minsize=connections, maxsize=connections)
    return self


named, main = sql.programs(make)
programs = {
    "postgres-select": named["select"],
    "postgres-insert": named["insert"],
    "postgres-transaction": named["transaction"],
    "postgres-bulk": named["bulk"],
    "postgres-stream": named["stream"],
    "postgres-pool": named["pool"],
}
