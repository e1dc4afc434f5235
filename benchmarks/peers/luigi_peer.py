"""Luigi: the stages of a plan by worker processes and its scheduler, each stage marked by a file.

    python luigi_peer.py      question: {"stages": [...], "seconds", "workers"}
"""
# pyright: basic, reportMissingImports=false

import asyncio
import logging
import tempfile
import time
from pathlib import Path
from typing import Any

import luigi
from lines import own_output, serve

PLAN: dict[str, dict[str, Any]] = {}  # inherited by the worker processes, which are forks
SECONDS = 0.0
FOLDER = Path()


class Stage(luigi.Task):
    name = luigi.Parameter()

    def requires(self) -> list["Stage"]:
        return [Stage(name=name) for name in PLAN[str(self.name)]["depends_on"]]

    def output(self) -> luigi.LocalTarget:
        return luigi.LocalTarget(str(FOLDER / str(self.name)))

    def run(self) -> None:
        time.sleep(SECONDS if PLAN[str(self.name)]["llm"] else 0)
        Path(self.output().path).touch()


def run_plan(workers: int) -> None:
    names = list(PLAN)
    # Its defaults look for new work once a second: then a plan waits mostly for its own worker.
    config = luigi.configuration.get_config()
    config.set("worker", "wait_interval", "0.01")
    config.set("worker", "wait_jitter", "0.0")
    done = luigi.build([Stage(name=name) for name in names], workers=workers, local_scheduler=True, log_level="ERROR")
    if not done or any(not (FOLDER / name).exists() for name in names):
        raise RuntimeError("Luigi did not run every stage")


async def answer(question: dict[str, Any]) -> dict[str, Any]:
    global SECONDS, FOLDER
    PLAN.clear()
    PLAN.update({one["id"]: one for one in question["stages"]})
    SECONDS = question["seconds"]
    with tempfile.TemporaryDirectory() as folder:
        FOLDER = Path(folder)
        began = time.perf_counter()
        run_plan(question["workers"])
        return {"seconds": time.perf_counter() - began}


if __name__ == "__main__":
    logging.disable(logging.WARNING)
    asyncio.run(serve(answer, own_output()))
