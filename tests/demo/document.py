"""A plan document from a prompt: followed live, killed half way with SIGKILL, gone on with, its report looked at."""

import asyncio
import json
import re
import urllib.request
import zipfile
from collections import Counter
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from tests.demo.objectives import OVER
from tests.demo.plans_browser import Person
from tests.demo.plans_world import PlansWorld, listed
from tests.demo.report import Report, must
from tests.emulators.document_answers import PROMPT
from tests.emulators.model_server import ModelServer

LEVEL = "balanced_speed_and_detail"
PATIENCE_SECONDS = 300.0
STAGE = re.compile(r"Section: \[(\w+)\]")
PLACES = ("#part-3", "#part-6")  # work and schedule, with its charts; a part of text
FILES = ("report.html", "plan.zip", "report.pdf")
Message = dict[str, Any]


@dataclass
class Watch:
    """What a client heard of a plan: ids of events in the order they came, and the newest state of the whole."""

    ids: list[int] = field(default_factory=list[int])
    percents: list[float] = field(default_factory=list[float])
    state: str = ""

    def hear(self, message: Message, plan_id: str) -> None:
        self.ids.append(int(message["id"]))
        if message.get("task_id") == plan_id and message.get("percent") is not None:
            self.percents.append(float(message["percent"]))
            self.state = str(message.get("state") or self.state)

    @property
    def percent(self) -> float:
        return self.percents[-1] if self.percents else 0.0

    @property
    def last(self) -> int:
        return self.ids[-1] if self.ids else 0


