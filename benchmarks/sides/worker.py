"""A worker of Steward with one more tool, `sleep`: a journaled call that takes its time, as a model's does.

python -m benchmarks.sides.worker URL CONCURRENCY SECONDS
"""

import asyncio
import sys
from dataclasses import replace

from agents.equipment import Run
from agents.tools.built_in import BUILT_IN_TOOLS
from agents.tools.tool import AnyInput, Done, Tool
from app.house import ensure_owner, furnish
from benchmarks.peers.lines import own_output, serve
from core.clock import Clock
from core.logging import set_up_logging
from core.postgres import open_database
from core.settings import load_settings
from jobs.worker import Worker, working


async def answer(question: dict[str, object]) -> dict[str, object]:
    return question


async def main() -> None:
    answers = own_output()
    url, concurrency, seconds = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])

    async def sleep(run: Run, given: AnyInput) -> Done:
        await asyncio.sleep(seconds)
        return Done(run.task.title)

    settings = load_settings()
    set_up_logging(settings)
    owner = await ensure_owner(url, settings)
    async with open_database(url) as database:
        house = furnish(settings, Clock.from_settings(settings), database, owner)
        tools = {**BUILT_IN_TOOLS, "sleep": Tool("sleep", "Takes its time", "read", sleep, AnyInput)}
        async with working(Worker(database, replace(house.equipment, tools=tools), concurrency=concurrency)):
            await asyncio.sleep(1)  # its loops listen
            await serve(answer, answers)


if __name__ == "__main__":
    asyncio.run(main())
