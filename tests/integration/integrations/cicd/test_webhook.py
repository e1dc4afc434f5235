"""Signed requests to a pipeline, and what becomes of reports that are forged, old, or odd."""

from collections.abc import AsyncGenerator
from datetime import timedelta
from typing import Any

import pytest

from core.errors import Invalid, Unauthorized
from core.outside.errors import Refused, Temporary, Uncertain
from integrations.cicd.webhook import WebhookPipelines
from integrations.web.guard import AddressRefused, Guard
from tests.emulators.cicd_receiver import SECRET, FakePipeline, running_pipeline, signed
from tests.emulators.served import Answer

OTHER = "whsec_" + "A" * 32


@pytest.fixture
async def fake() -> AsyncGenerator[FakePipeline]:
    async with running_pipeline() as made:
        yield made


def client(fake: FakePipeline, secret: str = SECRET) -> WebhookPipelines:
    return WebhookPipelines(fake.url, secret, Guard().trusting(fake.url))


async def test_a_request_is_signed_and_twice_is_once(fake: FakePipeline) -> None:
    body = {"type": "steward.pipeline.requested", "data": {"pipeline": "größe"}}
    for _ in range(2):
        assert await client(fake).request("m-1", body) == 202
    assert fake.runs == {"m-1": {"pipeline": "größe"}}
    with pytest.raises(Refused, match="401"):
        await client(fake, OTHER).request("m-2", body)
    with pytest.raises(AddressRefused):
        await WebhookPipelines(fake.url, SECRET, Guard()).request("m-3", body)
    assert SECRET not in repr(client(fake))


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (Answer(429, headers={"Retry-After": "5"}), Temporary),
        (Answer(503), Temporary),
        (Answer(500), Uncertain),
        (Answer(raw=b""), Uncertain),
        (Answer(302, headers={"Location": "/x"}), Refused),
        (Answer(404), Refused),
    ],
)
async def test_what_the_receiver_answers(fake: FakePipeline, answer: Answer, kind: type[Exception]) -> None:
    fake.served.once = [answer]
    with pytest.raises(kind):
        await client(fake).request("m-1", {})


async def test_a_report_is_read(fake: FakePipeline) -> None:
    for data in ({"status": "success", "n": "ü"}, {"data": {"status": "success", "n": "ü"}}):
        body, headers = signed(data)
        report = client(fake).read_report({name.title(): value for name, value in headers.items()}, body)
        assert (report.id, report.outcome) == ("report-1", {"status": "success", "n": "ü"})


def broken_reports() -> list[tuple[bytes, dict[str, str]]]:
    body, headers = signed({"status": "success"})
    return [
        (body, {}),
        (b'{"status": "failure"}', headers),
        (body, {**headers, "webhook-id": "other"}),
        (body, {**headers, "webhook-timestamp": "0"}),
        (body, {**headers, "webhook-timestamp": "soon"}),
        (body, {**headers, "webhook-timestamp": "1e400"}),
        (body, {**headers, "webhook-signature": ""}),
        (body, {**headers, "webhook-signature": "v1"}),
        (body, {**headers, "webhook-signature": "v1,###"}),
        (body, {**headers, "webhook-signature": "v2," + headers["webhook-signature"][3:]}),
        (body, {**headers, "webhook-signature": "v1,ü"}),
        signed({"status": "success"}, secret=OTHER),
        signed({"status": "success"}, age=timedelta(minutes=6)),
        signed({"status": "success"}, age=timedelta(minutes=-6)),
        (b"\xff\xfe", headers),
    ]


@pytest.mark.parametrize("number", range(15))
async def test_a_forged_old_or_broken_report_is_not_taken(fake: FakePipeline, number: int) -> None:
    body, headers = broken_reports()[number]
    with pytest.raises(Unauthorized):
        client(fake).read_report(headers, body)


@pytest.mark.parametrize("body", [{}, {"status": "fine"}, {"data": []}, {"data": {"status": 1}}, [], "success"])
async def test_a_report_that_says_nothing_is_refused(fake: FakePipeline, body: Any) -> None:
    import json

    text, headers = signed(json.dumps(body).encode())
    with pytest.raises(Invalid, match="how it ended"):
        client(fake).read_report(headers, text)
