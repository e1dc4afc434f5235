"""`/plans/{plan_id}/stages/{stage}`: one section of a document, what it read, and its editor."""

from uuid import UUID

from fastapi import Request
from starlette.responses import Response

from agents.playbooks.document.execution import preview_edit
from agents.playbooks.document.running import section_of
from app._plans.acting import rerun
from app._view.forms import back_to, form_of
from app._view.schema_fields import fields_of, read_fields, with_errors
from app.dependencies import CurrentCaller
from app.plans.by_plan_id.stages.by_stage._section import wrong_fields
from app.plans.by_plan_id.stages.by_stage._show import schema_of, show, stage_of
from core.errors import Conflict, Invalid
from tasks.plans import get_plan, list_plan_sections


async def get(request: Request, caller: CurrentCaller, plan_id: UUID, stage: str) -> Response:
    return await show(request, caller, await get_plan(caller, plan_id), stage)


async def post(request: Request, caller: CurrentCaller, plan_id: UUID, stage: str) -> Response:
    """Write it again, or show what an edit touches, or save what a person wrote; a form with errors comes back with what was typed."""
    found = await get_plan(caller, plan_id)
    known, _ = stage_of(found, stage)
    typed = await form_of(request)
    action = typed.get("action", "")
    if action not in {"again", "look", "save"}:
        raise Invalid("There is no such button", errors=[{"field": "action", "message": f"{action[:40]!r} is none"}])
    fields, given = None, None
    if action in {"look", "save"}:
        sections = {one.stage: one.output or {} for one in await list_plan_sections(caller, plan_id)}
        written = {name.removeprefix("in."): text for name, text in typed.items() if name.startswith("in.")}
        fields = fields_of(schema_of(known), sections.get(stage, {}), written)
        given, errors = read_fields(fields)
        errors = errors or wrong_fields(known.form, given)
        if errors:
            return await show(request, caller, found, stage, fields=with_errors(fields, errors), status_code=422)
        if problem := section_of(known, given).shallow():
            told = f"It is too thin to pass: {problem}."
            return await show(request, caller, found, stage, fields=fields, problem=told, status_code=422)
        if action == "look":
            touched = await preview_edit(caller, plan_id, stage, given)
            return await show(request, caller, found, stage, fields=fields, touched=touched)
    try:
        await rerun(caller, plan_id, stage, given)
    except (Conflict, Invalid) as error:
        told = ". ".join(part.rstrip(".") for part in (error.message, error.detail, error.hint) if part)
        return await show(request, caller, found, stage, fields=fields, problem=f"{told}.", status_code=error.status)
    return back_to(f"/plans/{plan_id}/stages/{stage}")
