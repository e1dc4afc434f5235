"""From a document to its execution, and from a changed document to a changed execution.

The pure parts are in `decompose` (tasks of a document) and `diff` (what changes); here they meet the database.
"""

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field

from agents.playbooks.document.decompose import NEEDED, SURE, WBS, Decomposition, tasks_from
from agents.playbooks.document.diff import ExecutionDiff, Seen, diff_execution, live_nodes, wbs_id_of
from agents.playbooks.document.links import paths_of, rows_of
from core.database import Caller
from core.errors import Conflict, Invalid, NotFound
from tasks import plan_links, plans
from tasks.calibration import DECOMPOSITION
from tasks.functions import TaskNode
from tasks.models import ExecutionStatus
from tasks.plans import PlanState, PlanSummary, PlanTree, StoredSection
from tasks.thresholds import threshold_of

USUAL_DAYS = 30  # what a tree may take without a bound of its own
NOT_BEGUN: frozenset[ExecutionStatus] = frozenset({"pending", "queued"})


class StageTouched(BaseModel):
    """A stage that an edit reaches, or does not."""

    model_config = ConfigDict(extra="forbid")

    stage: str
    title: str
    state: ExecutionStatus


class ExecutionTouched(BaseModel):
    """Tasks of an execution that come from stages which an edit reaches. `may_change` have not begun; `stays` have.

    `diff` is exact where the edit is to the work breakdown itself; else the document has to be redone first.
    """

    model_config = ConfigDict(extra="forbid")

    plan_id: UUID
    title: str
    state: PlanState
    may_change: list[Seen]
    stays: list[Seen]
    diff: ExecutionDiff | None = None


class EditPreview(BaseModel):
    """What an edit of a section would touch. Nothing is written. `problem`: why the section would not pass its check."""

    model_config = ConfigDict(extra="forbid")

    stage: str
    is_same: bool
    problem: str | None = None
    edited: list[StageTouched]
    redone: list[StageTouched]
    kept: list[StageTouched]
    executions: list[ExecutionTouched] = Field(default_factory=list[ExecutionTouched])


async def execute_document(
    caller: Caller, plan_id: UUID, *, starts_by_itself: bool = True, again: bool = False
) -> PlanSummary:
    """An execution of a document: an objective plan with its tasks. Where it is not sure enough, a person starts it.

    Raises Conflict for a plan that is no document, has no work breakdown, or is being carried out already (unless `again`).
    """
    document = await plans.get_plan(caller, plan_id)
    found = tasks_from(await _sections(caller, document.plan), _timezone(document.plan))
    plan: dict[str, Any] = {
        "title": found.title,
        "description": found.goal,
        "request": {
            "objective": found.goal or found.title,
            "context": {},
            "confidence": found.confidence,
            "unclear": found.unclear,
        },
        "priority": document.tree.priority,
        "document_id": str(plan_id),
        "starts_by_itself": starts_by_itself,
        "bounds": {"max_wall_seconds": max(USUAL_DAYS, 2 * found.days) * 86400},
        "tasks": rows_of(found.tasks, plan_id),
    }
    sure = await threshold_of(caller, DECOMPOSITION, SURE)
    wait_because = None if found.may_start(sure) else why_wait(found)
    paths = sorted(path for path, _ in paths_of(found.tasks))
    return await plan_links.execute_plan_document(caller, plan, paths, found.confidence, wait_because, again=again)


def why_wait(found: Decomposition) -> str:
    """Why a person looks at an execution before it starts."""
    unclear = f" {'; '.join(found.unclear)}." if found.unclear else ""
    return f"The breakdown is only {found.confidence:.0%} sure; look at it before it starts.{unclear}"


async def preview_edit(caller: Caller, plan_id: UUID, stage: str, given: Mapping[str, Any]) -> EditPreview:
    """What writing a section as `given` would touch: stages, and tasks of the executions of this document. Writes nothing.

    Raises NotFound for a stage that the document does not have, Invalid for a section that is none.
    """
    document = await plans.get_plan(caller, plan_id)
    sections = await _sections(caller, document.plan)
    stored = next((one for one in sections if one.stage == stage), None)
    if stored is None:
        raise NotFound(
            f"This plan has no stage {stage[:100]!r}", detail=f"there are: {', '.join(s.stage for s in sections)}"
        )
    output, problem = _checked(stage, given)
    is_same = stored.output == output
    later = set[str]() if is_same else stages_after(document.tree, stage)
    touched = {one.stage: StageTouched(stage=one.stage, title=one.title, state=one.state) for one in sections}
    edited = [] if is_same else [touched[stage]]
    redone = [touched[one.stage] for one in sections if one.stage in later and one.state not in NOT_BEGUN]
    reached = {one.stage for one in (*edited, *redone)}
    executions: list[ExecutionTouched] = []
    if edited:
        changed = [
            one.model_copy(update={"output": output, "is_stale": False}) if one is stored else one for one in sections
        ]
        async for execution in _open_executions(caller, plan_id):
            executions.append(
                _touched(execution, {stage, *later}, document.plan, changed if stage in (*NEEDED, *WBS) else None)
            )
    return EditPreview(
        stage=stage,
        is_same=is_same,
        problem=problem,
        edited=edited,
        redone=redone,
        kept=[one for name, one in touched.items() if name not in reached],
        executions=executions,
    )


