"""Many clients in one process: each sends a request when the one before was answered.

    python -m benchmarks.sides.requests

Questions: {"port", "token", "method", "path", "bodies", "connections", "seconds"}; a request takes the next of the
bodies, and the clients end when there is none left. Answers {"times": seconds of each answer, "seconds": of all}.
"""

import asyncio
import time
from collections.abc import Iterator
from itertools import repeat
from typing import Any

from benchmarks.harness.http import BadAnswer, connected
from benchmarks.peers.lines import own_output, serve


async def one_client(question: dict[str, Any], bodies: Iterator[object], until: float) -> list[float]:
    """Seconds of each answer. Raises BadAnswer for one that is no success."""
    times: list[float] = []
    async with connected(question["port"], question["token"]) as connection:
        for body in bodies:
            began = time.perf_counter()
            if began >= until:
                break
            connection.send(question["method"], question["path"], body)
            status, content = await connection.answer()
            if not 200 <= status < 300:
                raise BadAnswer(f"{question['method']} {question['path']} was answered {status}: {content[:200]!r}")
            times.append(time.perf_counter() - began)
    return times


async def answer(question: dict[str, Any]) -> dict[str, Any]:
    """The clients of one question, side by side."""
    bodies: Iterator[object] = iter(question["bodies"]) if question["bodies"] else repeat(None)
    began = time.perf_counter()
    found = await asyncio.gather(
        *[one_client(question, bodies, began + question["seconds"]) for _ in range(question["connections"])]
    )
    return {"times": [one for each in found for one in each], "seconds": time.perf_counter() - began}


if __name__ == "__main__":
    answers = own_output()
    asyncio.run(serve(answer, answers))
