"""Gmail as a mailbox, over the emulator: read on, found, labelled, its files streamed; however broken a mail is."""

import base64
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from typing import Any

import pytest

from core.errors import Invalid, NotFound, TooLarge
from core.outside.errors import Malformed, Refused, SignInExpired, Temporary
from core.outside.mail import ARCHIVE, FLAGGED, INBOX, TRASH, UNREAD, MailAddress, MailQuery
from integrations.google.gmail import GmailMailbox, search_text
from tests.emulators.google_faults import GoogleLine, error, ok
from tests.emulators.outside_servers import ALEX, ROBIN, OutsideServers, google_seed

ANA = "ana@example.com"
NOW = datetime.now(UTC).replace(microsecond=0)


def message(number: int, **change: Any) -> dict[str, Any]:
    given = {
        "id": f"m{number}",
        "user_email": ALEX,
        "from": f"Ana Lind <{ANA}>",
        "to": ALEX,
        "subject": f"Number {number}",
        "body_text": f"This is mail {number}.",
        "message_id": f"<{number}@example.com>",
        "internal_date": str(int((NOW - timedelta(hours=100 - number)).timestamp() * 1000)),
    }
    return given | change


def as_raw(mail: EmailMessage | bytes) -> str:
    content = mail if isinstance(mail, bytes) else mail.as_bytes()
    return base64.urlsafe_b64encode(content).decode().rstrip("=")


def raw_answer(content: bytes, ref: str = "m1") -> Any:
    resource = {"id": ref, "threadId": "t1", "labelIds": ["INBOX"], "raw": as_raw(content), "internalDate": "1000"}
    return ok(resource)


def with_files(*files: tuple[str, bytes]) -> EmailMessage:
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"], mail["Message-ID"] = ANA, ALEX, "Files", "<files@example.com>"
    mail.set_content("Here they are.")
    for name, content in files:
        mail.add_attachment(content, maintype="application", subtype="octet-stream", filename=name)
    return mail


async def read_all(mailbox: GmailMailbox, cursor: str | None, limit: int = 50) -> tuple[list[str], str]:
    found: list[str] = []
    while True:
        page = await mailbox.sync(cursor, limit=limit)
        found += [mail.subject for mail in page.messages]
        cursor = page.cursor
        if not page.has_more:
            return found, cursor


# Reading on


async def test_the_recent_past_comes_oldest_first_page_by_page(mailbox: GmailMailbox, outside: OutsideServers) -> None:
    outside.reset(google=google_seed(messages=[message(n) for n in range(1, 8)]))
    found, cursor = await read_all(mailbox, None, limit=3)
    assert found == [f"Number {n}" for n in range(1, 8)]
    assert cursor.startswith("history:")


async def test_what_comes_later_is_told_once(mailbox: GmailMailbox, outside: OutsideServers) -> None:
    outside.reset(google=google_seed(messages=[message(1)]))
    _, cursor = await read_all(mailbox, None)
    assert await read_all(mailbox, cursor) == ([], cursor)
    arrived = as_raw(with_files())
    await mailbox.client.call(
        "gmail",
        lambda gmail: gmail.users().messages().insert(userId="me", body={"raw": arrived, "labelIds": ["INBOX"]}),
        "x",
    )
    found, newer = await read_all(mailbox, cursor)
    assert found == ["Files"]
    assert (await read_all(mailbox, newer))[0] == []


async def test_what_comes_while_the_past_is_told_is_not_lost(mailbox: GmailMailbox, outside: OutsideServers) -> None:
    outside.reset(google=google_seed(messages=[message(n) for n in range(1, 5)]))
    page = await mailbox.sync(None, limit=2)
    arrived = as_raw(with_files())
    await mailbox.client.call(
        "gmail",
        lambda gmail: gmail.users().messages().insert(userId="me", body={"raw": arrived, "labelIds": ["INBOX"]}),
        "x",
    )
    found, _ = await read_all(mailbox, page.cursor, limit=2)
    assert {"Number 3", "Number 4", "Files"} <= set(found)


async def test_drafts_are_not_told(mailbox: GmailMailbox, outside: OutsideServers) -> None:
    outside.reset(google=google_seed(messages=[message(1), message(2, label_ids=["DRAFT"])]))
    assert (await read_all(mailbox, None))[0] == ["Number 1"]


