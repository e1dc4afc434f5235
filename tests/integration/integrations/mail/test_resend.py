"""Resend: the emulator takes, answers under a key once; a small server of our own does what the emulator never does.

The emulator accepts any key and knows no limits, outages or broken lines; those answers are written here after Resend's
documentation of errors and idempotency keys.
"""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from core.errors import StewardError
from core.outside.errors import Refused, SignInExpired, Temporary, Uncertain
from core.outside.mail import MailAttachment, OutgoingMail, Receipt
from integrations.mail.resend import ResendSender
from tests.emulators.outside_servers import OutsideServers, outside

__all__ = ["outside"]
KEY = "re_secret_words"
DRAFT = "0b7a0b3e-1111-4222-8333-444455556666"
MAIL = OutgoingMail(
    message_id=f"<{DRAFT}@vega.example>",
    from_address="robin@vega.example",
    from_name="Robin, Vega",
    to=("ana@example.com",),
    cc=("ben@example.com",),
    bcc=("eve@example.com",),
    subject="Grüße",
    body="Hallo",
    date=datetime(2026, 3, 4, 9, 30, tzinfo=UTC),
    in_reply_to="<1@example.com>",
    references=("<0@example.com>",),
    attachments=(MailAttachment("plan.txt", "text/plain", b"the plan"),),
)


@dataclass
class Script:
    """Answers in order, each as (status, JSON); "break" cuts the line once the request is read, "silent" never answers."""

    answers: list[tuple[int, str] | str] = field(default_factory=list[tuple[int, str] | str])
    keys: list[str] = field(default_factory=list[str])
    headers: str = ""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                lines = head.decode().split("\r\n")
                found = {name.casefold(): value for name, _, value in (line.partition(": ") for line in lines[1:])}
                await reader.readexactly(int(found.get("content-length", 0)))
                self.keys.append(found.get("idempotency-key", ""))
                answer = self.answers.pop(0) if self.answers else (200, '{"id": "mail-1"}')
                if answer == "silent":
                    await reader.read()
                    return
                if isinstance(answer, str):
                    return
                status, body = answer
                more = f"{self.headers}content-length: {len(body.encode())}\r\n\r\n"
                writer.write(f"HTTP/1.1 {status} X\r\ncontent-type: application/json\r\n{more}{body}".encode())
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass  # the client has gone
        finally:
            writer.close()


@asynccontextmanager
async def scripted(*answers: tuple[int, str] | str, headers: str = "") -> AsyncGenerator[tuple[ResendSender, Script]]:
    script = Script([*answers], headers=headers)
    server = await asyncio.start_server(script.serve, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield ResendSender(KEY, url, timeout_seconds=0.5, pauses_seconds=(0.0, 0.0)), script
    finally:
        server.close()
        await server.wait_closed()


async def send(sender: ResendSender, mail: OutgoingMail = MAIL) -> Receipt:
    async with sender.sending(mail, await sender.prepare(mail)) as hand_over:
        return await hand_over()


def refusal(name: str, message: str = "words") -> str:
    return f'{{"statusCode": 0, "name": "{name}", "message": "{message}"}}'


async def test_a_mail_arrives_as_it_was_approved_and_once_under_its_key(outside: OutsideServers) -> None:
    outside.reset()
    sender = ResendSender(KEY, outside.resend)
    first, second = await send(sender), await send(sender)
    assert first.details["id"] == second.details["id"]
    async with httpx.AsyncClient(trust_env=False, headers={"Authorization": f"Bearer {KEY}"}) as client:
        listed = (await client.get(f"{outside.resend}/emails")).json()["data"]
        assert len(listed) == 1
        mail = (await client.get(f"{outside.resend}/emails/{listed[0]['id']}")).json()
    assert mail["from"] == '"Robin, Vega" <robin@vega.example>'
    assert (mail["to"], mail["cc"], mail["bcc"]) == (["ana@example.com"], ["ben@example.com"], ["eve@example.com"])
    assert (mail["subject"], mail["text"]) == ("Grüße", "Hallo")


async def test_something_else_under_the_same_key_is_not_sent(outside: OutsideServers) -> None:
    outside.reset()
    sender = ResendSender(KEY, outside.resend)
    await send(sender)
    with pytest.raises(Uncertain):
        await send(sender, replace(MAIL, body="Something else"))


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        ((401, refusal("missing_api_key")), SignInExpired),
        ((403, refusal("invalid_api_key")), SignInExpired),
        ((401, refusal("restricted_api_key")), SignInExpired),
        ((403, refusal("validation_error", "The vega.example domain is not verified")), Refused),
        ((422, refusal("invalid_attachment")), Refused),
        ((400, "not json"), Refused),
        ((404, refusal("not_found")), Refused),
        ((429, refusal("rate_limit_exceeded")), Temporary),
        ((429, refusal("daily_quota_exceeded")), Temporary),
        ((409, refusal("invalid_idempotent_request")), Uncertain),
        ((301, ""), Refused),
    ],
)  # fmt: skip
async def test_a_refusal_is_told_by_its_kind_and_asked_once(answer: tuple[int, str], error: type[StewardError]) -> None:
    async with scripted(answer) as (sender, script):
        with pytest.raises(error) as caught:
            await send(sender)
    assert type(caught.value) is error
    assert KEY not in f"{caught.value.problem()}"
    assert len(script.keys) == 1


