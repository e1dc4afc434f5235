"""Sending by Gmail, over the emulator: exactly the draft that was approved, once; and what is said when nobody knows."""

import base64
from dataclasses import replace
from datetime import UTC, datetime
from email import message_from_bytes
from typing import Any

import pytest

from core.errors import Invalid, StewardError
from core.outside.errors import NotConnected, Refused, SignInExpired, Temporary, Uncertain
from core.outside.mail import MailAttachment, OutgoingMail, Receipt
from integrations.google.gmail import GmailMailbox
from integrations.google.gmail_send import GmailSender
from tests.emulators.google_faults import GoogleLine, error, ok
from tests.emulators.outside_servers import ALEX, OutsideServers, google_seed

ANA = "ana@example.com"
SEND = "drafts/send"
MAIL = OutgoingMail(
    message_id="<5b0f8c1e-0000-4000-8000-000000000001@vega.example>",
    from_address=ALEX,
    from_name="Alex Moreno",
    to=(ANA,),
    cc=("bo@example.com",),
    bcc=("boss@vega.example",),
    subject="Grüße aus Lissabon",
    body="Hello Ana,\n\nit is done.\n",
    date=datetime(2026, 3, 4, 9, 30, tzinfo=UTC),
    attachments=(MailAttachment("plan.csv", "text/csv", b"a,b\n1,2\n"),),
)


async def sent_mail(mailbox: GmailMailbox) -> list[dict[str, Any]]:
    told = await mailbox.client.call(
        "gmail", lambda gmail: gmail.users().messages().list(userId="me", labelIds=["SENT"]), "x"
    )
    return told.get("messages", [])


async def drafts(mailbox: GmailMailbox) -> list[dict[str, Any]]:
    return (await mailbox.client.call("gmail", lambda gmail: gmail.users().drafts().list(userId="me"), "x"))["drafts"]


async def prepared(mailbox: GmailMailbox, mail: OutgoingMail = MAIL) -> str:
    ref = await mailbox.prepare(mail)
    assert ref is not None
    return ref


async def send(mailbox: GmailMailbox, ref: str | None, mail: OutgoingMail = MAIL) -> Receipt:
    async with mailbox.sending(mail, ref) as hand_over:
        return await hand_over()


async def edit(mailbox: GmailMailbox, ref: str, mail: OutgoingMail) -> None:
    """Somebody changes the draft in Gmail."""
    from integrations.google.gmail_send import as_draft

    raw = base64.urlsafe_b64encode(as_draft(mail).as_bytes()).decode()
    draft_id = ref.partition("/")[0]
    await mailbox.client.call(
        "gmail",
        lambda gmail: gmail.users().drafts().update(userId="me", id=draft_id, body={"message": {"raw": raw}}),
        "x",
    )


async def test_what_is_sent_is_what_was_approved(mailbox: GmailMailbox) -> None:
    receipt = await send(mailbox, await prepared(mailbox))
    [sent] = await sent_mail(mailbox)
    assert receipt.location == f"gmail:{sent['id']}"
    mail = await mailbox.get(sent["id"])
    assert ([one.address for one in mail.to], [one.address for one in mail.cc]) == ([ANA], ["bo@example.com"])
    assert (mail.subject, mail.text.split(), mail.message_id) == (MAIL.subject, MAIL.body.split(), MAIL.message_id)
    assert [file.name for file in mail.attachments] == ["plan.csv"]
    assert await drafts(mailbox) == []


async def test_hidden_recipients_are_named_to_gmail_alone(mailbox: GmailMailbox) -> None:
    await prepared(mailbox)
    [draft] = await drafts(mailbox)
    kept = await mailbox.client.call(
        "gmail", lambda gmail: gmail.users().drafts().get(userId="me", id=draft["id"], format="raw"), "x"
    )
    raw = base64.urlsafe_b64decode(kept["message"]["raw"] + "==")
    assert message_from_bytes(raw)["Bcc"] == "boss@vega.example"


