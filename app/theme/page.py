"""POST /theme: light or dark, kept in a cookie."""

from fastapi import Request
from starlette.responses import Response

from app._view.forms import back_to, form_of
from app.dependencies import CurrentCaller


async def post(request: Request, caller: CurrentCaller) -> Response:
    form = await form_of(request)
    answer = back_to(form.get("back", "/"))
    theme = form.get("theme") if form.get("theme") in {"light", "dark"} else "auto"
    answer.set_cookie("steward_theme", str(theme), max_age=31_536_000, httponly=True, samesite="lax", path="/")
    return answer