async def test_a_label_that_changed_tells_the_mail_again(mailbox: GmailMailbox, outside: OutsideServers) -> None:
    outside.reset(google=google_seed(messages=[message(1)]))
    _, cursor = await read_all(mailbox, None)
    await mailbox.mark("m1", is_unread=False, is_flagged=True)
    page = await mailbox.sync(cursor)
    assert [(mail.ref, mail.labels) for mail in page.messages] == [("m1", frozenset({INBOX, FLAGGED}))]


async def test_a_mail_that_was_deleted_is_told_as_gone(mailbox: GmailMailbox, outside: OutsideServers) -> None:
    outside.reset(google=google_seed(messages=[message(1), message(2)]))
    _, cursor = await read_all(mailbox, None)
    await mailbox.client.call("gmail", lambda gmail: gmail.users().messages().delete(userId="me", id="m1"), "x")
    page = await mailbox.sync(cursor)
    assert page.removed == ("m1",)


async def test_an_empty_mailbox_is_read_again_from_its_beginning(mailbox: GmailMailbox) -> None:
    found, cursor = await read_all(mailbox, None)
    assert found == []
    arrived = as_raw(with_files())
    await mailbox.client.call(
        "gmail",
        lambda gmail: gmail.users().messages().insert(userId="me", body={"raw": arrived, "labelIds": ["INBOX"]}),
        "x",
    )
    assert (await read_all(mailbox, cursor))[0] == ["Files"]


async def test_a_history_that_is_too_old_begins_anew_and_says_so(
    mailbox: GmailMailbox, line: GoogleLine, outside: OutsideServers
) -> None:
    outside.reset(google=google_seed(messages=[message(1), message(2)]))
    line.on(r"GET .*/history\?", answer=error(404, "notFound"))
    page = await mailbox.sync("history:1")
    assert page.was_reset
    assert [mail.subject for mail in page.messages] == ["Number 1", "Number 2"]
    assert page.cursor.startswith("history:")


@pytest.mark.parametrize(
    "cursor", ["", "x", "history:", "history:1:2", "list:1", "list:1:2:3:x", "history:1&x=2", "9" * 50]
)
async def test_a_cursor_of_something_else_is_refused(mailbox: GmailMailbox, cursor: str) -> None:
    if cursor == "":
        assert (await mailbox.sync("")).messages == ()
        return
    with pytest.raises(Invalid, match="cursor"):
        await mailbox.sync(cursor)


async def test_two_accounts_see_only_their_own(client: Any, mailbox: GmailMailbox, outside: OutsideServers) -> None:
    outside.reset(google=google_seed(messages=[message(1), message(2, user_email=ROBIN, to=ROBIN)]))
    assert (await read_all(mailbox, None))[0] == ["Number 1"]
    with pytest.raises(NotFound):
        await mailbox.get("m2")


# What goes wrong on the way


async def test_a_read_is_tried_again(mailbox: GmailMailbox, line: GoogleLine, outside: OutsideServers) -> None:
    outside.reset(google=google_seed(messages=[message(1)]))
    line.on("messages/m1", answer=error(500))
    line.on("messages/m1", answer=error(429, "rateLimitExceeded", Retry_After="0"))
    assert (await mailbox.get("m1")).subject == "Number 1"
    assert line.count("messages/m1") == 3


@pytest.mark.parametrize("status", [500, 502, 503])
async def test_a_server_that_stays_broken_is_out_of_reach(mailbox: GmailMailbox, line: GoogleLine, status: int) -> None:
    line.on("messages/m1", answer=error(status), times=None)
    with pytest.raises(Temporary, match=str(status)):
        await mailbox.get("m1")
    assert line.count("messages/m1") == 3


@pytest.mark.parametrize(("status", "reason"), [(429, ""), (403, "userRateLimitExceeded"), (403, "quotaExceeded")])
async def test_a_limit_says_how_long_to_wait(mailbox: GmailMailbox, line: GoogleLine, status: int, reason: str) -> None:
    line.on("messages/m1", answer=error(status, reason, Retry_After="120"), times=None)
    with pytest.raises(Temporary) as caught:
        await mailbox.get("m1")
    assert caught.value.retry_after_seconds == 120
    assert line.count("messages/m1") == 1, "a long wait is not waited here"


async def test_a_missing_permission_says_where_to_allow_it(mailbox: GmailMailbox, line: GoogleLine) -> None:
    line.on("messages/m1", answer=error(403, "insufficientPermissions"))
    with pytest.raises(Exception, match="has not been allowed to read the mail") as caught:
        await mailbox.get("m1")
    assert "/settings#google" in str(getattr(caught.value, "hint", ""))


