"""The tool that computes JSON out of JSON with an expression (JSONata), in a process of its own with nothing to reach.

The process starts isolated, without environment, in an empty folder, bounded in time, memory, and depth; `$eval`, the
clock and chance are not there. Language: https://docs.jsonata.org
"""

import asyncio
import json
import os
import sys
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any, cast

from pydantic import BaseModel, Field, JsonValue

from agents.equipment import Run
from agents.tools.tool import AnyTool, Done, Outcome, StrictInput, Tool
from core.errors import Invalid
from core.outside.errors import Temporary
from tasks.actions import Effect

PROGRAM = Path(__file__).with_name("transforming.py")
MOST_SECONDS = 10.0
START_SECONDS = 20.0
MOST_MEMORY_BYTES = 512 * 1024 * 1024
MOST_CHARACTERS = 1_000_000


class TransformInput(StrictInput):
    """Data (often a template), and the expression that is applied to it."""

    data: JsonValue = None
    expression: str = Field(
        min_length=1, max_length=20_000, description="JSONata, like orders[status='open'].{'id': id}"
    )


class TransformOutput(BaseModel):
    """What came out."""

    value: Any = None


async def transform(run: Run, given: TransformInput) -> Outcome:
    """Apply the expression."""
    value = await evaluate(given.expression, given.data)
    return Done(TransformOutput(value=value).model_dump(mode="json"), "verified")


async def evaluate(
    expression: str, data: Any, seconds: float = MOST_SECONDS, memory_bytes: int = MOST_MEMORY_BYTES
) -> Any:
    """The value of an expression. Raises Invalid with what is wrong with it, or which limit it reached."""
    asked = {"expression": expression, "data": data, "seconds": seconds, "bytes": memory_bytes}
    try:
        question = json.dumps(asked).encode()
    except RecursionError as error:
        raise Invalid("The data are nested too deep") from error
    answer = await _run_apart(question, START_SECONDS + seconds)
    try:
        said = cast("dict[str, Any]", json.loads(answer))
    except ValueError:
        message = f"The expression was ended: it took longer than {seconds:g} seconds, or too much memory"
        raise Invalid(message, detail=expression[:200]) from None
    if "error" in said:
        raise Invalid(f"The expression cannot be applied: {said['error']}", detail=expression[:200])
    if len(answer) > MOST_CHARACTERS:
        raise Invalid(f"The expression gives more than {MOST_CHARACTERS} characters", detail=expression[:200])
    return said["value"]


async def _run_apart(asked: bytes, seconds: float) -> bytes:
    with tempfile.TemporaryDirectory(prefix="steward-") as folder:
        needed = {
            name: os.environ[name] for name in ("SYSTEMROOT",) if name in os.environ
        }  # Windows starts nothing without
        try:
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-I",
                str(PROGRAM),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.DEVNULL,
                cwd=folder,
                env=needed,
            )
        except OSError as error:
            raise Temporary("No process could be started", detail=type(error).__name__) from error
        try:
            async with asyncio.timeout(seconds):
                return (await process.communicate(asked))[0]
        except TimeoutError:
            return b""
        finally:
            if process.returncode is None:
                with suppress(ProcessLookupError):
                    process.kill()
                await process.wait()


TRANSFORM_TOOLS: tuple[AnyTool, ...] = (
    Tool(
        "data_transform",
        "Computes JSON out of JSON with a JSONata expression: picks, filters, groups, sums, builds; reaches nothing else",
        "read",
        transform,
        TransformInput,
        TransformOutput,
        capability="data",
        effect=Effect.READ,
        timeout_seconds=60,
        stays_within=True,
    ),
)
