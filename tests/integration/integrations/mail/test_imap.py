"""What is IMAP's own: folders by their use, marks that move, a folder rebuilt, filing, servers that can less, cut lines."""

import ssl
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from core.errors import Invalid, NotFound, TooLarge
from core.outside.errors import Malformed, NotConnected, Refused, SignInExpired, Temporary, Uncertain
from core.outside.mail import MailAddress, MailQuery, OutgoingMail
from integrations.mail.imap import ImapMailbox
from integrations.mail.imap_connection import ImapAddress
from integrations.mail.smtp import SmtpServer
from tests.emulators.imap_server import Folder, ImapServer, running_imap_server
from tests.emulators.smtp_server import Handler, serving, talking

OWN = (MailAddress("robin@vega.example", "Robin Vega"),)
MAIL = OutgoingMail(
    message_id="<1@vega.example>",
    from_address="robin@vega.example",
    from_name="Robin Vega",
    to=("ana@example.com",),
    subject="Grüße",
    body="Hallo",
    date=datetime(2026, 3, 4, 9, 30, tzinfo=UTC),
)


def a_mail(subject: str, number: int = 1) -> bytes:
    message = EmailMessage()
    message["From"], message["Subject"], message["Message-ID"] = "ana@example.com", subject, f"<{number}@example.com>"
    message["Date"] = datetime(2026, 3, 4, tzinfo=UTC)
    message.set_content("Hi")
    return message.as_bytes().replace(b"\n", b"\r\n")


def mailbox(server: ImapServer, smtp: str = "127.0.0.1:1", **more: Any) -> ImapMailbox:
    return ImapMailbox(ImapAddress.from_url(server.url), SmtpServer(f"smtp://{smtp}"), OWN, **more)


@pytest.fixture
async def server() -> AsyncGenerator[ImapServer]:
    async with running_imap_server() as running:
        yield running


@asynccontextmanager
async def sending(server: ImapServer) -> AsyncGenerator[tuple[ImapMailbox, Handler]]:
    handler = Handler()
    async with serving(handler) as place:
        yield mailbox(server, place), handler


async def test_changed_flags_are_told_again_where_the_server_counts_changes(server: ImapServer) -> None:
    stored = server.add(a_mail("One"))
    box = mailbox(server)
    page = await box.sync(None)
    stored.flags.add("\\Seen")
    server.touch(stored)
    again = await box.sync(page.cursor)
    assert [(mail.ref, mail.is_unread) for mail in again.messages] == [(page.messages[0].ref, False)]
    assert (await box.sync(again.cursor)).messages == ()


async def test_a_server_without_such_marks_still_tells_what_is_new() -> None:
    async with running_imap_server(ImapServer(capabilities=("IMAP4rev1",))) as server:
        server.add(a_mail("One"))
        box = mailbox(server)
        page = await box.sync(None)
        server.add(a_mail("Two", 2))
        assert [mail.subject for mail in (await box.sync(page.cursor)).messages] == ["Two"]


async def test_a_first_reading_begins_in_the_recent_past_and_goes_on_behind_what_is_there(server: ImapServer) -> None:
    server.add(a_mail("Old"), received=datetime.now(UTC) - timedelta(days=90))
    box = mailbox(server)
    page = await box.sync(None)
    assert page.messages == ()
    server.add(a_mail("New", 2))
    assert [mail.subject for mail in (await box.sync(page.cursor)).messages] == ["New"]


async def test_a_rebuilt_folder_is_told_again_and_old_refs_mean_nothing(server: ImapServer) -> None:
    server.add(a_mail("One"))
    box = mailbox(server)
    page = await box.sync(None)
    server.rebuild("INBOX")
    again = await box.sync(page.cursor)
    assert again.was_reset
    assert [mail.subject for mail in again.messages] == ["One"]
    with pytest.raises(NotFound, match="rebuilt"):
        await box.get(page.messages[0].ref)


async def test_folders_are_found_by_their_use_else_by_their_names() -> None:
    flagged = {
        "INBOX": Folder(),
        "Weg": Folder(("\\Trash",)),
        "Sent": Folder(),
        "Müll".encode("utf-7").decode(): Folder(),
    }
    async with running_imap_server(ImapServer(folders=flagged)) as server:
        found = {label.name: label.ref for label in await mailbox(server).labels()}
    assert found["trash"] == "Weg"
    assert found["sent"] == "Sent"
    assert "drafts" not in found


