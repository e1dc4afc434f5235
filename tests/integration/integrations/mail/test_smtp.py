"""SMTP against a real server on loopback: every outcome says whether the mail left."""

import asyncio
import socket
from dataclasses import replace
from datetime import UTC, datetime
from email import message_from_bytes, policy

import pytest
from aiosmtpd import smtp as aiosmtpd
from aiosmtpd.smtp import AuthResult, Envelope, LoginPassword, Session

from core.errors import Invalid
from core.outside.errors import Refused, SignInExpired, Temporary, Uncertain
from core.outside.mail import OutgoingMail, Receipt
from integrations.mail.smtp import SmtpServer
from tests.emulators.smtp_server import Handler, serving, talking

MAIL = OutgoingMail(
    from_address="robin@vega.example",
    from_name="Robin Vega",
    to=("john@example.com",),
    cc=("ana@example.com",),
    bcc=("secret@example.com",),
    subject="Rückfrage",
    body="Hi John\n.\n.dots\n",
    message_id="<1@vega.example>",
    date=datetime(2026, 3, 4, 9, 30, tzinfo=UTC),
)


async def send(server: SmtpServer, mail: OutgoingMail) -> Receipt:
    async with server.sending(mail) as hand_over:
        return await hand_over()


async def test_a_mail_is_handed_over_to_everybody_and_bcc_is_in_no_header() -> None:
    handler = Handler()
    async with serving(handler) as place:
        receipt = await send(SmtpServer(f"smtp://{place}"), MAIL)
    assert receipt.provider == "smtp"
    (envelope,) = handler.taken
    assert envelope.rcpt_tos == ["john@example.com", "ana@example.com", "secret@example.com"]
    assert isinstance(envelope.content, bytes)
    assert b"secret" not in envelope.content
    message = message_from_bytes(envelope.content, policy=policy.default)
    assert message["Subject"] == "Rückfrage"
    assert message.get_content().replace("\r\n", "\n") == MAIL.body


@pytest.mark.parametrize(("answer", "error"), [("550 no such user", Refused), ("451 later", Temporary)])
async def test_one_refused_recipient_means_nobody_gets_it(answer: str, error: type[Exception]) -> None:
    handler = Handler(rcpt={"ana@example.com": answer})
    async with serving(handler) as place:
        with pytest.raises(error) as caught:
            await send(SmtpServer(f"smtp://{place}"), MAIL)
    assert "ana@example.com" in str(getattr(caught.value, "detail", ""))
    assert "john" not in str(getattr(caught.value, "detail", ""))
    assert handler.taken == []


async def test_every_refused_recipient_is_named() -> None:
    handler = Handler(
        rcpt={"ana@example.com": "550 no", "john@example.com": "550 no", "secret@example.com": "451 wait"}
    )
    async with serving(handler) as place:
        with pytest.raises(Refused) as caught:
            await send(SmtpServer(f"smtp://{place}"), MAIL)
    assert caught.value.detail == "john@example.com: 550 no; ana@example.com: 550 no"


@pytest.mark.parametrize(
    ("answer", "error"),
    [("552 too big", Refused), ("452 disk full", Temporary), ("drop", Uncertain)],
)
async def test_an_answer_to_the_text_decides(answer: str, error: type[Exception]) -> None:
    handler = Handler(data=answer)
    async with serving(handler) as place:
        with pytest.raises(error):
            await send(SmtpServer(f"smtp://{place}", timeout_seconds=5), MAIL)


async def test_no_answer_after_the_text_is_uncertain() -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 hello\r\n")
        while line := await reader.readline():
            if line.startswith(b"DATA"):
                writer.write(b"354 go\r\n")
                await reader.readuntil(b"\r\n.\r\n")
                await reader.read()
                return
            writer.write(b"250 OK\r\n")

    async with talking(talk) as place:
        with pytest.raises(Uncertain):
            await send(SmtpServer(f"smtp://{place}", timeout_seconds=0.5), MAIL)


async def test_a_line_that_breaks_before_the_text_may_be_tried_again() -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 hello\r\n")
        while line := await reader.readline():
            if line.startswith(b"RCPT"):
                return
            writer.write(b"250 OK\r\n")

    async with talking(talk) as place:
        with pytest.raises(Temporary):
            await send(SmtpServer(f"smtp://{place}", timeout_seconds=5), MAIL)


async def test_a_greeting_that_never_comes_may_be_tried_again() -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()

    async with talking(talk) as place:
        with pytest.raises(Temporary):
            await send(SmtpServer(f"smtp://{place}", timeout_seconds=0.3), MAIL)


async def test_a_server_that_is_not_one_may_be_tried_again_or_is_refused() -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        await reader.read()

    async with talking(talk) as place:
        with pytest.raises((Temporary, Refused)):
            await send(SmtpServer(f"smtp://{place}", timeout_seconds=2), MAIL)


async def test_nobody_listening_may_be_tried_again() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(Temporary, match="cannot be reached"):
        await send(SmtpServer(f"smtp://127.0.0.1:{port}"), MAIL)


def check_password(
    server: aiosmtpd.SMTP, session: Session, envelope: Envelope, mechanism: str, data: object
) -> AuthResult:
    right = isinstance(data, LoginPassword) and (data.login, data.password) == (
        b"robin@vega.example",
        b"p@ss/w\xc3\xb6rd",
    )
    return AuthResult(success=right, handled=False)


@pytest.mark.filterwarnings("ignore:Requiring AUTH:UserWarning")
async def test_name_and_password_are_decoded_from_the_url() -> None:
    handler = Handler()
    async with serving(handler, authenticator=check_password, auth_require_tls=False, auth_required=True) as place:
        await send(SmtpServer(f"smtp://robin%40vega.example:p%40ss%2Fw%C3%B6rd@{place}"), MAIL)
    assert len(handler.taken) == 1


@pytest.mark.filterwarnings("ignore:Requiring AUTH:UserWarning")
async def test_a_wrong_password_is_refused_and_not_repeated() -> None:
    async with serving(Handler(), authenticator=check_password, auth_require_tls=False, auth_required=True) as place:
        with pytest.raises(SignInExpired, match="name and password") as caught:
            await send(SmtpServer(f"smtp://robin%40vega.example:hunter2@{place}"), MAIL)
    assert "hunter2" not in f"{caught.value.problem()}"


async def test_a_foreign_local_part_needs_a_server_that_takes_it() -> None:
    mail = replace(MAIL, to=("jürgen@example.com",), subject="Hi")
    handler = Handler()
    async with serving(handler, enable_SMTPUTF8=False) as place:
        with pytest.raises(Refused, match="ASCII"):
            await send(SmtpServer(f"smtp://{place}"), mail)
    async with serving(handler, enable_SMTPUTF8=True) as place:
        await send(SmtpServer(f"smtp://{place}"), mail)
    assert handler.taken[0].rcpt_tos[0] == "jürgen@example.com"


@pytest.mark.parametrize(
    "url",
    ["", "http://x", "smtp://", "smtp://h:99999", "smtp://h:no", "smtp://u:hunter2#x@h", "smtp://u:hunter2/x@h:25", "smtp://[::1"],
)  # fmt: skip
def test_a_wrong_url_is_told_without_its_password(url: str) -> None:
    with pytest.raises(Invalid, match="STEWARD_SMTP_URL") as caught:
        SmtpServer(url)
    assert "hunter2" not in f"{caught.value.problem()}"


def test_the_password_is_in_no_representation() -> None:
    assert "hunter2" not in f"{vars(SmtpServer('smtp://u:hunter2@h:25'))!r}"