async def test_an_answer_stands_in_its_thread(mailbox: GmailMailbox, outside: OutsideServers) -> None:
    asked = {
        "id": "m1",
        "user_email": ALEX,
        "from": ANA,
        "to": ALEX,
        "subject": "Lisbon?",
        "body_text": "When?",
        "message_id": "<q@example.com>",
    }
    outside.reset(google=google_seed(messages=[asked]))
    answer = replace(MAIL, in_reply_to="<q@example.com>", references=("<q@example.com>",), subject="Re: Lisbon?")
    await send(mailbox, await prepared(mailbox, answer), answer)
    thread = (await mailbox.get("m1")).thread
    assert [mail.subject for mail in await mailbox.thread(thread)] == ["Re: Lisbon?", "Lisbon?"] or [
        mail.subject for mail in await mailbox.thread(thread)
    ] == ["Lisbon?", "Re: Lisbon?"]


async def test_a_thread_that_is_gone_becomes_one_of_its_own(mailbox: GmailMailbox, line: GoogleLine) -> None:
    line.on("POST .*/drafts", answer=error(404, "notFound"))
    assert "/" in await prepared(mailbox, replace(MAIL, thread="thr_gone"))


async def test_the_same_draft_is_not_sent_twice(mailbox: GmailMailbox) -> None:
    ref = await prepared(mailbox)
    await send(mailbox, ref)
    with pytest.raises(Refused, match="not at Gmail any more"):
        await send(mailbox, ref)
    assert len(await sent_mail(mailbox)) == 1


async def test_a_draft_that_is_there_was_not_sent(mailbox: GmailMailbox) -> None:
    assert await mailbox.find(MAIL.message_id, await prepared(mailbox)) is None


async def test_a_sent_draft_is_found_among_the_sent_mail(mailbox: GmailMailbox) -> None:
    ref = await prepared(mailbox)
    receipt = await send(mailbox, ref)
    found = await mailbox.find(MAIL.message_id, ref)
    assert found is not None
    assert found.location == receipt.location


async def test_a_mail_is_found_in_its_thread_where_the_search_is_late(mailbox: GmailMailbox, line: GoogleLine) -> None:
    ref = await prepared(mailbox)
    await send(mailbox, ref)
    line.on("rfc822msgid", answer=ok({"resultSizeEstimate": 0}), times=None)
    assert await mailbox.find(MAIL.message_id, ref) is not None


async def test_a_mail_whose_id_gmail_replaced_is_found_by_our_mark(mailbox: GmailMailbox, line: GoogleLine) -> None:
    ref = await prepared(mailbox)
    await send(mailbox, ref)
    headers = [
        {"name": "Message-ID", "value": "<new@mail.gmail.com>"},
        {"name": "X-Steward-Message", "value": MAIL.message_id},
    ]
    thread = {"messages": [{"id": "s1", "threadId": "t1", "labelIds": ["SENT"], "payload": {"headers": headers}}]}
    line.on("rfc822msgid", answer=ok({}), times=None)
    line.on("/threads/", answer=ok(thread))
    found = await mailbox.find(MAIL.message_id, ref)
    assert found is not None
    assert found.location == "gmail:s1"


async def test_a_draft_that_is_gone_is_no_proof(mailbox: GmailMailbox) -> None:
    ref = await prepared(mailbox)
    await GmailSender(mailbox.client).discard(ref)
    with pytest.raises(Uncertain):
        await mailbox.find(MAIL.message_id, ref)


async def test_without_a_draft_nothing_was_sent(mailbox: GmailMailbox) -> None:
    assert await mailbox.find(MAIL.message_id, None) is None
    with pytest.raises(Temporary):
        await send(mailbox, None)


@pytest.mark.parametrize("ref", ["", "x", "a/b/c", "../x/y", "a b/c"])
async def test_an_id_of_something_else_is_refused(mailbox: GmailMailbox, ref: str) -> None:
    with pytest.raises(Invalid):
        await mailbox.find(MAIL.message_id, ref)


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"to": ("eve@example.net",)}, "recipients"),
        ({"to": (ANA, "eve@example.net")}, "recipients"),
        ({"bcc": ("boss@vega.example", "eve@example.net")}, "hidden recipients"),
        ({"subject": "Another"}, "subject"),
        ({"body": "Send the money to Eve.\n"}, "text"),
        ({"attachments": (MailAttachment("plan.csv", "text/csv", b"a,b\n9,9\n"),)}, "files"),
    ],
)
async def test_a_draft_that_was_changed_at_gmail_is_not_sent(
    mailbox: GmailMailbox, change: dict[str, Any], what: str
) -> None:
    ref = await prepared(mailbox)
    await edit(mailbox, ref, replace(MAIL, **change))
    with pytest.raises(Refused, match=f"its {what} are not what was approved"):
        await send(mailbox, ref)
    assert await sent_mail(mailbox) == []


