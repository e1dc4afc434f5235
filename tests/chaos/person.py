"""The person of a chaos run: plants trees, approves drafts, mends and retries what failed, and leaves alone what is uncertain.

Everything goes through the functions that pages and commands use. A person tries again while the server is away; what
they were told is done, they remember.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TypeVar
from uuid import UUID

from agents.journal import insist
from core.database import Caller
from core.errors import Conflict, StewardError
from tasks import functions, review, trees
from tasks.drafts import Draft
from tests.chaos import load

T = TypeVar("T")
LOOK_SECONDS = 0.3


@dataclass
class Person:
    """`planted`: ids of a tree's tasks by key; `decided`: drafts whose approval was confirmed; `retried`: tasks tried again."""

    caller: Caller
    planted: dict[int, dict[str, UUID]] = field(default_factory=dict[int, dict[str, UUID]])
    decided: set[UUID] = field(default_factory=set[UUID])
    undone: set[UUID] = field(default_factory=set[UUID])
    retried: Counter[UUID] = field(default_factory=Counter[UUID])
    trouble: Counter[str] = field(default_factory=Counter[str])

    async def plant(self, count: int, every_seconds: float) -> None:
        """Make that many trees and execute them, one after the other."""
        for number in range(count):
            made = await insist(lambda number=number: self._tree(number))
            self.planted[number] = {**made.keys, "root": made.id}
            await insist(lambda root=made.id: self._execute(root))
            await asyncio.sleep(every_seconds)

    async def _tree(self, number: int) -> trees.MadeTree:
        """A new tree; the one that is there already where the answer to an earlier try was lost."""
        try:
            return await trees.create_task_tree(self.caller, load.tree_of(number) | {"source_key": f"tree {number}"})
        except Conflict:
            title = load.tree_of(number)["title"]
            where = functions.TaskFilter(text=str(title), parent="none")
            page = await functions.list_tasks(self.caller, where, limit=200)
            root = next(task.id for task in page.items if task.title == title)
            node = await functions.get_task_tree(self.caller, root)
            by_title = {child.title: child.id for child in node.children}
            keys = {child["key"]: by_title[child["title"]] for child in load.tree_of(number)["children"]}
            return trees.MadeTree.model_validate({**node.model_dump(), "keys": keys})

    async def _execute(self, root: UUID) -> None:
        """Press the button, unless it can be seen that an earlier try whose answer was lost has started it."""
        if (await functions.get_task(self.caller, root)).execution_status == "pending":
            await functions.queue_task_execution(self.caller, root)

    async def look_after(self) -> None:
        """Until cancelled: approve every draft, mend what was refused, have tried again what failed."""
        while True:
            try:
                await self._approve_drafts()
                await self._mend_drafts()
                await self._retry_tasks()
            except StewardError as error:
                self.trouble[error.message] += 1
            await asyncio.sleep(LOOK_SECONDS)

    async def _approve_drafts(self) -> None:
        for draft in (await review.list_drafts(self.caller, states=["draft"], limit=200)).items:
            if draft.id in self.decided:
                self.undone.add(draft.id)  # it was approved, and is not any more
            await self._approve(draft)

    async def _approve(self, draft: Draft) -> None:
        if await self._try(lambda: review.approve_draft(self.caller, draft.id, draft.digest)) is not None:
            self.decided.add(draft.id)

    async def _mend_drafts(self) -> None:
        """A mail that was refused goes out anew, to somebody who is there."""
        for draft in (await review.list_drafts(self.caller, states=["failed"], limit=200)).items:
            if draft.superseded_by_id is not None:
                continue
            changes = {"to_recipients": [load.reader(int(draft.subject.rpartition(" ")[2]))]}
            mended = await self._try(
                lambda draft=draft, changes=changes: review.revise_draft(self.caller, draft.id, changes)
            )
            if mended is not None:
                await self._approve(mended)

    async def _retry_tasks(self) -> None:
        where = functions.TaskFilter(status=["failed"])
        for task in (await functions.list_tasks(self.caller, where, limit=200)).items:
            if task.tool == "email_send":
                continue  # its draft is mended instead
            if await self._try(lambda task=task: functions.retry_task(self.caller, task.id)) is not None:
                self.retried[task.id] += 1

    async def _try(self, act: Callable[[], Awaitable[T]]) -> T | None:
        """The answer; None where the answer to an earlier try was lost, or somebody was faster."""
        try:
            return await act()
        except Conflict as error:
            self.trouble[error.message] += 1
            return None
