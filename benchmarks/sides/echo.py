"""The other end of a LISTEN/NOTIFY round: what comes in on `ping` goes out on `pong`.

python -m benchmarks.sides.echo URL
"""

import asyncio
import sys

import psycopg

from benchmarks.peers.lines import own_output, serve


async def answer(question: dict[str, object]) -> dict[str, object]:
    return question


async def main() -> None:
    answers = own_output()
    async with (
        await psycopg.AsyncConnection.connect(sys.argv[1], autocommit=True) as heard,
        await psycopg.AsyncConnection.connect(sys.argv[1], autocommit=True) as said,
    ):
        await heard.execute("listen ping")

        async def echo() -> None:
            async for notice in heard.notifies():
                await said.execute("select pg_notify('pong', %s)", (notice.payload,))

        echoing = asyncio.create_task(echo())
        await serve(answer, answers)
        echoing.cancel()
        await asyncio.gather(echoing, return_exceptions=True)


if __name__ == "__main__":
    asyncio.run(main())