@pytest.mark.parametrize(
    "answer", ["break", "silent", (500, refusal("internal_server_error")), (503, ""), (409, refusal("concurrent_idempotent_requests")), (200, "[]"), (200, "x" * 100_000)]
)  # fmt: skip
async def test_an_unclear_answer_is_asked_again_under_the_same_key(answer: tuple[int, str] | str) -> None:
    async with scripted(answer) as (sender, script):
        receipt = await send(sender)
    assert receipt.location == "resend:mail-1"
    assert script.keys == [DRAFT, DRAFT]


async def test_what_stays_unclear_is_a_persons_to_decide() -> None:
    async with scripted("break", (500, ""), "break") as (sender, script):
        with pytest.raises(Uncertain):
            await send(sender)
    assert script.keys == [DRAFT] * 3


async def test_an_unclear_answer_and_then_a_limit_is_unclear() -> None:
    limit = (429, refusal("rate_limit_exceeded"))
    async with scripted("break", limit, limit) as (sender, _):
        with pytest.raises(Uncertain):
            await send(sender)


async def test_the_services_own_pause_is_told() -> None:
    async with scripted((429, refusal("rate_limit_exceeded")), headers="retry-after: 7\r\n") as (sender, _):
        with pytest.raises(Temporary) as caught:
            await send(sender)
    assert caught.value.retry_after_seconds == 7


async def test_nobody_listening_may_be_tried_again() -> None:
    with pytest.raises(Temporary, match="cannot be reached"):
        await send(ResendSender(KEY, "http://127.0.0.1:1"))


async def test_an_earlier_attempt_is_repeated_while_its_key_counts_and_then_asked_about() -> None:
    began = datetime(2026, 3, 4, 9, 30, tzinfo=UTC)
    ref = await ResendSender(KEY, now=lambda: began).prepare(MAIL)
    soon = ResendSender(KEY, now=lambda: began + timedelta(hours=22))
    late = ResendSender(KEY, now=lambda: began + timedelta(hours=24))
    assert await soon.find(MAIL.message_id, ref) is None
    for sender, known in ((late, ref), (soon, None), (soon, "nonsense"), (soon, f"other {began.isoformat()}")):
        with pytest.raises(Uncertain):
            await sender.find(MAIL.message_id, known)


@pytest.mark.parametrize(
    ("answer", "error"),
    [((401, refusal("invalid_api_key")), SignInExpired), ((500, ""), Temporary), ("break", Temporary)],
)
async def test_a_key_is_tried_without_sending(answer: tuple[int, str] | str, error: type[StewardError]) -> None:
    async with scripted(answer) as (sender, _):
        with pytest.raises(error):
            await sender.check()
    async with scripted((401, refusal("restricted_api_key"))) as (sender, _):
        assert "takes mail" in await sender.check()  # a key that may only send cannot list domains


def test_the_key_is_in_no_representation() -> None:
    assert KEY not in repr(ResendSender(KEY))
