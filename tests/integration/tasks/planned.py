"""Plans for tests: their documents and steps, and runs of what they hold."""

from typing import Any

from core.database import Caller
from tasks import functions, plans, runs
from tasks.models import Task

DOCUMENT = {"prompt": "Open a bicycle repair workshop", "speed_vs_detail": "ping_llm"}


def stage(key: str, *depends_on: str, **more: Any) -> dict[str, Any]:
    """A stage of a document as its door makes it."""
    return {
        "key": key,
        "title": key.title(),
        "tool": "plan_stage",
        "tool_input": {"stage": key},
        "depends_on": list(depends_on),
        "on_failure": "escalate",
        **more,
    }


def document(*stages: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"kind": "document", "title": "A workshop", "request": DOCUMENT, "tasks": list(stages), **more}


def step(title: str, *depends_on: int, **more: Any) -> dict[str, Any]:
    """A part as a planning run makes it."""
    return {"title": title, "execution_type": "fully_automated", "depends_on": list(depends_on), **more}


async def begin(service: Caller, task_id: Any) -> tuple[Task, Caller]:
    """A run of a queued task, and the caller that is this run."""
    task = await runs.start_task_execution(service, task_id, None)
    assert task.run_id
    assert task.bound is None
    return task, service.as_run(task.id, task.run_id)


async def finish(service: Caller, task_id: Any, output: dict[str, Any], **more: Any) -> None:
    _, run = await begin(service, task_id)
    await runs.complete_task_execution(run, task_id, {"output": output, **more})


async def by_title(caller: Caller, plan_id: Any) -> dict[str, functions.TaskNode]:
    """The parts of a plan that were not replaced."""
    tree = (await plans.get_plan(caller, plan_id)).tree
    return {part.title: part for part in tree.children if part.superseded_at is None}


async def ready(ana: Caller, *parts: dict[str, Any]) -> plans.PlanSummary:
    """A plan that waits for its start."""
    return await plans.create_plan(
        ana, {"kind": "objective", "title": "Launch", "starts_by_itself": False, "tasks": list(parts)}
    )


async def written(ana: Caller, service: Caller) -> plans.PlanSummary:
    """A document a -> b -> c and d, of which all but d is written; c and d depend on what is before."""
    made = await plans.create_plan(ana, document(stage("a"), stage("b", "a"), stage("c", "b"), stage("d")))
    for title in "ABC":
        part = (await by_title(ana, made.id))[title]
        await finish(service, part.id, {"text": title}, inputs_digest=title)
    return made