@dataclass
class DocumentWalk:
    """The steps, and what is known so far."""

    report: Report
    world: PlansWorld
    person: Person
    model: ModelServer
    logs: Path
    plan_id: str = ""
    stages: int = 0
    asked_again: int = 0
    report_bytes: int = 0
    watch: Watch = field(default_factory=Watch)

    async def all(self) -> None:
        """From the prompt to the pictures of the report. Raises WalkFailed."""
        await self.accepted()
        killed_at, known, before = await self.killed_half_way()
        await self.gone_on_with()
        await self.nothing_asked_again(killed_at, known, before)
        await self.replayed()
        await self.files()
        await self.looked_at()

    async def accepted(self) -> None:
        """The prompt by curl."""
        status, told = await self.world.curl("/api/plans", {"prompt": PROMPT, "speed_vs_detail": LEVEL})
        must(status == 202, f"The prompt is answered with {status}: {told}")
        self.plan_id = str(told["planId"])
        self.report.say("curl POST /api/plans", f"“{PROMPT}”", f"{status} planId {self.plan_id}, {LEVEL}")

    # Section: killed and gone on with

    async def killed_half_way(self) -> tuple[datetime, dict[str, Message], Counter[str]]:
        """Follow it to 50 %, then SIGKILL; when that was, the stages that were finished, and how often each was asked for."""
        async with self.followed() as messages:
            async for message in messages:
                self.watch.hear(message, self.plan_id)
                must(
                    self.watch.state not in {"failed", "waiting"},
                    f"The plan is {self.watch.state} at {self.watch.percent:g} %: {message}",
                )
                if self.watch.percent >= 50:
                    break
            known = {one["stage"]: one for one in await self.sections() if one["state"] == "completed"}
            killed = await asyncio.to_thread(self.world.steward.kill)
        killed_at, before = datetime.now(UTC), await self.requests()
        self.report.say(
            f"Followed over WebSocket to {self.watch.percent:g} %; process {killed} is killed (SIGKILL)",
            f"{len(self.watch.ids)} messages heard, up to event {self.watch.last}",
            f"{len(known)} stages were finished, {sum(before.values())} requests had reached the model server",
        )
        must(self.watch.percent < 100 and len(known) > 0, "This is not the middle of the work")
        return killed_at, known, before

    async def gone_on_with(self) -> None:
        """Started again, followed from the last event that was heard, to the end."""
        last, heard = self.watch.last, len(self.watch.ids)
        await self.world.steward.start()
        self.report.say("Steward is started again")
        async with asyncio.timeout(PATIENCE_SECONDS):
            async with self.followed(after=last) as messages:
                async for message in messages:
                    self.watch.hear(message, self.plan_id)
                    if self.watch.state in OVER:
                        break
        plan = await self.world.get(f"/api/plans/{self.plan_id}")
        self.stages = plan["counts"].get("completed", 0)
        must(
            plan["state"] == "completed" and plan["percent"] == 100,
            f"{plan['state']}, {plan['percent']:g} %: {plan['reason']}",
        )
        self.report.say(
            f"Followed on with ?after={last} to 100 %: {self.stages} stages completed",
            f"{len(self.watch.ids) - heard} more messages heard, up to event {self.watch.last}",
        )

    @asynccontextmanager
    async def followed(self, after: int = 0) -> AsyncGenerator[AsyncGenerator[Message]]:
        """Messages of the plan's progress over WebSocket, until the server is gone."""
        url = f"{self.world.steward.url.replace('http', 'ws', 1)}/api/plans/{self.plan_id}/progress?after={after}"
        headers = {"Authorization": self.world.api.headers["Authorization"]}
        async with connect(url, additional_headers=headers, max_size=None) as socket:

            async def messages() -> AsyncGenerator[Message]:
                try:
                    async for text in socket:
                        yield json.loads(text)
                except ConnectionClosed:
                    return

            yield messages()

    async def sections(self) -> list[Message]:
        """The stages as they are stored."""
        return (await self.world.get(f"/api/plans/{self.plan_id}/stages"))["items"]

    async def requests(self) -> Counter[str]:
        """How often the model server was asked for each stage: its own journal."""

        def read() -> list[Message]:
            with urllib.request.urlopen(
                f"{self.model.base_url.removesuffix('/v1')}/__aimock/journal?limit=100000"
            ) as answer:
                return json.load(answer)

        bodies = [json.dumps(entry.get("body")) for entry in await asyncio.to_thread(read)]
        return Counter(found[-1] for body in bodies if (found := STAGE.findall(body)))

    async def nothing_asked_again(self, killed_at: datetime, known: dict[str, Message], before: Counter[str]) -> None:
        """What was finished before the kill is as it was, and the model was not asked for it once more."""
        sections, after = {one["stage"]: one for one in await self.sections()}, await self.requests()
        finished = {
            stage for stage, one in sections.items() if datetime.fromisoformat(one["completed_at"]) <= killed_at
        }
        must(set(known) <= finished, f"Finished before the kill and then not: {listed(sorted(set(known) - finished))}")
        for stage, one in known.items():
            now = sections[stage]
            same = (now["task_id"], now["completed_at"], now["output"]) == (
                one["task_id"],
                one["completed_at"],
                one["output"],
            )
            must(same, f"{stage} was finished before the kill, and was written anew")
        self.asked_again = sum(after[stage] - before[stage] for stage in finished)
        open_then = {stage: after[stage] - before[stage] for stage in before if stage not in finished}
        self.report.say(
            f"Of {len(finished)} stages that were finished at the kill, asked for again: {self.asked_again}",
            f"requests in all: {sum(after.values())}, {sum(after.values()) - sum(before.values())} of them after the kill",
            f"half written at the kill, and gone on with: {listed([f'{stage} {before[stage]} before, {more} after' for stage, more in open_then.items()])}",
        )

    async def replayed(self) -> None:
        """Both streams together are what is stored, in its order, without a gap."""
        stored: list[int] = []
        after = 0
        while True:
            page = await self.world.get(f"/api/plans/{self.plan_id}/progress?after={after}&limit=200")
            stored += [int(one["id"]) for one in page["items"]]
            if page["next_cursor"] is None:
                break
            after = stored[-1]
        missing = sorted(set(stored) - set(self.watch.ids))
        order = all(one <= other for one, other in pairwise(self.watch.ids))
        self.report.say(
            f"Of {len(stored)} stored messages, not heard: {len(missing)}",
            f"in order: {order}; percent never fell: {self.watch.percents == sorted(self.watch.percents)}",
        )
        must(not missing and order, f"The stream has gaps: {missing[:10]}, or is out of order")

    # Section: what came of it

    async def files(self) -> None:
        """report.html, the ZIP and the PDF, kept beside the log."""
        names = [one["name"] for one in (await self.world.get(f"/api/plans/{self.plan_id}/files"))["items"]]
        sizes: list[str] = []
        for name in FILES:
            answer = await self.world.api.get(f"/api/plans/{self.plan_id}/files/{name}")
            must(answer.status_code == 200, f"{name} is answered with {answer.status_code}: {answer.text[:300]}")
            (self.logs / name).write_bytes(answer.content)
            sizes.append(f"{name}: {len(answer.content)} bytes")
        self.report_bytes = (self.logs / "report.html").stat().st_size
        must((self.logs / "report.pdf").read_bytes().startswith(b"%PDF-"), "report.pdf is no PDF")
        with zipfile.ZipFile(self.logs / "plan.zip") as archive:
            must(archive.testzip() is None, "A file of plan.zip is damaged")
            inside = archive.namelist()
        self.report.say(f"{len(names)} files can be had", *sizes, f"in plan.zip: {len(inside)} files")
        must(
            {"report.html", "plan.json"} <= {name.rpartition("/")[2] for name in inside},
            f"plan.zip lacks files: {inside}",
        )

    async def looked_at(self) -> None:
        """The report in Chromium that reaches nothing, and the page of the plan, at both widths."""
        file = self.logs / "report.html"
        asked = await self.person.look_at_file(file, "report", *PLACES)
        others = sorted({url for url in asked if url != file.as_uri() and not url.startswith("data:")})
        must(not others, f"The report asks for {listed(others)}")
        must(not self.person.complaints, f"The browser complains: {listed(self.person.complaints)}")
        await self.person.look(f"/plans/{self.plan_id}", "document")
        self.report.say(
            "report.html opened in Chromium without a network: it asks for nothing, and fits both widths",
            f"pictures: {listed(sorted(one.name for one in self.logs.glob('*.png')))}",
        )