async def test_an_api_that_is_off_says_where_to_switch_it_on(mailbox: GmailMailbox, line: GoogleLine) -> None:
    line.on("messages/m1", answer=error(403, "accessNotConfigured"))
    with pytest.raises(Refused, match="not switched on") as caught:
        await mailbox.get("m1")
    assert "docs/guide/google.md" in (caught.value.hint or "")


async def test_a_token_that_nobody_can_renew_ends_the_sign_in(mailbox: GmailMailbox, line: GoogleLine) -> None:
    line.on("messages/m1", answer=error(401, "authError"), times=None)
    with pytest.raises(SignInExpired):
        await mailbox.get("m1")


@pytest.mark.parametrize("body", [b"{", b"<html>", b"[]", b"\xff\xfe", b'"x"', b"1"])
async def test_an_answer_that_is_no_json_object_is_not_understood(
    mailbox: GmailMailbox, line: GoogleLine, body: bytes
) -> None:
    line.on("messages/m1", answer=ok(body))
    with pytest.raises(Malformed):
        await mailbox.get("m1")


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"id": 7},
        {"id": "m1", "raw": "!!"},
        {"id": "m1", "raw": "äö"},
        {"id": "m1", "payload": {"body": {"data": "?"}}},
    ],
)
async def test_a_message_of_an_odd_shape_is_not_understood(
    mailbox: GmailMailbox, line: GoogleLine, body: dict[str, Any]
) -> None:
    line.on("messages/m1", answer=ok(body))
    with pytest.raises(Malformed):
        await mailbox.get("m1")


async def test_a_line_that_breaks_in_the_middle_is_tried_again(
    mailbox: GmailMailbox, line: GoogleLine, outside: OutsideServers
) -> None:
    outside.reset(google=google_seed(messages=[message(1)]))
    line.on("messages/m1", cut_after=40)
    line.on("messages/m1", cut=True)
    assert (await mailbox.get("m1")).subject == "Number 1"


async def test_one_page_fails_as_a_whole_when_one_mail_cannot_be_had(
    mailbox: GmailMailbox, line: GoogleLine, outside: OutsideServers
) -> None:
    outside.reset(google=google_seed(messages=[message(1), message(2)]))
    line.on("messages/m2.*raw", answer=error(503), times=None)
    with pytest.raises(Temporary):
        await mailbox.sync(None)


# Mails as they come

BROKEN = {
    "a wrong charset": b"From: ana@example.com\r\nSubject: =?utf-9?q?caf=E9?=\r\nContent-Type: text/plain; charset=klingon\r\n\r\ncaf\xe9 um drei",
    "a charset that lies": b"From: ana@example.com\r\nSubject: x\r\nContent-Type: text/plain; charset=utf-8\r\n\r\ncaf\xe9 um drei",
    "a boundary that never comes": b'From: ana@example.com\r\nSubject: x\r\nContent-Type: multipart/mixed; boundary="b"\r\n\r\ncaf\xc3\xa9 um drei',
    "base64 that is none": b"From: ana@example.com\r\nSubject: x\r\nContent-Transfer-Encoding: base64\r\n\r\n!!! caf um drei",
    "no content type, and NUL": b"From: ana@example.com\r\nSubject: x\r\n\r\ncaf\x00 um drei",
    "two From headers": b"From: ana@example.com\r\nFrom: eve@example.net\r\nSubject: x\r\n\r\ncaf um drei",
}


@pytest.mark.parametrize("kind", BROKEN)
async def test_a_broken_mail_is_read_as_far_as_it_goes(mailbox: GmailMailbox, line: GoogleLine, kind: str) -> None:
    line.on("messages/m1", answer=raw_answer(BROKEN[kind]))
    mail = await mailbox.get("m1")
    assert mail.sender == MailAddress(ANA)
    assert "\x00" not in mail.text


@pytest.mark.parametrize("content", [b"", b"   \r\n", b"no header at all", b"\x00" * 100])
async def test_what_is_no_mail_is_told_as_unreadable_and_stops_nothing(
    mailbox: GmailMailbox, line: GoogleLine, content: bytes
) -> None:
    line.on("messages/m1", answer=raw_answer(content))
    mail = await mailbox.get("m1")
    assert (mail.ref, mail.is_cut, mail.subject) == ("m1", True, "(a message that cannot be read)")


async def test_a_reply_address_and_a_thread_are_read(mailbox: GmailMailbox, outside: OutsideServers) -> None:
    first = message(1)
    second = message(2, reply_to="Desk <desk@example.com>", in_reply_to="<1@example.com>", references="<1@example.com>")
    outside.reset(google=google_seed(messages=[first, second]))
    mail = await mailbox.get("m2")
    assert mail.reply_to == (MailAddress("desk@example.com", "Desk"),)
    assert (mail.in_reply_to, mail.thread_key) == ("<1@example.com>", "<1@example.com>")
    assert [one.ref for one in await mailbox.thread(mail.thread)] == ["m1", "m2"]


