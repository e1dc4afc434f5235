"""The tool for pipelines: asks one to run, after a person's yes, and waits for its signed report.

It moves its task by itself, since it first acts and then waits: the request is a journaled step under the person's yes,
and the wait holds no worker. A report that comes before the wait has begun is kept for it.
"""

import json
from typing import Any

from pydantic import BaseModel, Field, JsonValue

from agents.equipment import Run
from agents.gate import judge
from agents.journal import insist
from agents.services.code import Pipelines
from agents.tools.http import outside_facts
from agents.tools.tool import AnyTool, Outcome, Settled, Shown, StrictInput, Tool, text_of
from core.errors import Invalid
from tasks import plan_tools, review
from tasks.actions import Action, Effect

NAME = "cicd_webhook"
DAY_SECONDS = 86_400
LONGEST_PARAMETERS = 100_000


class PipelineInput(StrictInput):
    """What to run."""

    pipeline: str = Field(min_length=1, max_length=200, description="Its name, as the receiver knows it")
    parameters: dict[str, JsonValue] = Field(default_factory=dict[str, JsonValue])
    deadline_seconds: float = Field(
        default=DAY_SECONDS / 24, gt=0, le=30 * DAY_SECONDS, description="By when it has to report"
    )


class PipelineOutput(BaseModel):
    """What the pipeline reported; more fields are its own."""

    model_config = {"extra": "allow"}

    status: str
    url: str | None = None
    message: str | None = None


async def run_pipeline(run: Run, given: PipelineInput) -> Outcome:
    """Ask for the run and wait for the report; ask the person first."""
    if len(json.dumps(given.parameters)) > LONGEST_PARAMETERS:
        raise Invalid(f"parameters have at most {LONGEST_PARAMETERS} characters", detail="tool_input.parameters")
    pipelines = await run.reach(Pipelines)
    approval = await insist(lambda: review.get_act(run.caller, run.task.id))
    if approval is None or await plan_tools.is_pipeline_report_used(run.caller, approval.id):
        await _ask(run, given, pipelines)
        return Settled()
    wanted, approval_id = PipelineInput.model_validate(approval.payload["input"]), approval.id
    message_id = f"steward-{approval_id}"
    body: dict[str, Any] = {
        "type": "steward.pipeline.requested",
        "data": {
            "task_id": str(run.task.id),
            "message_id": message_id,
            "pipeline": wanted.pipeline,
            "parameters": wanted.parameters,
            "report_to": f"{pipelines.own_address}/api/hooks/cicd/{run.task.id}",
        },
    }

    async def send() -> dict[str, Any]:
        return {"status": await pipelines.request(message_id, body), "message_id": message_id}

    async def look() -> None:
        """A request under the same id is the same request for the receiver: it may be sent again."""

    step_id, sent = await run.journal.begin_and_do("act", f"{NAME} {approval_id}", send, look, approval_id)
    if step_id is not None:
        await run.journal.finish(step_id, sent)
    reason, seconds = f"Waits for the report of {wanted.pipeline}", wanted.deadline_seconds
    await insist(lambda: plan_tools.wait_for_pipeline(run.caller, run.task.id, approval_id, reason, seconds))
    return Settled()


async def _ask(run: Run, given: PipelineInput, pipelines: Pipelines) -> None:
    facts = {
        "pipeline": given.pipeline,
        "address": pipelines.address,
        "waits at most": f"{given.deadline_seconds:g} seconds",
    }
    facts |= await outside_facts(run)
    text = json.dumps(given.parameters, ensure_ascii=False, indent=2)
    shown = Shown(f"Run the pipeline {given.pipeline}?", facts, text)
    judged = await judge(run, await pipeline_action(run, given))
    payload = {"input": given.model_dump(mode="json"), **shown.as_json(), **judged.for_payload()}
    why = run.task.description
    await insist(
        lambda: review.request_act(run.caller, run.task.id, shown.title, payload, why=why, decision=judged.decision)
    )


async def pipeline_action(run: Run, given: PipelineInput) -> Action:
    """It starts a machine's work elsewhere."""
    return Action(NAME, Effect.EXECUTE, [given.pipeline], body=text_of(given))


CICD_TOOLS: tuple[AnyTool, ...] = (
    Tool(
        NAME,
        "Asks a pipeline to run, signed, after the person's yes; then waits for its signed report, until a deadline",
        "control",
        run_pipeline,
        PipelineInput,
        PipelineOutput,
        capability="code",
        needs=(Pipelines,),
        risk="high",
        effect=Effect.EXECUTE,
        action=pipeline_action,
        brings_untrusted=True,
    ),
)
