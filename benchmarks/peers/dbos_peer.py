"""DBOS: no-op workflows of two steps, and the stages of a plan; its own event loop, a step is a coroutine.

python dbos_peer.py URL      questions: {"count", "concurrency"} or {"stages": [...], "seconds"}
"""
# pyright: basic, reportMissingImports=false

import asyncio
import sys
import time
from typing import Any

from dbos import DBOS
from lines import own_output, serve


@DBOS.step()
async def first(number: int) -> int:
    return number


@DBOS.step()
async def second(number: int) -> int:
    return number


@DBOS.workflow()
async def two_steps(number: int) -> int:
    return await second(await first(number))


@DBOS.step()
async def stage(name: str, seconds: float) -> str:
    await asyncio.sleep(seconds)
    return name


@DBOS.workflow()
async def plan(stages: list[dict[str, Any]], seconds: float) -> int:
    """Stages begin as soon as what they need has ended.

    This is DBOS at its quickest, and flatters it: steps that begin in the order of events may get other numbers at a
    recovery. A workflow a stage, each waiting for the others' results, recovers soundly and takes half as long again.
    """
    ended = {one["id"]: asyncio.Event() for one in stages}

    async def run(one: dict[str, Any]) -> None:
        for name in one["depends_on"]:
            await ended[name].wait()
        await stage(one["id"], seconds if one["llm"] else 0)
        ended[one["id"]].set()

    await asyncio.gather(*[run(one) for one in stages])
    return len(stages)


async def answer(question: dict[str, Any]) -> dict[str, Any]:
    began = time.perf_counter()
    if "stages" in question:
        await plan(question["stages"], question["seconds"])
    else:
        numbers = iter(range(question["count"]))

        async def one_after_another() -> None:
            for number in numbers:
                await two_steps(number)

        await asyncio.gather(*[one_after_another() for _ in range(question["concurrency"])])
    return {"seconds": time.perf_counter() - began}


async def main() -> None:
    answers = own_output()
    DBOS(config={"name": "bench", "system_database_url": sys.argv[1], "log_level": "ERROR"})
    DBOS.launch()
    try:
        await serve(answer, answers)
    finally:
        DBOS.destroy()


if __name__ == "__main__":
    asyncio.run(main())