async def test_a_thread_is_found_by_a_message_id(mailbox: GmailMailbox, line: GoogleLine) -> None:
    line.on("rfc822msgid", answer=ok({"messages": [{"id": "m1", "threadId": "t7"}]}))
    line.on("threads/t7", answer=ok({"messages": []}))
    assert await mailbox.thread("<1@example.com>") == []
    line.on("rfc822msgid", answer=ok({"resultSizeEstimate": 0}))
    with pytest.raises(NotFound):
        await mailbox.thread("<2@example.com>")


async def test_a_thread_that_is_not_there_is_not_found(mailbox: GmailMailbox) -> None:
    with pytest.raises(NotFound):
        await mailbox.thread("thr_none")


# Files


async def put(mailbox: GmailMailbox, mail: EmailMessage) -> str:
    body = {"raw": as_raw(mail), "labelIds": ["INBOX"]}
    made = await mailbox.client.call(
        "gmail", lambda gmail: gmail.users().messages().insert(userId="me", body=body), "x"
    )
    return str(made["id"])


async def content_of(mailbox: GmailMailbox, ref: str, file: str, limit: int = 10**7) -> bytes:
    return b"".join([piece async for piece in mailbox.attachment(ref, file, limit_bytes=limit)])


async def test_each_file_comes_whole(mailbox: GmailMailbox) -> None:
    small, large = b"\x00\x01\x02", bytes(range(256)) * 2000
    ref = await put(mailbox, with_files(("a.bin", small), ("b.bin", large), ("a.bin", b"another")))
    mail = await mailbox.get(ref)
    assert [(file.name, file.size_bytes) for file in mail.attachments] == [
        ("a.bin", 3),
        ("b.bin", 512000),
        ("a.bin", 7),
    ]
    assert [await content_of(mailbox, ref, file.id) for file in mail.attachments] == [small, large, b"another"]


async def test_a_file_beyond_the_limit_is_not_read_to_its_end(mailbox: GmailMailbox, line: GoogleLine) -> None:
    ref = await put(mailbox, with_files(("big.bin", b"x" * 300_000)))
    mail = await mailbox.get(ref)
    with pytest.raises(TooLarge):
        await content_of(mailbox, ref, mail.attachments[0].id, limit=299_999)
    assert line.count("/attachments/") == 0, "its size was known before"


async def test_a_file_that_is_larger_than_it_says_is_stopped(mailbox: GmailMailbox, line: GoogleLine) -> None:
    ref = await put(mailbox, with_files(("big.bin", b"x" * 1000)))
    line.on("/attachments/", answer=ok({"size": 1, "data": base64.urlsafe_b64encode(b"y" * 500_000).decode()}))
    with pytest.raises(TooLarge):
        await content_of(mailbox, ref, "0/big.bin", limit=1000)


async def test_a_file_that_breaks_off_is_not_taken_for_whole(mailbox: GmailMailbox, line: GoogleLine) -> None:
    ref = await put(mailbox, with_files(("big.bin", b"x" * 100_000)))
    line.on("/attachments/", cut_after=5000)
    with pytest.raises(Temporary):
        await content_of(mailbox, ref, "0/big.bin")
    line.on("/attachments/", answer=ok(b'{"size": 5, "data": "QUJD'))
    with pytest.raises(Malformed):
        await content_of(mailbox, ref, "0/big.bin")


async def test_a_file_is_found_though_gmail_writes_its_name_otherwise(mailbox: GmailMailbox) -> None:
    ref = await put(mailbox, with_files(("a.bin", b"first"), ('b "2".bin', b"second")))
    assert await content_of(mailbox, ref, "1/b _2_.bin") == b"second"


async def test_a_file_that_is_not_there_is_not_found(mailbox: GmailMailbox) -> None:
    ref = await put(mailbox, with_files(("a.bin", b"x")))
    for wanted in ("7/other.bin", "", "/", "0"):
        with pytest.raises(NotFound):
            await content_of(mailbox, ref, wanted)


