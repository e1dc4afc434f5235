"""Processes of the bench: each answers questions, a JSON object a line (`benchmarks/peers/lines.py` is their side)."""

import asyncio
import json
import os
import sys
import tempfile
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
PEERS_PYTHON = ROOT / "build" / "peers" / "bin" / "python"
PATIENCE_SECONDS = 120.0
LONGEST_LINE = 2**24
LONGEST_COMPLAINT = 3000


class Ended(Exception):
    """A process of the bench ended, or said nothing for two minutes."""


class Answering:
    """A running process that answers questions."""

    def __init__(self, process: Process, name: str) -> None:
        self.process = process
        self.name = name

    async def ask(self, **question: object) -> dict[str, Any]:
        """The answer to one question. Raises Ended."""
        assert self.process.stdin
        self.process.stdin.write(json.dumps(question).encode() + b"\n")
        return json.loads(await self.hear())

    async def hear(self) -> bytes:
        """The next line of the process. Raises Ended."""
        assert self.process.stdout
        try:
            line = await asyncio.wait_for(self.process.stdout.readline(), PATIENCE_SECONDS)
        except TimeoutError as error:
            raise Ended(f"{self.name} says nothing") from error
        if not line:
            raise Ended(f"{self.name} ended with status {await self.process.wait()}")
        return line


@asynccontextmanager
async def started(
    program: Sequence[str], *, name: str, environment: Mapping[str, str] | None = None
) -> AsyncGenerator[Answering]:
    """The process, once it has said its first line; told to end after the block, and ended by its id if it does not.

    What it says on standard error is shown when the block fails.
    """
    with tempfile.TemporaryFile() as errors:
        process = await asyncio.create_subprocess_exec(
            *program,
            stdin=PIPE,
            stdout=PIPE,
            stderr=errors,
            cwd=ROOT,
            env={**os.environ, **(environment or {})},
            limit=LONGEST_LINE,
        )
        try:
            answering = Answering(process, name)
            await answering.hear()
            yield answering
        except Exception:
            errors.seek(0)
            print(f"{name}:", errors.read().decode(errors="replace")[-LONGEST_COMPLAINT:], file=sys.stderr)
            raise
        finally:
            await _end(process, by_signal=Path(program[0]).name == "steward")


async def _end(process: Process, *, by_signal: bool) -> None:
    if process.stdin:
        process.stdin.close()
    if by_signal and process.returncode is None:
        process.terminate()
    try:
        await asyncio.wait_for(process.wait(), 20)
    except TimeoutError:
        process.kill()
        await process.wait()


@asynccontextmanager
async def crew(count: int, program: Sequence[str], *, name: str, **more: Any) -> AsyncGenerator[list[Answering]]:
    """Several of one kind, started side by side."""
    async with AsyncExitStack() as stack:
        yield list(
            await asyncio.gather(
                *[stack.enter_async_context(started(program, name=f"{name} {n}", **more)) for n in range(count)]
            )
        )


def ours(module: str, *arguments: str) -> list[str]:
    """A program of this package."""
    return [sys.executable, "-m", f"benchmarks.{module}", *arguments]


def peer(name: str, *arguments: str) -> list[str]:
    """A program in the peers' environment."""
    return [str(PEERS_PYTHON), str(ROOT / "benchmarks" / "peers" / f"{name}_peer.py"), *arguments]


def steward(*arguments: str) -> list[str]:
    """The command line of Steward itself."""
    return [str(Path(sys.executable).with_name("steward")), *arguments]


def split(total: int, parts: int) -> list[int]:
    """Whole shares of a total, as even as can be."""
    share, rest = divmod(total, parts)
    return [share + (number < rest) for number in range(parts)]