async def test_a_mailbox_without_drafts_and_sent_still_sends() -> None:
    async with (
        running_imap_server(ImapServer(folders={"INBOX": Folder()})) as server,
        sending(server) as (box, handler),
    ):
        assert await box.prepare(MAIL) is None
        async with box.sending(MAIL, None) as hand_over:
            await hand_over()
        with pytest.raises(Uncertain):
            await box.find(MAIL.message_id, None)
    assert len(handler.taken) == 1


async def test_a_draft_is_made_once_shown_in_drafts_and_gone_once_it_was_sent(server: ImapServer) -> None:
    async with sending(server) as (box, handler):
        ref = await box.prepare(MAIL)
        assert ref == await box.prepare(MAIL)
        (draft,) = server.folders["Entw&APw-rfe"].mails
        assert "\\Draft" in draft.flags
        assert handler.taken == []
        async with box.sending(MAIL, ref) as hand_over:
            await hand_over()
        assert server.folders["Entw&APw-rfe"].mails == []
        (sent,) = server.folders["Gesendet"].mails
        assert b"Message-ID: <1@vega.example>" in sent.raw
        found = await box.find(MAIL.message_id, ref)
    assert found
    assert found.provider == "imap"


async def test_a_server_that_files_sent_mail_itself_keeps_one_copy(server: ImapServer) -> None:
    server.add(b"Message-ID: <1@vega.example>\r\nDate: Wed, 04 Mar 2026 09:30:00 +0000\r\n\r\nHi\r\n", "Gesendet")
    async with sending(server) as (box, _), box.sending(MAIL, None) as hand_over:
        await hand_over()
    assert len(server.folders["Gesendet"].mails) == 1


@pytest.mark.parametrize("fault", ["refuses", "breaks"])
async def test_a_mail_that_was_taken_is_taken_though_it_cannot_be_filed(server: ImapServer, fault: str) -> None:
    async with sending(server) as (box, handler):
        ref = await box.prepare(MAIL)
        if fault == "refuses":
            server.refuses = {"APPEND": "NO [OVERQUOTA] full"}
        else:
            server.breaks = {"APPEND"}
        async with box.sending(MAIL, ref) as hand_over:
            receipt = await hand_over()
        assert receipt.provider == "smtp"
        assert len(handler.taken) == 1
        with pytest.raises(Uncertain):
            await box.find(MAIL.message_id, ref)


async def test_a_full_mailbox_refuses_the_draft_before_anything_is_sent(server: ImapServer) -> None:
    server.refuses = {"APPEND": "NO [OVERQUOTA] full"}
    async with sending(server) as (box, handler):
        with pytest.raises(Refused, match="does not file"):
            await box.prepare(MAIL)
    assert handler.taken == []


@pytest.mark.parametrize("capabilities", [("IMAP4rev1", "UIDPLUS", "MOVE"), ("IMAP4rev1", "UIDPLUS"), ("IMAP4rev1",)])
async def test_a_mail_is_moved_by_whatever_the_server_can(capabilities: tuple[str, ...]) -> None:
    async with running_imap_server(ImapServer(capabilities=capabilities)) as server:
        server.add(a_mail("Stays", 1))
        server.add(a_mail("Goes", 2))
        server.add(a_mail("Older", 3), "Papierkorb")
        box = mailbox(server)
        ref = (await box.search(MailQuery(subject="Goes")))[0].ref
        moved = await box.move(ref, "trash")
        assert (await box.get(moved)).subject == "Goes"
        assert len(server.folders["INBOX"].mails) == 1
        assert await box.move(moved, "trash") == moved
        with pytest.raises(Refused, match="no folder for spam"):
            await box.move(moved, "spam")
        with pytest.raises(NotFound):
            await box.move(ref, "trash")


