"""The last task of a plan: its report, from what the database knows, with a narrative where a model is configured."""

from typing import Any
from uuid import UUID

from pydantic import BaseModel

from agents.equipment import Run
from agents.journal import RunStopped
from agents.tools.tool import AnyTool, Done, Outcome, StrictInput, Tool
from core.errors import StewardError
from tasks import plans, runs
from tasks.actions import Effect
from tasks.models import Evidence


class ReportInput(StrictInput):
    """Nothing: the report is on the plan that the task is part of."""


class ReportOutput(BaseModel):
    """The report as Markdown, and the facts it says."""

    markdown: str
    facts: dict[str, Any]


async def write_report(run: Run, given: ReportInput) -> Outcome:
    """The report on the plan of this task, as it stands. Raises NotFound where the task is part of no plan."""
    from agents.reporting import report_markdown  # a run that reports is rare; all others start without these
    from agents.synthesizer import facts_of, narrate
    from agents.work import thinking_of

    plan_id = run.task.root_task_id or run.task.id
    plan_tree = await plans.get_plan(run.caller, plan_id)
    metrics = await plans.get_plan_metrics(run.caller, plan_id)
    facts = facts_of(plan_tree, metrics, without=run.task.id, people=await _people(run))
    thinking, missing = thinking_of(run), ""
    try:
        narrative = await narrate(facts, thinking)
    except RunStopped:
        raise
    except StewardError as error:
        if error.is_retryable and run.task.retry_count < run.task.max_retries:
            raise
        narrative, missing = None, error.message  # a plain report is better than none
    output = ReportOutput(markdown=report_markdown(facts, narrative), facts=facts.model_dump(mode="json"))
    how = (
        "Every line comes from what is stored"
        if narrative is None
        else f"Told by {thinking.name}; its numbers stand in the facts"
    )
    more = {"format": "json", "message": f"Without a narrative: {missing}" if missing else "The report is written"}
    return Done(output.model_dump(mode="json"), "verified", [Evidence(kind="report", what=how)], more)


async def _people(run: Run) -> dict[UUID, str]:
    """The name of the person whom the plan is for."""
    row = await runs.get_task_context(run.caller, run.task.id)
    owner: dict[str, Any] = row.get("owner") or {}
    name = owner.get("name") or owner.get("email")
    return {UUID(str(owner["user_id"])): str(name)} if owner.get("user_id") and name else {}


PLAN_TOOLS: tuple[AnyTool, ...] = (
    Tool(
        "plan_report",
        "Writes the report on the plan that the task is part of",
        "control",
        write_report,
        ReportInput,
        ReportOutput,
        effect=Effect.READ,
        timeout_seconds=600,
        is_plannable=False,
    ),
)
