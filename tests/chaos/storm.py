"""`make chaos`: trees of tasks while workers die, freeze and are replaced, Postgres crashes, the model and the mail server fail.

    python -m tests.chaos.storm [--trees 500] [--workers 4] [--every 1.0] [--crashes 2] [--seed 1] [--limit 600]

Ends with one line of JSON: lost, sent_twice, stuck, steps_rebilled (each has to be 0), uncertain, kills, freezes, seconds.
Messages and answers are counted at the other end: what the mail server took, what the model server answered.
"""

import argparse
import asyncio
import json
import os
import random
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import psycopg

from app.house import ensure_owner
from core.database import Caller, Database, open_database
from core.embedded import EmbeddedPostgres
from core.errors import Conflict, StewardError
from core.migrate import migrate
from core.settings import Settings
from tasks import functions, review, trees
from tests.chaos.model_faults import ModelFaults, authored_answers, running_faults
from tests.chaos.smtp_sink import SmtpSink, running_sink
from tests.chaos.workers import Crew
from tests.emulators.model_server import running_model_server

FINAL = {"completed", "failed", "cancelled"}
BATCH = 20


@dataclass
class Report:
    """What the storm left behind; the first four have to be 0."""

    lost: int = 0
    sent_twice: int = 0
    stuck: int = 0
    steps_rebilled: int = 0
    uncertain: int = 0
    kills: int = 0
    freezes: int = 0
    seconds: float = 0
    trees: int = 0
    tasks: int = 0
    mails: int = 0
    mails_refused: int = 0
    database_crashes: int = 0
    model_requests: int = 0
    details: list[str] = field(default_factory=list[str])

    @property
    def is_clean(self) -> bool:
        return not (self.lost or self.sent_twice or self.stuck or self.steps_rebilled)