async def test_a_server_without_labels_says_so_and_folders_are_no_labels(server: ImapServer) -> None:
    server.keywords = False
    stored = server.add(a_mail("One"))
    box = mailbox(server)
    ref = (await box.sync(None)).messages[0].ref
    with pytest.raises(Refused, match="keeps no labels"):
        await box.label(ref, add=["steward"])
    with pytest.raises(Refused, match="is a folder"):
        await box.label(ref, add=["trash"])
    with pytest.raises(Invalid, match="cannot be a label"):
        await box.label(ref, add=["a b) (\\Deleted"])
    assert stored.flags == set()


@pytest.mark.parametrize("query", [MailQuery(words="a\x00b"), MailQuery(subject="x\x00"), MailQuery(from_address="\n")])
async def test_a_search_that_holds_a_command_is_refused(server: ImapServer, query: MailQuery) -> None:
    with pytest.raises(Invalid):
        await mailbox(server).search(query)
    assert "UID SEARCH" not in server.seen


@pytest.mark.parametrize("thread", ["<1@x>\r\nA1 LOGOUT", '<1@x>"\r\n'])
async def test_a_thread_that_holds_a_command_is_refused(server: ImapServer, thread: str) -> None:
    with pytest.raises(Invalid):
        await mailbox(server).thread(thread)


async def test_a_file_of_a_hundred_megabytes_is_streamed_and_capped(server: ImapServer) -> None:
    head = (
        b"From: ana@example.com\r\nSubject: Film\r\nMessage-ID: <film@x>\r\nDate: Wed, 04 Mar 2026 09:30:00 +0000\r\n"
        b"Content-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\nContent-Type: text/plain\r\n\r\nSee\r\n"
        b"--x\r\nContent-Type: video/mp4\r\nContent-Transfer-Encoding: base64\r\nContent-Disposition: attachment; filename=film.mp4\r\n\r\n"
    )
    server.add(head, filler=140_000_000)
    box = mailbox(server)
    mail = (await box.sync(None)).messages[0]
    assert mail.is_cut
    (file,) = mail.attachments
    largest = total = 0
    with pytest.raises(TooLarge):  # noqa: PT012 - the pieces before it are looked at
        async for piece in box.attachment(mail.ref, file.id, limit_bytes=2_000_000):
            largest, total = max(largest, len(piece)), total + len(piece)
    assert total <= 2_000_000
    assert largest < 300_000
    assert server.seen.count("UID FETCH") < 20


@pytest.mark.parametrize(
    ("encoding", "raw", "content"),
    [
        ("base64", b"aGVs\r\nbG8=\r\n", b"hello"),
        ("quoted-printable", b"gr=C3=BC=\r\n=C3=9Fe\r\n", "grüße\r\n".encode()),
        ("8bit", b"plain\r\n", b"plain\r\n"),
        ("x-unknown", b"plain\r\n", b"plain\r\n"),
        ("base64", b"####", b""),
    ],
)
async def test_a_file_is_decoded_as_its_mail_says(
    server: ImapServer, encoding: str, raw: bytes, content: bytes
) -> None:
    server.add(
        b"From: a@b.example\r\nMessage-ID: <1@x>\r\nContent-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\n"
        b"Content-Type: text/plain\r\n\r\nHi\r\n--x\r\nContent-Type: application/pdf; name=a.pdf\r\n"
        b"Content-Transfer-Encoding: " + encoding.encode() + b"\r\n\r\n" + raw + b"\r\n--x--\r\n"
    )
    box = mailbox(server)
    mail = (await box.sync(None)).messages[0]
    pieces = [piece async for piece in box.attachment(mail.ref, "2", limit_bytes=1000)]
    assert b"".join(pieces).rstrip() == content.rstrip()


async def test_a_line_that_breaks_while_a_file_is_read_may_be_tried_again(server: ImapServer) -> None:
    message = EmailMessage()
    message["From"], message["Message-ID"] = "ana@example.com", "<1@x>"
    message.add_attachment(b"x" * 1000, maintype="application", subtype="pdf", filename="a.pdf")
    server.add(message.as_bytes().replace(b"\n", b"\r\n"))
    box = mailbox(server)
    mail = (await box.sync(None)).messages[0]
    server.breaks = {"UID FETCH"}
    with pytest.raises(Temporary):
        async for _ in box.attachment(mail.ref, "1", limit_bytes=10_000):
            pass


