"""Where signing in leads: to a page of ours, and to the sign-in page with the way back."""

import re
from urllib.parse import urlencode, urlsplit

from fastapi import Request
from starlette.responses import RedirectResponse, Response

SIGN_IN, CALLBACK, RESET, FACTOR = "/sign-in", "/sign-in/callback", "/sign-in/reset", "/sign-in/factor"
MOST_PATH = 500
NOT_BACK_TO = re.compile(r"/(sign-in|sign-up|sign-out|api|static)(/|\?|$)")


def own_path(text: str | None) -> str:
    """The path of a page of ours as it was asked for; "/" for everything else, above all for other sites.

    Browsers read a backslash as a slash and drop tabs and line ends, so a path with any of them is not taken.
    """
    path = text or "/"
    if not path.startswith("/") or path.startswith("//") or len(path) > MOST_PATH:
        return "/"
    if "\\" in path or any(ord(sign) <= 0x20 or ord(sign) == 0x7F for sign in path):
        return "/"
    try:
        target = urlsplit(path)
    except ValueError:
        return "/"
    if target.scheme or target.netloc or NOT_BACK_TO.match(path):
        return "/"
    return path


def sign_in_page_for(request: Request) -> Response | None:
    """To the sign-in page and back, for a page that nobody may see unasked; None where there is no such page."""
    if request.app.state.auth is None or request.method not in {"GET", "HEAD"} or "token" in request.query_params:
        return None
    if request.headers.get("hx-request") == "true":  # a part of a page: the whole page has to be left
        asked = urlsplit(request.headers.get("hx-current-url", ""))
        return Response(status_code=401, headers={"HX-Redirect": sign_in_page(_whole(asked.path, asked.query))})
    return RedirectResponse(sign_in_page(_whole(request.url.path, request.url.query)), status_code=303)


def sign_in_page(where: str) -> str:
    """The sign-in page with the way back to a page of ours."""
    return with_next(SIGN_IN, where)


def with_next(path: str, where: str) -> str:
    """A page of signing in that then leads on to a page of ours."""
    back = own_path(where)
    return path if back == "/" else f"{path}?{urlencode({'next': back})}"


def _whole(path: str, query: str) -> str:
    return f"{path}?{query}" if query else path