# The moment of sending


async def test_a_line_that_breaks_after_it_was_taken_is_looked_up_and_never_repeated(
    mailbox: GmailMailbox, line: GoogleLine
) -> None:
    ref = await prepared(mailbox)
    line.on(SEND, cut=True, is_taken=True)
    assert (await send(mailbox, ref)).provider == "gmail"
    assert line.count(SEND) == 1
    assert len(await sent_mail(mailbox)) == 1
    assert await mailbox.find(MAIL.message_id, ref) is not None


async def test_where_it_cannot_be_looked_up_it_is_left_open(mailbox: GmailMailbox, line: GoogleLine) -> None:
    ref = await prepared(mailbox)
    line.on(SEND, cut=True, is_taken=True)
    line.on("rfc822msgid", answer=error(503), times=None)
    with pytest.raises(Uncertain):
        await send(mailbox, ref)
    assert line.count(SEND) == 1


async def test_a_line_that_breaks_before_it_was_taken_leaves_it_open_and_the_draft_shows_it(
    mailbox: GmailMailbox, line: GoogleLine
) -> None:
    ref = await prepared(mailbox)
    line.on(SEND, cut=True)
    with pytest.raises(Uncertain):
        await send(mailbox, ref)
    assert line.count(SEND) == 1
    assert await mailbox.find(MAIL.message_id, ref) is None


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (error(500), Uncertain),
        (error(503, Retry_After="1"), Uncertain),
        (ok(b"{"), Uncertain),
        (ok({}), Uncertain),
        (error(404, "notFound"), Uncertain),
        (error(429, "rateLimitExceeded"), Temporary),
        (error(403, "userRateLimitExceeded"), Temporary),
        (error(403, "insufficientPermissions"), NotConnected),
        (error(401, "authError"), SignInExpired),
        (error(400, "invalidArgument", "Invalid To header"), Refused),
    ],
)
async def test_each_answer_leads_to_the_right_state(
    mailbox: GmailMailbox, line: GoogleLine, answer: Any, expected: type[StewardError]
) -> None:
    ref = await prepared(mailbox)
    line.on(SEND, answer=answer, times=None)
    with pytest.raises(expected):
        await send(mailbox, ref)
    assert line.count(SEND) == 1


async def test_nothing_is_sent_when_google_is_not_reached(client: Any, mailbox: GmailMailbox) -> None:
    from integrations.google.client import GoogleClient
    from integrations.google.places import GooglePlaces

    ref = await prepared(mailbox)
    gone = GmailSender(GoogleClient(client.tokens, GooglePlaces.at("http://127.0.0.1:9"), ()))
    async with mailbox.sending(MAIL, ref):
        from integrations.google.gmail_send import DraftRef

        with pytest.raises(Temporary):
            await gone._send(MAIL, DraftRef.read(ref))  # pyright: ignore[reportPrivateUsage]
    gone.client.close()


@pytest.mark.parametrize(
    "change", [{"to": ()}, {"to": ("a, b@example.com",)}, {"subject": "a\r\nBcc: eve@example.net"}]
)
async def test_what_can_never_be_sent_is_refused_before_anything_is_made(
    mailbox: GmailMailbox, change: dict[str, Any]
) -> None:
    with pytest.raises(Invalid):
        await mailbox.prepare(replace(MAIL, **({"cc": (), "bcc": ()} | change)))
    assert await drafts(mailbox) == []


# Drafts that were left behind


async def test_our_drafts_are_told_from_others(mailbox: GmailMailbox, outside: OutsideServers) -> None:
    other = {"id": "d1", "user_email": ALEX, "from": ALEX, "to": ANA, "subject": "mine", "label_ids": ["DRAFT"]}
    outside.reset(google=google_seed(messages=[other]))
    ref = await prepared(mailbox)
    assert len(await drafts(mailbox)) == 2
    assert await GmailSender(mailbox.client).our_drafts() == [(ref, MAIL.message_id)]


async def test_discarding_twice_is_once(mailbox: GmailMailbox) -> None:
    ref = await prepared(mailbox)
    await GmailSender(mailbox.client).discard(ref)
    await GmailSender(mailbox.client).discard(ref)
    assert await drafts(mailbox) == []