@pytest.mark.parametrize(
    ("refusal", "error"),
    [
        ("NO [AUTHENTICATIONFAILED] wrong", SignInExpired),
        ("NO LOGIN failed", SignInExpired),
        ("NO [UNAVAILABLE] the directory is away", Temporary),
        ("NO [LIMIT] Too many simultaneous connections", Temporary),
    ],
)
async def test_a_refused_sign_in_is_told_apart_from_a_busy_server(
    server: ImapServer, refusal: str, error: type[Exception]
) -> None:
    server.refuses = {"LOGIN": refusal}
    with pytest.raises(error) as caught:
        await mailbox(server).labels()
    assert "not-a-password" not in f"{caught.value.problem()}"  # pyright: ignore[reportAttributeAccessIssue]


@pytest.mark.parametrize("greeting", ["HTTP/1.1 400 Bad Request", "* BYE overloaded"])
async def test_a_greeting_that_is_none_is_told(greeting: str) -> None:
    async with running_imap_server(ImapServer(greeting=greeting)) as server:
        with pytest.raises((Malformed, Temporary)):
            await mailbox(server).labels()


async def test_a_server_that_says_nothing_is_given_up() -> None:
    import asyncio

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()

    async with talking(talk) as place:
        silent = ImapServer(port=int(place.rpartition(":")[2]))
        with pytest.raises(Temporary):
            await mailbox(silent, timeout_seconds=0.3).labels()


async def test_nobody_listening_may_be_tried_again() -> None:
    with pytest.raises(Temporary, match="cannot be reached"):
        await mailbox(ImapServer(port=1)).labels()


@pytest.mark.parametrize(
    "url",
    ["", "http://x", "imap://", "imap://h", "imaps://u:hunter2@h:99999", "imaps://u:hunter2#x@h", "imaps://u:hunter2/x@h", "imap://[::1"],
)  # fmt: skip
def test_a_wrong_url_is_told_without_its_password(url: str) -> None:
    with pytest.raises(Invalid, match="STEWARD_IMAP_URL") as caught:
        ImapAddress.from_url(url)
    assert "hunter2" not in f"{caught.value.problem()}"


def test_names_and_passwords_are_decoded_and_in_no_representation() -> None:
    address = ImapAddress.from_url("imaps://robin%40vega.example:p%40ss%2Fw%C3%B6rd@imap.example.org")
    assert (address.username, address.password, address.port) == ("robin@vega.example", "p@ss/wörd", 993)
    assert "wörd" not in repr(address)
    assert ImapAddress.from_url("imap://u:p@h").port == 143


async def test_without_encryption_no_password_leaves_this_machine(
    server: ImapServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    import integrations.mail.imap_connection as module

    monkeypatch.setattr(module, "LOOPBACK", set[str]())  # so that the server here counts as one that is far away
    with pytest.raises(NotConnected, match="no encryption"):
        await mailbox(server).labels()
    assert "LOGIN" not in server.seen


def own_certificate(folder: Path) -> ssl.SSLContext:
    """A certificate for 127.0.0.1 that nobody else vouches for; it lies in `folder`/cert.pem."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    here = x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))])
    begin = datetime.now(UTC) - timedelta(days=1)
    made = x509.CertificateBuilder(
        name, name, key.public_key(), x509.random_serial_number(), begin, begin + timedelta(days=9)
    )
    (folder / "cert.pem").write_bytes(
        made.add_extension(here, False).sign(key, hashes.SHA256()).public_bytes(Encoding.PEM)
    )
    (folder / "key.pem").write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(folder / "cert.pem", folder / "key.pem")
    return context


async def test_a_certificate_that_nobody_vouches_for_gets_no_password(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running_imap_server(tls=own_certificate(tmp_path)) as server:
        box = ImapMailbox(ImapAddress.from_url(server.url.replace("imap:", "imaps:")), SmtpServer("smtp://x"), OWN)
        with pytest.raises(NotConnected, match="cannot be trusted"):
            await box.labels()
        assert server.seen == []
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "cert.pem"))
        assert {label.name for label in await box.labels()} >= {"inbox", "sent"}