async def preview_diff(caller: Caller, execution_id: UUID) -> ExecutionDiff:
    """What the document of an execution, as it is now, would change about it. Writes nothing."""
    _, _, found = await _diff_of(caller, execution_id)
    return found


async def apply_diff(caller: Caller, execution_id: UUID, digest: str) -> PlanTree:
    """Bring an execution to what its document says now: exactly what was shown under this digest, all or nothing.

    Raises Conflict where something has changed since, where the document is being written anew, or where the execution is over.
    """
    execution, wanted, found = await _diff_of(caller, execution_id)
    if found.digest != digest:
        raise Conflict("What would change is not what was shown", hint="Look at the changes again, then apply them.")
    if wanted.stale:
        raise Conflict(
            "The document is being written anew",
            detail=f"not done yet: {', '.join(wanted.stale)}",
            hint="Wait until it is done.",
        )
    if found.is_empty:
        return execution
    return await plan_links.apply_plan_diff(caller, execution_id, found.edits)


def stages_after(tree: TaskNode, stage: str) -> set[str]:
    """The stages of a document that depend on one, by the edges of its tasks."""
    nodes = {node.id: str(node.source_ref.get("key")) for node in tree.children if node.superseded_at is None}
    needs = {
        nodes[node.id]: {nodes[need] for need in node.depends_on if need in nodes}
        for node in tree.children
        if node.id in nodes
    }
    found: set[str] = set()
    new = {stage}
    while new:
        new = {name for name, wanted in needs.items() if wanted & new} - found - {stage}
        found |= new
    return found


def _checked(stage: str, given: Mapping[str, Any]) -> tuple[dict[str, Any], str | None]:
    from agents.playbooks.document.catalog import stage_named
    from agents.playbooks.document.running import section_of

    section = section_of(stage_named(stage), given)
    return section.model_dump(mode="json"), section.shallow()


def _touched(
    execution: PlanTree, stages: set[str], document: PlanSummary, changed: Sequence[StoredSection] | None
) -> ExecutionTouched:
    nodes = [node for node in live_nodes(execution.tree) if stages & set(_stages_of(node))]
    seen = [
        (node, Seen(id=node.id, wbs_id=wbs_id_of(node) or "", title=node.title, state=node.execution_status))
        for node in nodes
    ]
    diff = diff_execution(tasks_from(changed, _timezone(document)), execution.tree, document.id) if changed else None
    return ExecutionTouched(
        plan_id=execution.plan.id,
        title=execution.plan.title,
        state=execution.plan.state,
        may_change=[one for node, one in seen if node.execution_status == "pending"],
        stays=[one for node, one in seen if node.execution_status != "pending"],
        diff=diff,
    )


def _stages_of(node: TaskNode) -> Iterator[str]:
    stages: Any = node.source_ref.get("stages")
    if isinstance(stages, list):
        yield from (str(stage) for stage in stages)  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]


async def _open_executions(caller: Caller, plan_id: UUID) -> AsyncIterator[PlanTree]:
    for one in await plan_links.list_plan_executions(caller, plan_id):
        if one.execution_status not in {"completed", "failed", "cancelled"}:
            yield await plans.get_plan(caller, one.id)


async def _diff_of(caller: Caller, execution_id: UUID) -> tuple[PlanTree, Decomposition, ExecutionDiff]:
    execution = await plans.get_plan(caller, execution_id)
    document_id = execution.plan.document_id
    if document_id is None:
        raise Conflict("This plan carries out no document", detail=f"plan {execution_id}")
    document = (await plans.get_plan(caller, document_id)).plan
    wanted = tasks_from(await _sections(caller, document), _timezone(document))
    return execution, wanted, diff_execution(wanted, execution.tree, document_id)


async def _sections(caller: Caller, plan: PlanSummary) -> list[StoredSection]:
    if plan.kind != "document":
        raise Conflict("This plan is no plan document", detail=f"it is an {plan.kind}")
    return await plans.list_plan_sections(caller, plan.id)


def _timezone(plan: PlanSummary) -> ZoneInfo:
    name = plan.request.get("timezone") or "UTC"
    try:
        return ZoneInfo(str(name))
    except (KeyError, ValueError, OSError):
        raise Invalid(f"The timezone of the plan is not known: {str(name)[:60]!r}") from None
