"""The walk through plans, from outside: objectives carried out with gates that wait, and a plan document that survives a kill.

The house is the real program with a database of its own; Jira, GitHub, the pipeline, Slack, Resend and the model are
emulators. See docs/guide/walk.md.
"""

import asyncio
import json
from dataclasses import asdict, dataclass
from pathlib import Path

from tests.demo.document import DocumentWalk
from tests.demo.objectives import ObjectivesWalk
from tests.demo.plans_browser import person
from tests.demo.plans_world import PlansWorld, plans_world
from tests.demo.report import Report
from tests.emulators.document_answers import write_fixtures
from tests.emulators.model_server import running_model_server
from tests.emulators.outside_servers import running_outside_servers

MODEL_MILLISECONDS = 120
STAGES = 61


@dataclass(frozen=True)
class PlansOutcome:
    """What was there at the end; `holds` only if all of it is as it has to be."""

    plans: int
    gates_approved: int
    gates_rejected: int
    stages: int
    asked_again: int
    report_bytes: int
    seconds: float

    @property
    def holds(self) -> bool:
        found = (self.plans, self.gates_approved, self.gates_rejected, self.stages, self.asked_again)
        return found == (4, 3, 1, STAGES, 0) and self.report_bytes > 0

    def as_json(self) -> str:
        """The last line."""
        return json.dumps({**asdict(self), "seconds": round(self.seconds, 1)})


async def walk_plans(report: Report, logs: Path) -> PlansOutcome:
    """Start what stands in for the world, and walk. Raises WalkFailed, NotStarted."""
    with running_outside_servers(logs / "emulators.log") as outside:
        async with plans_world(outside, logs) as world:
            report.say(
                "Jira, GitHub, a pipeline, Slack and Resend are there, as emulators",
                f"{world.jira.url}, {world.github.url}, {world.pipeline.url}, {outside.slack}, {outside.resend}",
            )
            return await _walk(report, logs, world)


async def _walk(report: Report, logs: Path, world: PlansWorld) -> PlansOutcome:
    link = await world.steward.start()
    await world.sign_in()
    report.say("Steward runs without a model, with a new database", world.steward.url)
    async with person(link, world.steward.url, logs) as robin:
        objectives = ObjectivesWalk(report, world, robin)
        await objectives.all()
        await asyncio.to_thread(world.steward.stop)
        fixtures = write_fixtures(logs / "answers.json", latency_ms=MODEL_MILLISECONDS)
        with running_model_server(fixtures, log=logs / "model.log") as model:
            world.steward.settings = {
                **world.steward.settings,
                "OPENAI_API_KEY": "not-a-key",
                "OPENAI_BASE_URL": model.base_url,
            }
            await world.steward.start()
            report.say(
                "Steward runs again on the same database, with a model",
                f"{model.base_url}, authored answers, {MODEL_MILLISECONDS} ms each",
            )
            document = DocumentWalk(report, world, robin, model, logs)
            await document.all()
    return PlansOutcome(
        plans=len(objectives.plans),
        gates_approved=objectives.approved,
        gates_rejected=objectives.rejected,
        stages=document.stages,
        asked_again=document.asked_again,
        report_bytes=document.report_bytes,
        seconds=report.seconds,
    )
