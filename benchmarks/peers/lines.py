"""Questions and answers between the bench and its processes: one JSON object a line, on standard input and output.

Standard library alone: the peers' environment imports it, too. A process says `ready` first, and ends when its input
does; whatever else it prints goes to standard error.
"""

import asyncio
import json
import os
import sys
from collections.abc import Awaitable, Callable
from typing import Any, TextIO

Answer = Callable[[dict[str, Any]], Awaitable[dict[str, Any]]]


def own_output() -> TextIO:
    """Standard output for answers alone; prints of libraries go to standard error from now on."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    return answers


async def serve(answer: Answer, answers: TextIO) -> None:
    """Answer questions until the input ends."""
    loop = asyncio.get_running_loop()
    print(json.dumps({"ready": True}), file=answers, flush=True)
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        print(json.dumps(await answer(json.loads(line))), file=answers, flush=True)
