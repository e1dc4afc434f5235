"""What the person answered themselves is done: its draft goes nowhere, and nothing is written again."""

from dataclasses import replace
from datetime import datetime, timedelta
from uuid import uuid4

from app.house import House
from core.database import Identity
from core.outside.mail import IncomingMail, MailAddress
from jobs.answered import close_answered
from jobs.mail_reading import take_in
from jobs.watching import watch_for
from tasks import answered, commitments, functions, review
from tasks.answered import OwnAnswer
from tasks.commitments import CommitmentFilter
from tasks.models import Task
from tests.integration.jobs.test_promises import ANSWER, BERLIN, DANA, ME, QUESTION, ROBIN, a_mail, read


async def all_tasks(house: House) -> list[Task]:
    return (await functions.list_tasks(house.caller)).items


async def only(house: House) -> Task:
    task = next(one for one in await all_tasks(house) if one.source == "mail" and not one.title.startswith("Keep"))
    return await functions.get_task(house.caller, task.id)


async def test_ones_own_mail_closes_the_task_its_draft_and_its_promise(house: House) -> None:
    await read(house, QUESTION, ANSWER)
    task = await only(house)
    await functions.update_task(house.caller, task.id, {"description": "The new date is 14 March."})
    made = await review.create_draft(
        house.caller, task.id, {"to_recipients": [DANA.address], "subject": "Re: Delay", "body": "By Thursday."}
    )
    stays = [
        a_mail(3, "Thanks, Dana!", ROBIN, "2026-03-03T11:00"),
        a_mail(4, "It takes a bit longer, I'll tell you on Friday.", ROBIN, "2026-03-03T12:00"),
        a_mail(
            5, "Is 14 March fine for us?", ROBIN, "2026-03-03T13:00", to=(MailAddress("omar@vega.example", "Omar"),)
        ),
        a_mail(6, "Production says 14 March.", ROBIN, "2026-03-03T13:00", thread="<6@x>", subject="Lunch"),
        a_mail(7, "Production says 14 March.", DANA, "2026-03-03T13:00"),
        a_mail(8, "Away.", ROBIN, "2026-03-03T13:00", auto_submitted=True, subject="Out of office"),
    ]
    await read(house, *stays)
    assert (await only(house)).execution_status == task.execution_status
    mine = a_mail(9, "Dana, production says it is 14 March. Sorry for the trouble.", ROBIN, "2026-03-04T09:00")
    await read(house, mine)
    await read(house, mine)
    done = await only(house)
    assert done.execution_status == "completed"
    assert [one.what for one in done.evidence] == [
        "You answered it yourself: Delay of order NW-2231?, 4 March 2026 09:00"
    ]
    assert (await review.get_draft(house.caller, made.id)).state == "superseded"
    assert done.open_draft_id is None
    first, *_ = [
        one
        for one in await commitments.all_commitments(house.caller, CommitmentFilter())
        if "Thursday noon" in one.quote
    ]
    assert first.state == "kept"
    assert await close_answered(house.caller, house.clock.timezone) == 0


async def test_a_reminder_waits_for_who_is_away_and_comes_back(house: House) -> None:
    thanks = a_mail(9, "Thank you, Dana.", ROBIN, "2026-03-03T10:00")
    asked = a_mail(
        20, "Dana, can you send me the new price list?", ROBIN, "2026-03-03T11:00", thread="<20@x>", subject="Prices"
    )
    await read(house, a_mail(1, "I will send the contract on Friday.", subject="Contract"), thanks, asked)
    late = datetime(2026, 3, 10, 14, tzinfo=BERLIN)
    first = (await watch_for(house.given, house.caller, late)).made
    assert {one.title for one in first} == {"Remind Dana Ortiz: Contract", "Remind Dana Ortiz: Prices"}
    away = a_mail(
        21,
        "I am away until 12 March.",
        at="2026-03-10T15:00",
        thread="<20@x>",
        subject="Automatic reply",
        auto_submitted=True,
    )
    await read(house, away)
    looked = await watch_for(house.given, house.caller, late + timedelta(hours=2))
    assert (looked.made, looked.settled) == ([], 2)
    assert (await watch_for(house.given, house.caller, datetime(2026, 3, 13, 9, tzinfo=BERLIN))).made == []
    again = (await watch_for(house.given, house.caller, datetime(2026, 3, 16, 10, tzinfo=BERLIN))).made
    assert {one.title for one in again} == {one.title for one in first}
    for one in again:
        assert one.task_id
        task = await functions.get_task(house.caller, one.task_id)
        assert task.execution_status in {"pending", "queued"}