async def test_a_mail_with_a_huge_file_is_read_without_it(mailbox: GmailMailbox, line: GoogleLine) -> None:
    ref = await put(mailbox, with_files(("huge.bin", b"z" * 5_000_000)))
    mail = await mailbox.get(ref)
    assert (mail.subject, mail.text.strip()) == ("Files", "Here they are.")
    assert [(file.name, file.size_bytes) for file in mail.attachments] == [("huge.bin", 5_000_000)]
    assert line.count(f"messages/{ref}.*full") == 1
    with pytest.raises(TooLarge):
        await content_of(mailbox, ref, mail.attachments[0].id, limit=1_000_000)


# Looking and labelling


async def test_words_of_a_search_are_never_operators(mailbox: GmailMailbox) -> None:
    query = MailQuery(from_address=ANA, subject='a "b" c', words="in:trash order", is_unread=True, after=NOW)
    assert search_text(query) == (f'from:{ANA} subject:"a b c" "in:trash" order after:{int(NOW.timestamp())} is:unread')


@pytest.mark.parametrize(
    ("words", "typed"),
    [
        ("invoice OR -draft", 'invoice "OR" "-draft"'),
        ('" AND {x', '"AND" "{x"'),
        ("Grüße", "Grüße"),
        ("or ana@example.com", "or ana@example.com"),
        ('"', ""),
    ],
)
async def test_only_a_plain_word_stands_without_quotes(words: str, typed: str) -> None:
    assert search_text(MailQuery(words=words)) == typed


async def test_a_search_finds_what_fits(mailbox: GmailMailbox, outside: OutsideServers) -> None:
    outside.reset(
        google=google_seed(
            messages=[message(1), message(2, **{"from": "bob@example.org"}), message(3, label_ids=["INBOX"])]
        )
    )
    assert [mail.ref for mail in await mailbox.search(MailQuery(from_address="bob@example.org"))] == ["m2"]
    assert [mail.ref for mail in await mailbox.search(MailQuery(words="mail 3"))] == ["m3"]
    assert {mail.ref for mail in await mailbox.search(MailQuery(is_unread=True))} == {"m1", "m2"}
    assert [mail.ref for mail in await mailbox.search(MailQuery(), limit=2)] == ["m3", "m2"]
    assert await mailbox.search(MailQuery(words="nothing has this")) == []


async def test_labels_are_put_on_taken_off_and_made(mailbox: GmailMailbox, outside: OutsideServers) -> None:
    outside.reset(google=google_seed(messages=[message(1)]))
    await mailbox.label("m1", add=["Orders/2026", FLAGGED], remove=[UNREAD])
    assert (await mailbox.get("m1")).labels == {INBOX, FLAGGED, "Orders/2026"}
    await mailbox.label("m1", add=["orders/2026"], remove=[FLAGGED, "never there"])
    assert (await mailbox.get("m1")).labels == {INBOX, "Orders/2026"}
    assert "Orders/2026" in {label.name for label in await mailbox.labels()}
    with pytest.raises(Refused):
        await mailbox.label("m1", add=["sent"])
    with pytest.raises(NotFound):
        await mailbox.label("none", add=[FLAGGED])


async def test_a_mail_is_moved_to_where_it_is_named(mailbox: GmailMailbox, outside: OutsideServers) -> None:
    outside.reset(google=google_seed(messages=[message(1, label_ids=["INBOX"])]))
    for place, wanted in ((ARCHIVE, {ARCHIVE}), (INBOX, {INBOX}), (TRASH, {TRASH}), ("Later", {"Later", ARCHIVE})):
        assert await mailbox.move("m1", place) == "m1"
        assert (await mailbox.get("m1")).labels == wanted
    with pytest.raises(Refused):
        await mailbox.move("m1", "drafts")


# Who it is


async def test_confirmed_aliases_may_send_and_the_usual_one_comes_first(
    mailbox: GmailMailbox, line: GoogleLine
) -> None:
    listed = [
        {"sendAsEmail": ALEX, "isPrimary": True, "displayName": "Alex"},
        {
            "sendAsEmail": "desk@vega.example",
            "isDefault": True,
            "verificationStatus": "accepted",
            "signature": "<p>The <b>desk</b></p><p>+49</p>",
        },
        {"sendAsEmail": "waits@vega.example", "verificationStatus": "pending"},
    ]
    line.on("sendAs", answer=ok({"sendAs": listed}), times=None)
    assert [one.address for one in await mailbox.addresses()] == ["desk@vega.example", ALEX]
    assert (await mailbox.signature("Desk@vega.example")).split() == ["The", "desk", "+49"]
    assert await mailbox.signature("nobody@vega.example") == ""
    assert await GmailMailbox(mailbox.client, ALEX, own_signature="Alex M.").signature(ALEX) == "Alex M."
