"""How a command comes into the house: settings read, house opened, errors told calmly, exit code set.

Nothing heavy is imported here; `steward --help` and shell completion never open the house.
"""

import asyncio
import re
import select
import signal
import socket
import sys
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer
from typer import TyperException
from typer.core import TyperCommand

from cli.output import report_error
from core.errors import StewardError
from core.settings import Settings, load_settings

if TYPE_CHECKING:
    from app.house import House

T = TypeVar("T")

JsonOption = Annotated[bool, typer.Option("--json", help="Answer as JSON, for programs.")]
IdArgument = Annotated[
    str, typer.Argument(metavar="ID", help="The id that `steward list` shows; its first 4 characters do.")
]


WRAPPED = re.compile(r"(?<!\n)\n(?!\n|\[dim\]steward )")
"""A line of a docstring that goes on in the next one; examples keep lines of their own."""


class DoorCommand(TyperCommand):
    """A command that tells of expected errors in a line or two instead of a traceback."""

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self.help = WRAPPED.sub(" ", self.help or "")  # typer joins the lines of the first paragraph alone

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except StewardError as error:
            raise typer.Exit(report_error(error, as_json=bool(ctx.params.get("as_json")))) from error
        except (BrokenPipeError, typer.Abort, typer.Exit, TyperException):
            raise  # a broken pipe, wrong use: typer knows what to do
        except Exception as error:
            if load_settings().log_level == "debug":
                raise
            told = StewardError(
                f"Something unexpected happened: {type(error).__name__}",
                detail=str(error) or None,
                hint="STEWARD_LOG_LEVEL=debug shows where; please report it.",
            )
            raise typer.Exit(report_error(told, as_json=bool(ctx.params.get("as_json")))) from error


@asynccontextmanager
async def opened_house(settings: Settings, *, over_http: bool = False) -> "AsyncGenerator[House, None]":
    """The house, open as its owner for as long as the block runs; `over_http`: a project's URL and keys are enough."""
    from app.house import open_house
    from core.logging import set_up_logging
    from core.tracing import set_up_tracing

    set_up_logging(settings)
    set_up_tracing(settings)
    async with open_house(settings, over_http=over_http) as house:
        yield house


def in_house(action: "Callable[[House], Awaitable[T]]") -> T:
    """Open the house as its owner, do one thing in it, close it. Ctrl-C closes it, too."""

    async def visit() -> T:
        async with opened_house(load_settings()) as house:
            return await action(await house.by_owner())

    return run_async(visit())


def run_async(work: Coroutine[Any, Any, T]) -> T:
    """Run to the end. An error out of a group of tasks is raised as itself."""
    try:
        return asyncio.run(work)
    except BaseExceptionGroup as group:
        raise _first_leaf(group) from group


def _first_leaf(error: BaseException) -> BaseException:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
    return error  # pyright: ignore[reportUnknownVariableType]


def ask(prompt: str) -> str:
    """One line from the person. Raises EOFError at the end of input, KeyboardInterrupt on Ctrl-C.

    asyncio takes the first Ctrl-C as a wish to cancel and lets `input` wait on; here it ends the question.
    """
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        if not sys.stdin.isatty():
            return input(prompt)
        print(prompt, end="", flush=True)
        _wait_for_line()
        return input()
    finally:
        signal.signal(signal.SIGINT, before)


def _wait_for_line() -> None:
    """Return when a line was typed. `input` alone sleeps through a Ctrl-C that comes just before it begins to read."""
    woken, waker = socket.socketpair()
    with woken, waker:
        waker.setblocking(False)
        before = signal.set_wakeup_fd(waker.fileno())
        try:
            select.select([sys.stdin, woken], [], [])
        finally:
            signal.set_wakeup_fd(before)