@dataclass
class Storm:
    """One run: how much is asked for, and how often something is struck."""

    trees: int
    workers: int
    every_seconds: float
    crashes: int
    seed: int
    limit_seconds: float
    home: Path
    show_progress: bool = True

    async def run(self) -> Report:
        """Everything from an empty database to the report."""
        chance = random.Random(self.seed)
        began = time.monotonic()
        async with AsyncExitStack() as stack:
            embedded = await asyncio.to_thread(EmbeddedPostgres.start, self.home)
            stack.callback(embedded.remove)
            stack.callback(embedded.stop)
            await migrate(embedded.url, embedded=True)
            sink = await stack.enter_async_context(running_sink(SmtpSink(chance)))
            answers = self.home / "answers.json"
            answers.write_text(authored_answers(self.trees))
            model = stack.enter_context(running_model_server(answers, log=self.home / "model.log"))
            upstream = model.base_url.removesuffix("/v1")
            faults = await stack.enter_async_context(running_faults(ModelFaults(upstream, chance)))
            crew = Crew(self.workers, self._environment(embedded, sink, faults), chance, self.home / "workers.log")
            stack.callback(crew.dismiss)
            database = await stack.enter_async_context(open_database(embedded.url))
            owner = await ensure_owner(embedded.url, Settings.model_validate({"home": self.home}))
            caller = database.acting_as(owner)
            report = await self._blow(caller, crew, embedded)
            report.seconds = round(time.monotonic() - began, 1)
            report.kills, report.freezes, report.database_crashes = crew.kills, crew.freezes, self.crashes
            report.model_requests = faults.requests
            await self._judge(database, caller, sink, faults, report)
        return report

    def _environment(self, embedded: EmbeddedPostgres, sink: SmtpSink, faults: ModelFaults) -> dict[str, str]:
        return {
            "STEWARD_HOME": str(self.home / "worker"),
            "STEWARD_DATABASE_URL": embedded.url,
            "STEWARD_SMTP_URL": sink.url,
            "STEWARD_OWNER_EMAIL": "owner@localhost",
            "STEWARD_LOG_LEVEL": "warning",
            "STEWARD_CLEANUP_SCHEDULE": "off",
            "STEWARD_METRICS_SCHEDULE": "off",
            "OPENAI_API_KEY": "not-a-key",
            "OPENAI_BASE_URL": faults.base_url,
        }

    async def _blow(self, caller: Caller, crew: Crew, embedded: EmbeddedPostgres) -> Report:
        """Plant the trees, and strike until all is settled or the time is up."""
        began = time.monotonic()
        crew.fill()
        planting = asyncio.create_task(self._plant(caller))
        approving = asyncio.create_task(self._be_the_person(caller))
        crash_at = [0.25, 0.6, 0.8, 0.9][: self.crashes]
        struck, crashed, open_tasks = time.monotonic(), 0, -1
        try:
            while time.monotonic() - began < self.limit_seconds:
                await asyncio.sleep(0.2)
                settled, total = await self._progress(caller, planting.done())
                done = settled / total if total else 0
                if self.show_progress and total:
                    progress = f"{settled} of {total} tasks settled, {crew.kills} workers killed, {crew.freezes} frozen"
                    print(f"\r{progress} ", end="", file=sys.stderr, flush=True)
                if planting.done() and settled == total > 0:
                    break
                if crashed < len(crash_at) and done > crash_at[crashed] * (total / (self.trees * 5)):
                    crashed += 1
                    await self._crash(embedded)
                calm = planting.done() and done > 0.97  # let the last ones end
                if not calm and time.monotonic() - struck > self.every_seconds:
                    struck = time.monotonic()
                    crew.strike()
                crew.fill()
            planting.result() if planting.done() else planting.cancel()
        finally:
            approving.cancel()
            planting.cancel()
            if self.show_progress:
                print(file=sys.stderr)
        return Report(trees=self.trees)

    async def _plant(self, caller: Caller) -> None:
        for start in range(0, self.trees, BATCH):
            for number in range(start, min(start + BATCH, self.trees)):
                tree = tree_of(number)
                await persist(lambda tree=tree: plant(caller, tree))
            await asyncio.sleep(0.2)

    async def _be_the_person(self, caller: Caller) -> None:
        """Approve every draft, have everything tried again that failed; nothing that is uncertain is touched."""
        while True:
            try:
                for draft in (await review.list_drafts(caller, states=["draft"], limit=100)).items:
                    await persist(lambda draft=draft: review.approve_draft(caller, draft.id, draft.digest))
                where = functions.TaskFilter(status=["failed"], source="manual")
                for task in (await functions.list_tasks(caller, where, limit=100)).items:
                    if task.tool is None:
                        await persist(lambda task=task: functions.retry_task(caller, task.id))
                where = functions.TaskFilter(status=["blocked"], source="manual")
                for task in (await functions.list_tasks(caller, where, limit=200)).items:
                    if task.blocked_on in {"person", "model"} and task.tool is None:
                        await persist(lambda task=task: functions.queue_task_execution(caller, task.id))
            except StewardError:
                pass
            await asyncio.sleep(0.2)

    async def _progress(self, caller: Caller, planted: bool) -> tuple[int, int]:
        try:
            async with await psycopg.AsyncConnection.connect(caller.database.url, autocommit=True, connect_timeout=2) as connection:
                row = await (await connection.execute(SETTLED)).fetchone()
                return (int(row[0]), int(row[1])) if row else (0, 0)
        except psycopg.Error:
            return (0, 0)

    async def _crash(self, embedded: EmbeddedPostgres) -> None:
        """The server ends at once, as in a power cut, and is started again."""
        pid = int((embedded.data / "postmaster.pid").read_text().split()[0])
        os.kill(pid, signal.SIGQUIT)
        for _ in range(100):
            await asyncio.sleep(0.05)
            if not (embedded.data / "postmaster.pid").exists():
                break
        await asyncio.to_thread(EmbeddedPostgres.start, self.home)

    async def _judge(self, database: Database, caller: Caller, sink: SmtpSink, faults: ModelFaults, report: Report) -> None:
        async with database.pool.connection() as connection:

            async def rows(query: str) -> list[tuple[Any, ...]]:
                return await (await connection.execute(query.encode())).fetchall()

            (counted,) = await rows("select count(*), count(*) filter (where parent_task_id is null) from public.tasks")
            report.tasks = int(counted[0])
            drafts = await rows("select state, message_id, id from public.drafts where state not in ('superseded', 'rejected')")
            stuck = await rows(STUCK)
            billed = await rows(BILLED)
        report.lost += self.trees - int(counted[1])
        report.mails = sum(sink.taken.values())
        report.mails_refused = len(sink.refused)
        report.sent_twice = sum(count - 1 for count in sink.taken.values())
        for state, message_id, draft_id in drafts:
            took = sink.taken[str(message_id)] if message_id else 0
            if state == "sent" and not took:
                report.lost += 1
                report.details.append(f"draft {draft_id} is sent, and nobody took it")
            elif state == "failed" and took:
                report.sent_twice += 1
                report.details.append(f"draft {draft_id} is failed, and was taken")
            elif state == "uncertain":
                report.uncertain += 1
            elif state in {"approved", "sending", "draft"}:
                report.stuck += 1
                report.details.append(f"draft {draft_id} stays {state}")
        mails = Counter(state for state, _, _ in drafts)
        if sum(mails.values()) < self.trees:
            report.lost += self.trees - sum(mails.values())
            report.details.append(f"{sum(mails.values())} drafts of {self.trees}")
        report.stuck += len(stuck)
        report.details += [f"{title} stays {state}: {why}" for title, state, why in stuck[:10]]
        for marker, attempts in billed:
            extra = faults.answered[str(marker)] - int(attempts)
            if extra > 0:
                report.steps_rebilled += extra
                report.details.append(f"{marker} was answered {extra} times too often")


