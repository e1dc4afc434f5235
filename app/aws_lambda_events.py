"""Events of API Gateway before they are believed: their form, and whose request it is behind CloudFront."""

import base64
import binascii
from collections.abc import Mapping, Sequence
from hmac import compare_digest
from ipaddress import ip_address
from typing import Any, cast

from core.errors import BadRequest

EDGE_HEADER = b"x-steward-edge"  # CloudFront adds it, with a key that only it and the function know
Headers = Sequence[tuple[bytes, bytes]]


def check_event(event: object) -> None:
    """Raises BadRequest for what is no event of an HTTP API in the form 2.0 that can be read as a request."""
    given = _object(event, "event")
    context = _object(given.get("requestContext"), "requestContext")
    http = _object(context.get("http"), "requestContext.http")
    _text(context.get("domainName"), "requestContext.domainName")
    for name in ("method", "path", "sourceIp"):
        _text(http.get(name), f"requestContext.http.{name}")
    if given.get("version") != "2.0":
        raise BadRequest("version: it is not 2.0")
    _text(given.get("rawQueryString", ""), "rawQueryString")
    for name, value in _object(given.get("headers", {}), "headers").items():
        _text(name, "headers")
        _text(value, "headers")
    cookies: object = given.get("cookies") or []
    for one in cast("list[object]", cookies) if isinstance(cookies, list) else [None]:
        _text(one, "cookies")
    body = given.get("body") or ""
    _text(body, "body")
    if given.get("isBase64Encoded"):
        try:
            base64.b64decode(body, validate=True)
        except (binascii.Error, ValueError):
            raise BadRequest("body: it is no base64") from None


def viewer_of(headers: Headers, source: str, key: str) -> str:
    """The address a request comes from: the browser's, where CloudFront of ours handed it on, else the connection's.

    CloudFront writes the browser's address behind whatever X-Forwarded-For came with it, and API Gateway CloudFront's
    behind that. Without the key anybody may have written all of it.
    """
    shown = [value for name, value in headers if name.lower() == EDGE_HEADER]
    if not key or len(shown) != 1 or not compare_digest(shown[0], key.encode()):
        return source
    said = b",".join(value for name, value in headers if name.lower() == b"x-forwarded-for").decode("latin-1")
    hops = [one.strip() for one in said.split(",")]
    if hops[-1] == source:
        hops.pop()
    try:
        return str(ip_address(hops[-1])) if hops else source
    except ValueError:
        return source


def _object(value: object, name: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise BadRequest(f"{name}: it is no object")
    return cast("Mapping[str, Any]", value)


def _text(value: object, name: str) -> None:
    if not isinstance(value, str):
        raise BadRequest(f"{name}: it is no text")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise BadRequest(f"{name}: it is no Unicode text") from None
