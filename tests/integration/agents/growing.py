"""Trees for tests of the engine: nodes in few words, a tool that counts its calls, waiting for a state."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any
from uuid import UUID

from agents.equipment import Run
from agents.tools.built_in import BUILT_IN_TOOLS
from agents.tools.tool import AnyInput, AnyTool, Done, Outcome, Tool
from app.house import House
from core.errors import Invalid
from jobs.worker import Worker, working
from tasks import functions, trees
from tasks.functions import TaskNode
from tasks.models import Task


def node(key: str, tool: str | None = "noop", after: list[str] | None = None, **more: Any) -> dict[str, Any]:
    kind = {"execution_type": "fully_automated", "max_retries": 0, **more}
    return {"key": key, "title": key, "tool": tool, "depends_on": after or [], **kind}


def root(*children: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"key": "root", "title": "root", "execution_type": "fully_automated", "children": list(children), **more}


class Bench:
    """A tool of the test's own, which counts what it is asked to do: the other end."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.together = 0
        self.most_together = 0
        self.broken: set[str] = set()
        self.hold = asyncio.Event()
        self.hold.set()
        self.meet: tuple[set[str], asyncio.Barrier] | None = None  # titles that wait for each other, and where

    async def use(self, run: Run, given: AnyInput) -> Outcome:
        self.calls.append(run.task.title)
        self.together += 1
        self.most_together = max(self.most_together, self.together)
        try:
            await self.hold.wait()
            if self.meet and run.task.title in self.meet[0]:
                async with asyncio.timeout(15):
                    await self.meet[1].wait()
            await asyncio.sleep(0.05)
        finally:
            self.together -= 1
        if run.task.title in self.broken:
            raise Invalid(f"{run.task.title} is broken")
        return Done(run.task.title)

    @property
    def tool(self) -> AnyTool:
        return Tool("bench", "counts", "read", self.use, AnyInput)


@asynccontextmanager
async def at_work(house: House, bench: Bench | None = None, **tools: AnyTool) -> AsyncGenerator[None]:
    known = {**BUILT_IN_TOOLS, **tools} | ({"bench": bench.tool} if bench else {})
    async with working(Worker(house.database, replace(house.equipment, tools=known), concurrency=8)):
        yield


async def started(house: House, tree: dict[str, Any]) -> trees.MadeTree:
    made = await trees.create_task_tree(house.caller, tree)
    await functions.queue_task_execution(house.caller, made.id)
    return made


async def until(house: House, task_id: UUID, check: Callable[[Task], bool], seconds: float = 15) -> Task:
    task = await functions.get_task(house.caller, task_id)
    for _ in range(int(seconds / 0.05)):
        if check(task):
            return task
        await asyncio.sleep(0.05)
        task = await functions.get_task(house.caller, task_id)
    tree = await functions.get_task_tree(house.caller, task.root_task_id or task_id)
    raise AssertionError(f"{task.title} stays {task.execution_status} ({task.blocked_reason}): {states(tree)}")


def is_state(*wanted: str) -> Callable[[Task], bool]:
    return lambda task: task.execution_status in wanted


def states(tree: TaskNode) -> dict[str, str]:
    found = {tree.title: tree.execution_status}
    for child in tree.children:
        found |= states(child)
    return found
