from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import orjson
import pytest

from core.errors import Conflict, NotFound, StewardError
from core.outside.errors import Refused, Temporary, Uncertain
from integrations.google.faults import MissingPermission, SignInRefused, TooOld, fault, wait_seconds


def told(reason: str = "", status: str = "", detail_reason: str = "") -> bytes:
    details = [{"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": detail_reason}] if detail_reason else []
    return orjson.dumps(
        {"error": {"errors": [{"reason": reason}], "status": status, "details": details, "message": "m"}}
    )


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (400, told("invalidArgument"), Refused),
        (401, told("authError"), SignInRefused),
        (403, told("insufficientPermissions"), MissingPermission),
        (403, told(detail_reason="ACCESS_TOKEN_SCOPE_INSUFFICIENT"), MissingPermission),
        (403, told("rateLimitExceeded"), Temporary),
        (403, told("dailyLimitExceeded"), Temporary),
        (403, told("accessNotConfigured"), Refused),
        (403, told("domainPolicy"), Refused),
        (403, b"", Refused),
        (404, told("notFound"), NotFound),
        (409, told("duplicate"), Conflict),
        (410, told("updatedMinTooLongAgo"), TooOld),
        (412, told("conditionNotMet"), Conflict),
        (429, b"<html>", Temporary),
        (500, b"\xff", Temporary),
        (503, b"[]", Temporary),
    ],
)
def test_each_answer_has_its_meaning(status: int, body: bytes, expected: type[StewardError]) -> None:
    assert type(fault(status, {}, body, "read the mail")) is expected


def test_of_an_effect_a_broken_server_leaves_it_open() -> None:
    assert isinstance(fault(502, {}, b"", "send the mail", is_effect=True), Uncertain)
    assert isinstance(fault(429, {}, b"", "send the mail", is_effect=True), Temporary)


@pytest.mark.parametrize(
    "body", [b"", b"{}", b'{"error": 7}', b'{"error": {"errors": 7, "details": {}}}', b'{"error":{"errors":[7]}}']
)
def test_a_body_of_any_shape_is_borne(body: bytes) -> None:
    assert isinstance(fault(400, {}, body, "read the mail"), Refused)


def test_retry_after_is_seconds_or_a_date() -> None:
    assert wait_seconds({"Retry-After": "7"}) == 7
    later = format_datetime(datetime.now(UTC) + timedelta(seconds=90), usegmt=True)
    assert 85 <= (wait_seconds({"retry-after": later}) or 0) <= 91
    assert wait_seconds({"retry-after": format_datetime(datetime.now(UTC) - timedelta(days=1))}) == 0
    assert wait_seconds({"retry-after": "99999999"}) == 24 * 3600


@pytest.mark.parametrize("value", ["", "soon", "-1", "1e3", "9" * 40, "٣", "Mon, 99 Foo 2026"])
def test_a_retry_after_of_something_else_says_nothing(value: str) -> None:
    assert wait_seconds({"Retry-After": value}) is None
