"""The floor: a row is claimed by SKIP LOCKED, then marked as done; two statements, each its own commit.

python -m benchmarks.sides.floor URL      question: {"count", "concurrency"}
"""

import asyncio
import sys
import time
from contextlib import AsyncExitStack

import psycopg

from benchmarks.peers.lines import own_output, serve

MAKE = """create table if not exists job (id bigint generated always as identity primary key, state text not null default 'todo');
create index if not exists job_todo on job (id) where state = 'todo'"""
CLAIM = """update job set state = 'doing' where id = (
  select id from job where state = 'todo' order by id limit 1 for update skip locked) returning id"""


async def main() -> None:
    answers = own_output()
    async with AsyncExitStack() as stack:

        async def connect() -> psycopg.AsyncConnection[tuple[int]]:
            # As the queue's own pool: nothing here waits for the disk.
            connection = await psycopg.AsyncConnection.connect(
                sys.argv[1], autocommit=True, options="-c synchronous_commit=off"
            )
            return await stack.enter_async_context(connection)

        connections = [await connect()]
        await connections[0].execute(MAKE)

        async def work(connection: psycopg.AsyncConnection[tuple[int]]) -> None:
            while row := await (await connection.execute(CLAIM)).fetchone():
                await connection.execute("update job set state = 'done' where id = %s", row)

        async def answer(question: dict[str, int]) -> dict[str, object]:
            while len(connections) < question["concurrency"]:
                connections.append(await connect())
            began = time.perf_counter()
            await connections[0].execute(
                "insert into job (state) select 'todo' from generate_series(1, %s)", [question["count"]]
            )
            await asyncio.gather(*[work(one) for one in connections])
            return {"seconds": time.perf_counter() - began}

        await serve(answer, answers)


if __name__ == "__main__":
    asyncio.run(main())
