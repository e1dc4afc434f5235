"""A worker process with tools of its own, one of which may kill or freeze the process right before or after its effect.

    STEWARD_CHAOS_LEDGER=file STEWARD_CHAOS_DIES=before|after|freezes|never python -m tests.chaos.dying_worker

The ledger is the other end: each effect is a line "tool task", on the disk before the process dies. Everything else is
the house as the settings describe it; it prints "ready" once it works.
"""

import asyncio
import os
import signal
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from agents.equipment import Run
from agents.tools.tool import AnyInput, AnyTool, Done, Outcome, Tool
from app.house import open_house
from core.outside.mail import HandOver, OutgoingMail, Receipt
from core.settings import load_settings
from integrations.mail.sender import Sender
from jobs import worker
from jobs.outside.mail import sender_of_settings
from jobs.worker import Worker, working
from tests.scripted_mail import equipment_sending_by

SWEEP_SECONDS = 0.3  # what a dead one left behind is taken up as soon as it may be
BEFORE, AFTER, FREEZES, NEVER = "before", "after", "freezes", "never"


@dataclass(frozen=True)
class Doom:
    """When the process dies: before its first effect, after it, or never; or it freezes after it."""

    dies: str

    async def around(self, effect: Callable[[], Awaitable[None]]) -> None:
        if self.dies == BEFORE:
            os.kill(os.getpid(), signal.SIGKILL)
        await effect()
        if self.dies in {AFTER, FREEZES}:
            os.kill(os.getpid(), signal.SIGKILL if self.dies == AFTER else signal.SIGSTOP)


@dataclass(frozen=True)
class Ledger:
    """The outside world of the tools: a file of lines."""

    path: Path
    doom: Doom

    async def use(self, name: str, run: Run) -> Outcome:
        async def write() -> None:
            with self.path.open("a") as file:
                file.write(f"{name} {run.task.id}\n")
                file.flush()
                os.fsync(file.fileno())

        # A task with this word in its title is a part that ends well before another dies.
        if "earlier" in run.task.title:
            await write()
        else:
            await self.doom.around(write)
        return Done(f"{name} was used")

    async def find(self, name: str, run: Run) -> str | None:
        lines = self.path.read_text().splitlines() if self.path.exists() else []
        return f"{name} was found" if f"{name} {run.task.id}" in lines else None

    def tools(self) -> dict[str, AnyTool]:
        """`look` reads; `note` acts and can look its effect up; `shout` acts, and nobody can tell afterwards."""
        return {
            "look": Tool("look", "reads", "read", lambda run, _: self.use("look", run), AnyInput),
            "note": Tool(
                "note",
                "acts",
                "act",
                lambda run, _: self.use("note", run),
                AnyInput,
                find=lambda run, _: self.find("note", run),
                is_own=True,
            ),
            "shout": Tool("shout", "acts", "act", lambda run, _: self.use("shout", run), AnyInput, is_own=True),
        }


@dataclass(frozen=True)
class DoomedSender:
    """What the house sends by; the process may die around the hand-over."""

    inner: Sender
    doom: Doom

    @property
    def provider(self) -> str:
        return self.inner.provider

    async def prepare(self, mail: OutgoingMail) -> str | None:
        return await self.inner.prepare(mail)

    @asynccontextmanager
    async def sending(self, mail: OutgoingMail, provider_ref: str | None) -> AsyncGenerator[HandOver]:
        async with self.inner.sending(mail, provider_ref) as inner:

            async def hand_over() -> Receipt:
                receipts: list[Receipt] = []

                async def send() -> None:
                    receipts.append(await inner())

                await self.doom.around(send)
                return receipts[0]

            yield hand_over

    async def find(self, message_id: str, provider_ref: str | None) -> Receipt | None:
        return await self.inner.find(message_id, provider_ref)


def main() -> None:
    """Work until somebody ends the process."""
    asyncio.run(work())


async def work() -> None:
    worker.SWEEP_SECONDS = SWEEP_SECONDS
    doom = Doom(os.environ.get("STEWARD_CHAOS_DIES", NEVER))
    ledger = Ledger(Path(os.environ["STEWARD_CHAOS_LEDGER"]), doom)
    async with open_house(load_settings()) as house:
        tools = {**house.equipment.tools, **ledger.tools()}
        equipment = equipment_sending_by(house, DoomedSender(sender_of_settings(house.settings), doom))
        async with working(Worker(house.database, replace(equipment, tools=tools))):
            print("ready", flush=True)
            await asyncio.Event().wait()


if __name__ == "__main__":
    main()
