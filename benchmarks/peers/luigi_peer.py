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


class Stage(luigi.Task):
    name = luigi.Parameter()
    folder = luigi.Parameter(significant=False)
    seconds = luigi.FloatParameter(significant=False)

    def requires(self) -> list["Stage"]:
        needed = PLAN[str(self.name)]["depends_on"]
        return [Stage(name=name, folder=self.folder, seconds=self.seconds) for name in needed]

    def output(self) -> luigi.LocalTarget:
        return luigi.LocalTarget(f"{self.folder}/{self.name}")

    def run(self) -> None:
        time.sleep(float(self.seconds) if PLAN[str(self.name)]["llm"] else 0)
        Path(self.output().path).touch()


def run_plan(folder: str, seconds: float, workers: int) -> None:
    """Raises RuntimeError unless every stage has run."""
    # Its defaults look for new work once a second: then a plan waits mostly for its own worker.
    config = luigi.configuration.get_config()
    config.set("worker", "wait_interval", "0.01")
    config.set("worker", "wait_jitter", "0.0")
    stages = [Stage(name=name, folder=folder, seconds=seconds) for name in PLAN]
    done = luigi.build(stages, workers=workers, local_scheduler=True, log_level="ERROR")
    if not done or any(not Path(folder, name).exists() for name in PLAN):
        raise RuntimeError("Luigi did not run every stage")


async def answer(question: dict[str, Any]) -> dict[str, Any]:
    PLAN.clear()
    PLAN.update({one["id"]: one for one in question["stages"]})
    with tempfile.TemporaryDirectory() as folder:
        began = time.perf_counter()
        run_plan(folder, question["seconds"], question["workers"])
        return {"seconds": time.perf_counter() - began}


if __name__ == "__main__":
    logging.disable(logging.WARNING)
    asyncio.run(serve(answer, own_output()))
