"""The command mcp: Steward as a server of the Model Context Protocol over standard input and output."""

import asyncio
import os
import signal
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import structlog
import typer

from cli.door import DoorCommand, opened_house, run_async
from core.database import Identity
from core.settings import load_settings
from tasks import functions
from tasks.capture import get_profile
from tasks.tokens import read_scopes

if TYPE_CHECKING:
    from app._mcp.tool import Visit
    from app.house import House

log = structlog.get_logger()
LOOK_SECONDS = 0.2
UNSETTLED = {"queued", "in_progress"}
GIVEN_SCOPES = ("tasks:read", "tasks:write", "review:read")


def register(app: typer.Typer) -> None:
    """Put this command on the command line."""
    app.command("mcp", cls=DoorCommand, rich_help_panel="Agents and programs")(mcp_command)


def mcp_command(
    scopes: Annotated[
        list[str] | None,
        typer.Option("--scope", help="What the program may do, like tasks:read; once for each."),
    ] = None,
) -> None:
    """Offer Steward's tools to a desktop program, which starts this and speaks to it over standard input and output.

    The program may read and write tasks and see what waits for you. Deciding in your place needs [dim]--scope
    review:write[/dim] beside the others, and is given only where you ask for it.
    """
    allowed = read_scopes(scopes or GIVEN_SCOPES)
    run_async(_serve(tuple(allowed)))


async def _serve(scopes: tuple[str, ...]) -> None:
    """Answer until standard input ends or a signal comes. Log lines go to standard error: the other end reads the rest."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    async with opened_house(load_settings()) as house, asyncio.TaskGroup() as group:
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, stop.set)
        work = _Work(await house.by_owner(), group)
        answering = asyncio.create_task(_answer(await work.visit(scopes)))
        answering.add_done_callback(lambda _: stop.set())
        await stop.wait()
        work.stop()
    if not answering.done():
        os._exit(130)  # its thread waits for a line that may never come, and nothing ends a thread
    await answering


async def _answer(visit: "Visit") -> None:
    from mcp.server.stdio import stdio_server

    from app._mcp.server import server_for

    server = server_for(visit)
    async with stdio_server() as (incoming, outgoing):
        await server.run(incoming, outgoing, server.create_initialization_options())


class _Work:
    """What tools have queued, worked on: by a worker that lives somewhere, else by one in this process."""

    def __init__(self, house: "House", group: asyncio.TaskGroup) -> None:
        self._house = house
        self._group = group
        self._worker: asyncio.Task[None] | None = None
        self._stopped = asyncio.Event()

    async def visit(self, scopes: tuple[str, ...]) -> "Visit":
        """The owner's program, with these scopes: what it says is not the owner's own word."""
        from app._mcp.tool import Visit

        home = UUID((await get_profile(self._house.caller))["organization"]["id"])
        caller = self._house.database.acting_as(
            Identity(self._house.owner.user_id, organization_id=home, scopes=scopes)
        )
        return Visit(self._house, caller, self.settled, self.begin)

    def begin(self, task_id: UUID) -> None:
        """See to it that somebody works; a worker begun here stays until the end."""
        if self._worker is None or self._worker.done():
            self._worker = self._group.create_task(self._work(), name="worker")

    async def settled(self, task_id: UUID) -> None:
        """Return when the run of a task has ended."""
        self.begin(task_id)
        while (await functions.get_task(self._house.caller, task_id)).execution_status in UNSETTLED:
            await asyncio.sleep(LOOK_SECONDS)

    def stop(self) -> None:
        """End the work: the program has gone. What is queued stays queued."""
        self._stopped.set()

    async def _work(self) -> None:
        from app.house import worker_lives
        from jobs.worker import working

        if self._stopped.is_set() or await worker_lives(self._house.database):
            return
        try:
            async with working(await self._house.worker()):
                await self._stopped.wait()
        except Exception as error:  # tools still answer, and the next that begins work tries again
            await log.aerror("worker_failed", exc_info=error)
