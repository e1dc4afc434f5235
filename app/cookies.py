"""The cookies of sessions and of signing in: only the server reads them, and over HTTPS no other host can set them.

There each bears the prefix `__Host-`: a browser takes it only over HTTPS, for the whole of this one host, so that neither a
neighbour below the same domain nor whoever answers plain HTTP puts one of theirs in its place (RFC 6265bis, 4.1.3.2).
Over plain HTTP, as on the loopback of a machine of one's own, browsers take no such name, and the plain one is used.
"""

from collections.abc import Mapping
from urllib.parse import urlsplit

from fastapi import Request
from starlette.requests import HTTPConnection
from starlette.responses import Response

HOST_ALONE = "__Host-"


def own_cookies(request: HTTPConnection) -> Mapping[str, str]:
    """The browser's cookies by their plain names. Over HTTPS those without the prefix are anybody's, and left out."""
    if not is_https(request):
        return request.cookies
    found = request.cookies.items()
    return {name.removeprefix(HOST_ALONE): value for name, value in found if name.startswith(HOST_ALONE)}


def set_cookie(answer: Response, request: Request, name: str, value: str, seconds: int) -> None:
    """A cookie that only the server reads, and that other sites' forms do not send; `name` is the plain one."""
    secure = is_https(request)
    name = HOST_ALONE + name if secure else name
    answer.set_cookie(name, value, max_age=seconds, httponly=True, samesite="lax", secure=secure, path="/")


def is_https(request: HTTPConnection) -> bool:
    """Does the browser speak HTTPS? Behind a proxy this process does not see it; the public address says so."""
    public = urlsplit(request.app.state.house.settings.public_url or "")
    asked = request.headers.get("host", "")
    is_public = public.scheme == "https" and _place(public.netloc) == _place(asked)
    return request.url.scheme in {"https", "wss"} or is_public


def _place(host: str) -> str:
    """A host with its port as every writing of it is compared: names know no capitals, and HTTPS has its port unsaid."""
    return host.casefold().removesuffix(":443")