SETTLED = """
  select count(*) filter (where t.execution_status in ('completed', 'cancelled')
      or (t.execution_status = 'failed' and t.tool = 'email_send')
      or (t.tool = 'email_send' and t.execution_status = 'blocked' and t.blocked_on = 'person')),
    count(*) + (select count(*) from public.drafts d where d.state in ('draft')) from public.tasks t"""
# What neither ended nor waits for something that may come.
STUCK = """
  select t.title, t.execution_status, coalesce(t.blocked_on, '') || ' ' || coalesce(t.blocked_reason, t.failure_reason, '') from public.tasks t
  where t.execution_status in ('queued', 'in_progress', 'pending', 'paused')
    or (t.execution_status = 'blocked' and not (t.tool is not distinct from 'email_send' and t.blocked_on = 'person'))
    or (t.execution_status = 'failed' and t.tool is distinct from 'email_send' and t.superseded_at is null)"""
# Attempts of the steps of each task that a model was asked for; an answered attempt is at most one answer.
BILLED = """
  select substring(t.description from 'marker-[a-z]+-[0-9]+'), sum(s.attempts)
  from public.steps s join public.tasks t on t.id = s.task_id where s.kind = 'model' and t.description like 'marker-%' group by 1"""


def tree_of(number: int) -> dict[str, Any]:
    """A root and three parts: a summary by a model, a milestone after it, and a mail after that."""
    auto = {"execution_type": "fully_automated", "max_retries": 20}
    return {
        "title": f"Tree {number}",
        **auto,
        "children": [
            {**auto, "key": "a", "title": "Summarise the notes", "kind": "summary", "description": f"marker-summary-{number} " + "word " * 40},
            {**auto, "key": "b", "title": "Milestone", "tool": "noop", "depends_on": ["a"]},
            {
                **auto,
                "key": "c",
                "title": f"Draft email to reader-{number}@example.com with the news",
                "kind": "email",
                "recipient": f"reader-{number}@example.com",
                "description": f"marker-mail-{number} ",
                "depends_on": ["b"],
            },
        ],
    }


async def plant(caller: Caller, tree: dict[str, Any]) -> None:
    """Make a tree and execute it; twice is once."""
    known = await functions.list_tasks(caller, functions.TaskFilter(text=str(tree["title"]), parent="none"), limit=200)
    root = next((task.id for task in known.items if task.title == tree["title"]), None)
    root = root or (await trees.create_task_tree(caller, tree)).id
    await functions.queue_task_execution(caller, root)


async def persist(call: Any) -> None:
    """A person who tries again while the server is away."""
    for _ in range(200):
        try:
            await call()
            return
        except Conflict:
            return
        except StewardError:
            await asyncio.sleep(0.2)
    raise TimeoutError("The database stayed away")


@asynccontextmanager
async def throwaway_home(keep: Path | None) -> AsyncGenerator[Path]:
    """A folder for everything of the storm, gone with it; `keep` names one that stays, with the logs."""
    if keep is not None:
        keep.mkdir(parents=True, exist_ok=True)
        yield keep
        return
    with tempfile.TemporaryDirectory(prefix="storm-") as folder:
        yield Path(folder)


async def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--trees", type=int, default=500)
    parser.add_argument("--workers", type=int, default=4)
    parser.add_argument("--every", type=float, default=1.0, help="seconds between two strikes")
    parser.add_argument("--crashes", type=int, default=2, help="crash-restarts of Postgres")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--limit", type=float, default=900, help="seconds after which it is over")
    parser.add_argument("--keep", type=Path, help="keep everything in this folder, the workers' log too")
    given = parser.parse_args()
    async with throwaway_home(given.keep) as home:
        size = (given.trees, given.workers, given.every, given.crashes, given.seed, given.limit)
        storm = Storm(*size, home, show_progress=sys.stderr.isatty())
        report = await storm.run()
    for line in report.details:
        print(line, file=sys.stderr)
    print(json.dumps({key: value for key, value in asdict(report).items() if key != "details"}))
    return 0 if report.is_clean else 1


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
