"""`/settings/workflows`: what Steward does for each kind of task, and what the organization wants of it in its own words."""

from collections.abc import Mapping, Sequence

from fastapi import Request
from starlette.responses import Response

from app._view.forms import back_to, form_of
from app.api.workflows._shapes import ShownWorkflow, checked_changes, known_kind, shown_workflows
from app.dependencies import CurrentCaller
from app.seen import house_of
from app.templating import render
from core.database import Caller
from core.errors import Conflict, Forbidden, Invalid
from tasks.workflows import LONGEST, reset_workflow, save_workflow

HERE = "/settings/workflows"
WITHOUT_MODEL = {
    "made": "Without a language model the built-in rules make it",
    "waits": "It needs a language model",
    "person": "Without a language model it is left to you",
}

BY_PERSON = (
    "Steward does not do this itself. A language model says only why, and what would help, like points for a call;"
    " it is told your instructions then."
)


async def get(request: Request, caller: CurrentCaller) -> Response:
    return await _show(request, caller)


async def post(request: Request, caller: CurrentCaller) -> Response:
    """Keep the words of a kind, switch them, or go back to what is built in; what was typed comes back with an error."""
    typed = await form_of(request)
    kind = known_kind(typed.get("kind", "")).kind
    try:
        await _press(caller, kind, typed)
    except (Conflict, Forbidden, Invalid) as error:
        said = str(error.errors[0]["message"]) if error.errors else error.message
        return await _show(request, caller, kind, typed.get("instructions"), said, error.status)
    return back_to(f"{HERE}?kept={kind}#{kind}")


async def _press(caller: Caller, kind: str, typed: Mapping[str, str]) -> None:
    version = typed.get("version", "")[:64]
    match typed.get("button", ""):
        case "save":
            changes = checked_changes(typed.get("instructions", ""), None)
            await save_workflow(caller, kind, changes, version=version)
        case "on" | "off" as button:
            await save_workflow(caller, kind, {"is_active": button == "on"}, version=version)
        case "reset":
            await reset_workflow(caller, kind, version=version)
        case other:
            raise Invalid("There is no such button", errors=[{"field": "button", "message": f"{other[:40]!r} is none"}])


def _grouped(workflows: Sequence[ShownWorkflow]) -> list[tuple[str, str, list[ShownWorkflow]]]:
    """[(heading, what holds for all of them, kinds)]: what has words of its own first, what only people do last."""
    worded = [one for one in workflows if one.version]
    rest = [one for one in workflows if not one.version]
    groups = [
        ("With own instructions", "", worded),
        ("As built in", "", [one for one in rest if not one.is_by_person]),
        ("A person does these", BY_PERSON, [one for one in rest if one.is_by_person]),
    ]
    return [group for group in groups if group[2]]


async def _show(
    request: Request,
    caller: Caller,
    kind: str = "",
    instructions: str | None = None,
    problem: str = "",
    status_code: int = 200,
) -> Response:
    """The whole page; `problem` stands at the `kind`, with the `instructions` that were typed there."""
    return render(
        request,
        "settings/workflows/page.html",
        status_code=status_code,
        groups=_grouped(await shown_workflows(caller)),
        has_model=house_of(request).equipment.thinking.is_model,
        without_model=WITHOUT_MODEL,
        by_person=BY_PERSON,
        longest=LONGEST,
        at=kind,
        typed=instructions,
        problem=problem,
        kept=request.query_params.get("kept", "") if not problem else "",
    )