async def test_german_mail_in_any_order_and_of_one_person_alone(house: House) -> None:
    asked = a_mail(
        30,
        "Hallo Robin,\n\nkannst du mir bitte sagen, ob der Termin noch steht?\n\nViele Grüße\nDana",
        subject="Termin",
    )
    asked = replace(asked, thread="<30@x>", in_reply_to=None, references=())
    later = a_mail(
        31, "Ich melde mich bis Freitag dazu.", ROBIN, "2026-03-03T10:00", thread="<30@x>", subject="AW: Termin"
    )
    mine = a_mail(32, "Ja, der Termin steht.", ROBIN, "2026-03-03T11:00", thread="<30@x>", subject="AW: Termin")
    await read(house, asked)
    await read(house, later)
    task = await only(house)
    assert task.execution_status == "pending"
    stranger = house.database.acting_as(Identity.service(uuid4()))
    theirs = OwnAnswer(task_id=task.id, mail_id=uuid4(), sent_at=house.clock.now())
    assert (
        await answered.list_own_answers(stranger),
        await answered.close_answered_tasks(stranger, [(theirs, "x")]),
    ) == ([], 0)
    assert await answered.close_answered_tasks(house.caller, [(theirs, "x")]) == 0
    rows = await answered.list_own_answers(house.caller)
    assert {one.mail_id for one in rows} == {rows[0].mail_id}
    promised = [one for one in await all_tasks(house) if one.title.startswith("Keep")]
    await read(house, mine)
    assert {one.execution_status for one in await all_tasks(house)} == {"completed"}
    assert len(await all_tasks(house)) == 1 + len(promised)
    done = await only(house)
    assert (done.execution_status, done.evidence[0].what) == (
        "completed", "You answered it yourself: AW: Termin, 3 March 2026 11:00"
    )  # fmt: skip


async def test_what_was_sent_from_here_or_is_on_its_way_is_left_alone(house: House) -> None:
    await read(house, QUESTION)
    task = await only(house)
    draft = await review.create_draft(
        house.caller, task.id, {"to_recipients": [DANA.address], "subject": "Re: Delay", "body": "It holds."}
    )
    draft = await review.approve_draft(house.caller, draft.id, draft.digest)
    worker = house.database.acting_as(Identity.service(task.organization_id))
    await review.begin_sending(worker, draft.id, "<sent@x>")
    sent = a_mail(40, "It holds, Dana. All the best.", ROBIN, "2026-03-03T12:00")
    await read(house, replace(sent, message_id="<sent@x>"), sent)
    assert (await only(house)).execution_status not in {"completed", "cancelled"}
    assert (await review.get_draft(house.caller, draft.id)).state == "sending"


INBOX, SENT = frozenset({"inbox"}), frozenset({"sent"})


async def arrived(house: House, *mails: IncomingMail) -> None:
    """They lie in an account of the person's, not in a file."""
    await take_in(house.given, house.caller, "robin@vega.example", ME, mails)


async def test_whoever_writes_the_persons_address_is_not_the_person(house: House) -> None:
    await arrived(house, replace(QUESTION, labels=INBOX), replace(ANSWER, labels=SENT))
    text = "Dana, here it is: production says it is 14 March. Sorry for the trouble."
    await arrived(house, a_mail(9, text, ROBIN, "2026-03-04T09:00", labels=INBOX))
    assert (await only(house)).execution_status == "pending"
    assert [one.state for one in await commitments.all_commitments(house.caller, CommitmentFilter())] == ["open"]
    away = "I am out of the office until 12 March. In urgent cases write to office@vega.example."
    absent = a_mail(10, away, ROBIN, "2026-03-04T10:00", labels=SENT, subject="Automatic reply: Delay")
    await arrived(house, absent, replace(absent, message_id="<11@x>", subject="Re: Delay", precedence="auto_reply"))
    assert (await only(house)).execution_status == "pending"
    await arrived(house, a_mail(12, text, ROBIN, "2026-03-04T11:00", labels=SENT))
    assert (await only(house)).execution_status == "completed"
