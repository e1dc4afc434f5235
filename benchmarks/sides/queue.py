"""Bare Procrastinate with no-op jobs, worked on as Steward's worker does: the same pool, loops and polling.

python -m benchmarks.sides.queue URL CONCURRENCY
"""

import asyncio
import math
import sys

from benchmarks.harness.processes import split
from benchmarks.peers.lines import own_output, serve
from jobs.worker import HEARTBEAT_SECONDS, JOBS_PER_LOOP, MOST_LOOPS, POLL_SECONDS, SILENT_SECONDS, queue_app


async def noop(number: int) -> None:
    """Nothing."""


async def answer(question: dict[str, object]) -> dict[str, object]:
    return question


async def main() -> None:
    answers = own_output()
    concurrency = int(sys.argv[2])
    loops = min(math.ceil(concurrency / JOBS_PER_LOOP), MOST_LOOPS)
    app = queue_app(sys.argv[1], loops)
    app.task(name="noop", queue="noop")(noop)
    async with app.open_async():
        working = [
            asyncio.create_task(
                app.run_worker_async(
                    concurrency=share,
                    install_signal_handlers=False,
                    fetch_job_polling_interval=POLL_SECONDS,
                    update_heartbeat_interval=HEARTBEAT_SECONDS,
                    stalled_worker_timeout=SILENT_SECONDS,
                    delete_jobs="always",
                )
            )
            for share in split(concurrency, loops)
        ]
        await serve(answer, answers)
        for loop in working:
            loop.cancel()
        await asyncio.gather(*working, return_exceptions=True)


if __name__ == "__main__":
    asyncio.run(main())
