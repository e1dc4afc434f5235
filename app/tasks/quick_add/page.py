"""`/tasks/quick-add`: one line becomes a task; what was understood is shown as chips that can be taken off."""

from fastapi import Request
from starlette.responses import Response

from agents.rules.quick_add import parse_quick_add
from app._view.forms import back_to, form_of
from app.dependencies import CurrentCaller
from app.seen import house_of
from app.templating import render
from tasks.functions import create_tasks, task_item


async def get(request: Request, caller: CurrentCaller) -> Response:
    """What the line would become: a fragment for the list page, a page without a script."""
    text = request.query_params.get("text", "").replace("\x00", "")[:2000]
    ignore = [key for key in request.query_params.getlist("ignore") if key]
    if dropped := request.query_params.get("drop"):
        ignore.append(dropped)
    now = house_of(request).clock.now()
    understood = parse_quick_add(text, now, ignore=frozenset(ignore)) if text.strip() else None
    template = (
        "tasks/quick_add/_chips.html"
        if request.headers.get("hx-target") == "quick-add"
        else "tasks/quick_add/page.html"
    )
    return render(request, template, text=text, understood=understood, ignore=ignore)


async def post(request: Request, caller: CurrentCaller) -> Response:
    form = await form_of(request)
    text = form.get("text", "").strip()[:2000]
    if text:
        ignore = frozenset(str(key) for key in (await request.form()).getlist("ignore"))
        understood = parse_quick_add(text, house_of(request).clock.now(), ignore=ignore)
        await create_tasks(caller, [task_item(understood.task, source="manual")])
    return back_to("/tasks")
