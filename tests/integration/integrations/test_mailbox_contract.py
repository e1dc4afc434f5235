"""What every mailbox promises, whichever provider it lies at."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from pathlib import Path

import pytest

from core.database import Caller
from core.errors import Invalid, NotFound, StewardError
from core.outside.errors import Uncertain
from core.outside.mail import MailAttachment, MailQuery, OutgoingMail
from tests.emulators.outside_servers import OutsideServers, outside
from tests.integration.integrations.mailbox_benches import BENCHES, OWN, Bench

__all__ = ["outside"]
READERS = pytest.mark.parametrize(
    "opening", ["imap", "local", "gmail"], indirect=True
)  # the others read as the local one does
NOW = datetime.now(UTC).replace(microsecond=0)
MAIL = OutgoingMail(
    message_id="<0b7a0b3e-1111-4222-8333-444455556666@vega.example>",
    from_address=OWN,
    from_name="Robin Vega",
    to=("ana@example.com",),
    subject="Rückfrage zum Angebot",
    body="Hallo Ana,\n\npasst der Termin?\n\nRobin\n",
    date=NOW,
)


@pytest.fixture(params=sorted(BENCHES))
def opening(request: pytest.FixtureRequest) -> tuple[str, Caller | None]:
    """Which provider; a database of its own for those that read from one."""
    return request.param, request.getfixturevalue("service") if request.param == "local" else None


@pytest.fixture
async def bench(opening: tuple[str, Caller | None], tmp_path: Path, outside: OutsideServers) -> AsyncGenerator[Bench]:
    provider, caller = opening
    async with BENCHES[provider](caller, tmp_path, outside) as opened:
        yield opened


def raw_mail(
    subject: str, *, number: int = 1, body: str = "Hi Robin", age: timedelta = timedelta(hours=1), **headers: str
) -> bytes:
    message = EmailMessage()
    message["From"] = "Ana Alves <ana@example.com>"
    message["To"] = OWN
    message["Subject"] = subject
    message["Date"] = NOW - age
    message["Message-ID"] = f"<{number}@example.com>"
    for name, value in headers.items():
        message[name.replace("_", "-")] = value
    message.set_content(body)
    return message.as_bytes().replace(b"\n", b"\r\n")


@READERS
async def test_what_comes_in_is_told_once_and_then_only_what_is_new(bench: Bench) -> None:
    await bench.deliver(raw_mail("One", number=1))
    await bench.deliver(raw_mail("Grüße", number=2))
    first = await bench.mailbox.sync(None)
    assert [mail.subject for mail in first.messages] == ["One", "Grüße"]
    assert {mail.sender.address for mail in first.messages} == {"ana@example.com"}
    assert not first.has_more
    again = await bench.mailbox.sync(first.cursor)
    assert again.messages == ()
    await bench.deliver(raw_mail("Three", number=3))
    fresh = await bench.mailbox.sync(again.cursor)
    assert [mail.message_id for mail in fresh.messages] == ["<3@example.com>"]


@READERS
async def test_a_long_backlog_comes_in_pages_without_a_gap(bench: Bench) -> None:
    for number in range(5):
        await bench.deliver(raw_mail(f"No {number}", number=number))
    cursor, seen = None, list[str]()
    for _ in range(10):
        page = await bench.mailbox.sync(cursor, limit=2)
        seen += [mail.subject for mail in page.messages]
        cursor = page.cursor
        if not page.has_more:
            break
    assert seen == [f"No {number}" for number in range(5)]


@READERS
async def test_a_cursor_of_something_else_is_refused_or_begins_anew(bench: Bench) -> None:
    await bench.deliver(raw_mail("One"))
    with contextlib.suppress(Invalid):
        assert (await bench.mailbox.sync("not a cursor {")).was_reset


@READERS
async def test_a_mail_is_read_again_by_its_ref(bench: Bench) -> None:
    await bench.deliver(raw_mail("One", body="The words"))
    told = (await bench.mailbox.sync(None)).messages[0]
    mail = await bench.mailbox.get(told.ref)
    assert (mail.subject, mail.text.strip(), mail.message_id) == ("One", "The words", "<1@example.com>")


@READERS
@pytest.mark.parametrize("ref", ["", "nonsense", "0" * 300, "../../etc/passwd", "17.999.INBOX", "ü"])
async def test_a_mail_that_is_not_there_is_said_to_be_missing(bench: Bench, ref: str) -> None:
    with pytest.raises(NotFound):
        await bench.mailbox.get(ref)


@READERS
@pytest.mark.parametrize(
    ("query", "found"),
    [
        (MailQuery(subject="grüße"), ["Grüße aus Lissabon"]),
        (MailQuery(from_address="ana@example.com"), ["Grüße aus Lissabon", "Invoice 7"]),
        (MailQuery(from_address="nobody@example.org"), []),
        (MailQuery(to_address=OWN), ["Grüße aus Lissabon", "Invoice 7"]),
        (MailQuery(words="total amount"), ["Invoice 7"]),
        (MailQuery(words="total amount", subject="Grüße"), []),
        (MailQuery(after=NOW - timedelta(days=2)), ["Grüße aus Lissabon"]),
        (MailQuery(before=NOW - timedelta(days=2)), ["Invoice 7"]),
        (MailQuery(is_unread=True), ["Grüße aus Lissabon", "Invoice 7"]),
        (MailQuery(is_unread=False), []),
        (MailQuery(words='" OR ALL'), []),
        (MailQuery(subject="100% _ *"), []),
    ],
)  # fmt: skip
async def test_mail_is_found_newest_first(bench: Bench, query: MailQuery, found: list[str]) -> None:
    await bench.deliver(raw_mail("Invoice 7", number=1, body="The total amount is due", age=timedelta(days=5)))
    await bench.deliver(raw_mail("Grüße aus Lissabon", number=2))
    assert [mail.subject for mail in await bench.mailbox.search(query)] == found


@READERS
async def test_a_thread_is_told_oldest_first(bench: Bench) -> None:
    await bench.deliver(raw_mail("Plan", number=1, age=timedelta(hours=3)))
    await bench.deliver(raw_mail("Re: Plan", number=2, In_Reply_To="<1@example.com>", References="<1@example.com>"))
    await bench.deliver(raw_mail("Other", number=3))
    told = (await bench.mailbox.sync(None)).messages
    thread = await bench.mailbox.thread(next(mail.thread for mail in told if mail.subject == "Re: Plan"))
    assert [mail.subject for mail in thread] == ["Plan", "Re: Plan"]
    if bench.mailbox.provider != "gmail":  # the emulator of Gmail never finds a Message-ID
        assert [mail.ref for mail in await bench.mailbox.thread("<1@example.com>")] == [mail.ref for mail in thread]
    with pytest.raises(NotFound):
        await bench.mailbox.thread("<nobody@example.com>")


@READERS
async def test_marks_are_kept_and_taken_back(bench: Bench) -> None:
    await bench.deliver(raw_mail("One"))
    ref = (await bench.mailbox.sync(None)).messages[0].ref
    await bench.mailbox.mark(ref, is_unread=False, is_flagged=True)
    labels = (await bench.mailbox.get(ref)).labels
    assert "flagged" in labels
    assert "unread" not in labels
    await bench.mailbox.mark(ref, is_unread=True, is_flagged=False)
    labels = (await bench.mailbox.get(ref)).labels
    assert "flagged" not in labels
    assert "unread" in labels


@READERS
async def test_a_mail_is_labelled_and_moved_and_found_under_its_new_name(bench: Bench) -> None:
    await bench.deliver(raw_mail("One"))
    ref = (await bench.mailbox.sync(None)).messages[0].ref
    await bench.mailbox.label(ref, add=["steward"])
    assert "steward" in (await bench.mailbox.get(ref)).labels
    await bench.mailbox.label(ref, remove=["steward"])
    assert "steward" not in (await bench.mailbox.get(ref)).labels
    moved = await bench.mailbox.move(ref, "archive")
    mail = await bench.mailbox.get(moved)
    assert "archive" in mail.labels
    assert "inbox" not in mail.labels
    assert {"inbox", "archive"} <= {label.name for label in await bench.mailbox.labels()}


@READERS
async def test_an_attached_file_is_read_in_pieces_up_to_the_limit(bench: Bench) -> None:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "ana@example.com", OWN, "Files"
    message["Message-ID"], message["Date"] = "<7@example.com>", NOW
    message.set_content("see the file")
    content = bytes(range(256)) * 3000
    message.add_attachment(content, maintype="application", subtype="pdf", filename="Übersicht.pdf")
    await bench.deliver(message.as_bytes().replace(b"\n", b"\r\n"))
    mail = (await bench.mailbox.sync(None)).messages[0]
    (file,) = mail.attachments
    assert (file.name, file.media_type) == ("Übersicht.pdf", "application/pdf")
    with pytest.raises(NotFound):
        async for _ in bench.mailbox.attachment(mail.ref, "99", limit_bytes=10_000_000):
            pass
    if not bench.keeps_files:
        with pytest.raises(NotFound):
            async for _ in bench.mailbox.attachment(mail.ref, file.id, limit_bytes=10_000_000):
                pass
        return
    pieces = [piece async for piece in bench.mailbox.attachment(mail.ref, file.id, limit_bytes=10_000_000)]
    assert b"".join(pieces) == content
    with pytest.raises(StewardError, match="larger than"):
        async for _ in bench.mailbox.attachment(mail.ref, file.id, limit_bytes=1000):
            pass


async def test_a_mail_is_handed_over_to_everybody_as_it_was_approved(bench: Bench) -> None:
    mail = replace(MAIL, attachments=(MailAttachment("plan.txt", "text/plain", b"the plan"),))
    ref = await bench.mailbox.prepare(mail)
    assert await bench.left() == []
    async with bench.mailbox.sending(mail, ref) as hand_over:
        receipt = await hand_over()
    assert receipt.message_id == MAIL.message_id
    assert receipt.accepted_at.tzinfo is not None
    (left,) = await bench.left()
    assert left.to == ("ana@example.com",)
    assert left.subject == MAIL.subject
    assert left.body.split() == MAIL.body.split()


async def test_getting_ready_and_not_sending_leaves_nothing(bench: Bench) -> None:
    ref = await bench.mailbox.prepare(MAIL)
    async with bench.mailbox.sending(MAIL, ref):
        pass
    assert await bench.left() == []


async def test_what_left_is_found_or_nobody_can_know(bench: Bench) -> None:
    ref = await bench.mailbox.prepare(MAIL)
    if bench.remembers:
        async with bench.mailbox.sending(MAIL, ref) as hand_over:
            await hand_over()
        found = await bench.mailbox.find(MAIL.message_id, ref)
        assert found
        assert found.message_id == MAIL.message_id
        return
    try:
        assert await bench.mailbox.find(MAIL.message_id, ref) is None
    except Uncertain:
        return
    # It says "send it (again)": then sending it twice must be sending it once.
    for _ in range(2):
        async with bench.mailbox.sending(MAIL, ref) as hand_over:
            await hand_over()
    assert len(await bench.left()) == 1


@pytest.mark.parametrize(
    "broken",
    [
        {"to": ("ana@example.com, eve@example.net",)},
        {"to": ("ana@example.com\r\nBcc: eve@example.net",)},
        {"to": ("Ana <ana@example.com>",)},
        {"cc": ("not an address",)},
        {"subject": "Hi\r\nBcc: eve@example.net"},
        {"from_name": "Robin\nX: y"},
        {"to": ()},
        {"in_reply_to": "<a@b>\r\nX: y"},
        {"attachments": (MailAttachment("a\r\nX: y", "text/plain", b""),)},
    ],
)  # fmt: skip
async def test_a_mail_that_would_be_something_else_is_refused_before_anything_is_done(
    bench: Bench, broken: dict[str, object]
) -> None:
    mail = replace(MAIL, **broken)  # pyright: ignore[reportArgumentType]
    with pytest.raises(Invalid):
        await bench.mailbox.prepare(mail)
    assert await bench.left() == []


async def test_a_foreign_domain_is_written_so_that_every_server_knows_it(bench: Bench) -> None:
    mail = replace(MAIL, to=("anna@bücher.example",))
    ref = await bench.mailbox.prepare(mail)
    async with bench.mailbox.sending(mail, ref) as hand_over:
        await hand_over()
    (left,) = await bench.left()
    assert "xn--bcher-kva.example" in left.to[0] or "bücher.example" in left.to[0]


async def test_ten_at_once_do_not_get_in_each_others_way(bench: Bench) -> None:
    mails = [
        replace(MAIL, message_id=f"<0b7a0b3e-1111-4222-8333-00000000000{n}@vega.example>", subject=f"No {n}")
        for n in range(8)
    ]

    async def send(mail: OutgoingMail) -> None:
        ref = await bench.mailbox.prepare(mail)
        async with bench.mailbox.sending(mail, ref) as hand_over:
            await hand_over()

    await asyncio.gather(*(send(mail) for mail in mails))
    assert sorted(left.subject for left in await bench.left()) == [f"No {n}" for n in range(8)]


async def test_whose_it_is_and_how_it_is_signed(bench: Bench) -> None:
    assert (await bench.mailbox.addresses())[0].address == OWN
    assert bench.mailbox.sender_domain == "vega.example"
    assert isinstance(await bench.mailbox.signature(OWN), str)
