"""PostgreSQL with asyncpg, which prepares statements by itself: one connection, or, for several, its own pool."""

import asyncpg

import sql


class Client:
    async def select(self, id):
        return await self.connection.fetchrow("select id, name, score from items where id = $1", id)

    async def insert(self, *row):
        text = "insert into written (id, name, score) values ($1, $2, $3)"
        return int((await self.connection.execute(text, *row)).split()[-1])

    async def increment(self, id):
        async with self.connection.transaction():
            score = await self.connection.fetchval("select score from items where id = $1", id)
            await self.connection.execute("update items set score = $1 where id = $2", score + 1, id)
        return score

    async def bulk(self, rows):
        await self.connection.copy_records_to_table("written", records=rows, columns=["id", "name", "score"])

    async def sum(self, side):
        text = """select a.id * 1000 + b.id as id, b.name, b.score from items a cross join items b
            where a.id <= $1 and b.id <= $2"""
        total = 0
        async with self.connection.transaction():
            async for row in self.connection.cursor(text, side, side, prefetch=sql.BATCH):
                total += row["id"]
        return total

    async def end(self):
        await self.connection.close()
        written = await self.admin.fetchval(sql.WRITTEN)
        await self.admin.execute(f"drop schema {sql.unique} cascade")
        await self.admin.close()
        return written


async def make(connections):
    options = {
        **sql.address("BRIO_POSTGRES", "127.0.0.1:5432"),
        "user": "root",
        "database": "test",
        "server_settings": {"search_path": sql.unique},
    }
    self = Client()
    self.admin = await asyncpg.connect(**options)
    for text in (f"create schema {sql.unique}", *sql.TABLES):
        await self.admin.execute(text)
    await self.admin.copy_records_to_table("items", records=sql.items())
    await self.admin.execute("vacuum analyze items")
    if connections == 1:
        self.connection = await asyncpg.connect(**options)
    else:
        self.connection = await asyncpg.create_pool(**options, min_size=connections, max_size=connections)
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
