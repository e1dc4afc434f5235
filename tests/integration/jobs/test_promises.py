"""Promises in mail that comes in: kept once, linked to their tasks, settled by what comes later."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from agents.rules.mail import Owner
from app.house import House
from core.errors import Conflict, NotFound
from core.outside.mail import AttachedFile, IncomingMail, MailAddress
from jobs.mail_reading import take_in
from jobs.watching import watch_for
from jobs.worker import Worker, working
from tasks import commitments, functions, review
from tasks.commitments import Commitment, CommitmentFilter, NewCommitment
from tests.integration.agents.growing import until

BERLIN = ZoneInfo("Europe/Berlin")
ROBIN, DANA = MailAddress("robin@vega.example", "Robin Vega"), MailAddress("dana@northwind.example", "Dana Ortiz")
ME = Owner((ROBIN.address,), (ROBIN.name,))


def a_mail(
    number: int,
    text: str,
    sender: MailAddress = DANA,
    at: str = "2026-03-03T09:12",
    *,
    thread: str = "<1@x>",
    **more: object,
) -> IncomingMail:
    made: dict[str, object] = {
        "ref": str(number),
        "message_id": f"<{number}@x>",
        "thread": thread,
        "sender": sender,
        "to": (DANA if sender is ROBIN else ROBIN,),
        "subject": "Delay of order NW-2231?",
        "sent_at": datetime.fromisoformat(at).replace(tzinfo=BERLIN),
        "text": text,
        "in_reply_to": thread if thread != f"<{number}@x>" else None,
        "references": (thread,) if thread != f"<{number}@x>" else (),
    }
    return IncomingMail(**{**made, **more})  # pyright: ignore[reportArgumentType]


QUESTION = a_mail(1, "Hi Robin,\n\ncan you tell me today whether 12 March still holds?\n\nThanks, Dana")
ANSWER = a_mail(
    2, "Dana, I'll check with production and get back to you by Thursday noon.\n\nRobin", ROBIN, "2026-03-03T10:02"
)


async def read(house: House, *mails: IncomingMail) -> None:
    await take_in(house.given, house.caller, "local", ME, mails)


async def all_of(house: House) -> list[Commitment]:
    return await commitments.all_commitments(house.caller, CommitmentFilter())


async def test_a_promise_is_kept_once_and_its_task_keeps_it(house: House) -> None:
    await read(house, QUESTION, ANSWER)
    await read(house, QUESTION, ANSWER)
    (promise,) = await all_of(house)
    (task,) = (await functions.list_tasks(house.caller)).items
    assert (promise.is_mine, promise.called, promise.state) == (True, "Dana Ortiz", "open")
    assert promise.due_at == datetime(2026, 3, 5, 12, tzinfo=BERLIN)
    assert (promise.task_id, promise.task_title, promise.subject) == (task.id, task.title, "Delay of order NW-2231?")
    await functions.update_task(house.caller, task.id, {"execution_status": "completed"})
    (kept,) = await all_of(house)
    assert (kept.state, kept.closed_because) == ("kept", f"Its task is done: {task.title}")


async def test_what_others_promise_is_moved_and_closed_by_what_they_write(house: House) -> None:
    await read(house, a_mail(1, "Hello Robin,\n\nI will send the contract on Friday.\n\nDana"))
    (promise,) = await all_of(house)
    assert (promise.is_mine, promise.person_address) == (False, DANA.address)
    assert promise.due_at
    assert promise.due_at.astimezone(BERLIN).date().isoformat() == "2026-03-06"
    await read(
        house,
        a_mail(2, "Thanks!", at="2026-03-04T08:00"),
        a_mail(3, "I am away until 12 March.", at="2026-03-05T08:00", subject="Automatic reply", auto_submitted=True),
        a_mail(4, "It takes a bit longer, I'll send it on Tuesday instead.", at="2026-03-06T15:00"),
    )
    promise, again = await all_of(house)
    assert (again.state, again.quote) == ("dropped", "It takes a bit longer, I'll send it on Tuesday instead.")
    assert (promise.state, promise.away_until) == ("open", datetime(2026, 3, 13, 9, tzinfo=BERLIN))
    assert promise.due_at
    assert promise.due_at.astimezone(BERLIN).date().isoformat() == "2026-03-10"
    file = AttachedFile("0", "contract.pdf", "application/pdf", 10)
    await read(
        house,
        a_mail(9, "Here it is.", at="2026-03-09T11:00", thread="<9@x>", subject="Your contract", attachments=(file,)),
    )
    kept, _ = await all_of(house)
    assert (kept.state, kept.closed_because) == ("kept", "Dana Ortiz wrote on 9 March: “Here it is.”")


async def test_the_answer_may_be_read_before_the_promise(house: House) -> None:
    await read(house, a_mail(3, "Production says 14 March it is.", ROBIN, "2026-03-04T09:00"))
    await read(house, QUESTION, ANSWER)
    (promise,) = await all_of(house)
    assert promise.state == "kept"


async def test_a_person_closes_opens_and_moves(house: House) -> None:
    await read(house, a_mail(1, "I will send the contract on Friday."))
    (promise,) = await all_of(house)
    now = house.clock.now()
    dropped = await commitments.close_commitment(house.caller, promise.id, "dropped", "No longer needed", now)
    assert (dropped.state, dropped.closed_because) == ("dropped", "No longer needed")
    assert (
        await commitments.close_commitment(house.caller, promise.id, "dropped", "again", now)
    ).closed_because == "No longer needed"
    with pytest.raises(Conflict):
        await commitments.close_commitment(house.caller, promise.id, "kept", "", now)
    with pytest.raises(Conflict):
        await commitments.move_commitment(house.caller, promise.id, now)
    opened = await commitments.reopen_commitment(house.caller, promise.id, now)
    assert (opened.state, opened.closed_at, opened.reopened_at) == ("open", None, now)
    await read(house, a_mail(2, "The contract is attached to the portal.", at="2026-03-03T18:00"))
    assert (await commitments.get_commitment(house.caller, promise.id)).state == "open"  # it was written before
    moved = await commitments.move_commitment(house.caller, promise.id, now, due_is_all_day=False)
    assert (moved.due_at, moved.due_is_all_day) == (now, False)
    with pytest.raises(NotFound):
        await commitments.get_commitment(house.caller, opened.task_id or house.owner.user_id or promise.id)


async def test_an_owed_answer_is_asked_for_once_by_a_draft_in_its_thread(house: House) -> None:
    thanks = a_mail(9, "Thank you, Dana.", ROBIN, "2026-03-03T10:00")
    await read(house, a_mail(1, "I will send the contract on Friday.", subject="Contract"), thanks)
    late = datetime(2026, 3, 9, 14, tzinfo=BERLIN)
    assert (await watch_for(house.given, house.caller, late - timedelta(hours=2))).made == []
    (nudge,) = (await watch_for(house.given, house.caller, late)).made
    assert (nudge.kind, nudge.state, nudge.title) == ("unanswered", "told", "Remind Dana Ortiz: Contract")
    assert nudge.task_id
    async with working(Worker(house.database, house.equipment)):
        task = await until(house, nudge.task_id, lambda one: one.open_draft_id is not None)
    draft = await review.get_draft(house.caller, task.open_draft_id)  # pyright: ignore[reportArgumentType]
    assert (draft.to_recipients, draft.state, draft.target["in_reply_to"]) == ([DANA.address], "draft", "<1@x>")
    assert "you wrote “I will send the contract on Friday.” Could you tell me how it stands?" in draft.body
    assert (await watch_for(house.given, house.caller, late + timedelta(hours=1))).made == []
    await read(house, a_mail(2, "Here is the contract.", at="2026-03-09T15:00"))
    looked = await watch_for(house.given, house.caller, late + timedelta(hours=3))
    assert (looked.made, looked.settled) == ([], 1)
    assert (await functions.get_task(house.caller, nudge.task_id)).execution_status == "cancelled"


async def test_ones_own_promise_is_brought_up_and_kept_by_its_task(house: House) -> None:
    told = a_mail(1, "Dana, I'll send you the plan on Friday.", ROBIN, subject="Plan")
    await take_in(house.given, house.caller, "local", ME, [told])
    for task in (await functions.list_tasks(house.caller)).items:
        await functions.delete_task(house.caller, task.id)
    assert (await watch_for(house.given, house.caller, house.clock.now())).made == []
    (nudge,) = (await watch_for(house.given, house.caller, datetime(2026, 3, 6, 9, 5, tzinfo=BERLIN))).made
    assert (nudge.kind, nudge.title) == ("promise", "Keep your promise to Dana Ortiz: Send Dana the plan")
    assert nudge.task_id
    await functions.update_task(house.caller, nudge.task_id, {"execution_status": "completed"})
    (promise,) = await all_of(house)
    assert promise.state == "kept"


async def test_only_who_promised_settles_it_however_much_others_write(house: House) -> None:
    said = datetime(2026, 3, 2, 9, tzinfo=BERLIN)
    spoken = NewCommitment(
        is_mine=False, person_name="Dana Ortiz", quote="Dana sends the contract.", title="Send the contract", source_kind="notes",
        message_id="<notes@x>", thread_key="<notes@x>", said_at=said,
    )  # fmt: skip
    written = spoken.model_copy(
        update={"person_address": DANA.address, "source_kind": "mail", "message_id": "<w@x>", "thread_key": "<1@x>"}
    )
    kept = await commitments.record_commitments(house.caller, [spoken, written])
    by_name, by_address = sorted(kept, key=lambda one: one.person_address)
    here = "Here is the contract, as promised."
    false_dana = MailAddress("eve@evil.example", "Dana Ortiz")
    flood = [a_mail(n, here, false_dana, "2026-03-03T10:00", thread="<notes@x>") for n in range(100, 190)]
    flood += [a_mail(n, "Me too.", false_dana, "2026-03-03T10:00", thread="<1@x>") for n in range(200, 290)]
    await read(house, *flood)
    rows = await commitments.list_later_mail(house.caller, [by_name.id, by_address.id])
    assert (len(rows), {row["named_since"] for row in rows}) == (50, {None})
    assert {one.state for one in await all_of(house)} == {"open"}
    hers = a_mail(300, here, DANA, "2026-03-04T10:00", thread="<notes@x>")
    await read(house, hers, a_mail(304, here, DANA, "2026-03-04T10:00"))
    assert {one.id: one.state for one in await all_of(house)} == {by_name.id: "open", by_address.id: "kept"}
    earlier = [
        a_mail(301, "Hello.", DANA, "2026-02-20T10:00", thread="<e@x>"),
        a_mail(302, "Hello to you.", ROBIN, "2026-02-20T11:00", thread="<e@x>"),
    ]
    await read(house, *earlier, a_mail(303, here, DANA, "2026-03-04T11:00", thread="<notes@x>"))
    assert {one.state for one in await all_of(house)} == {"kept"}


async def test_a_colleague_whom_they_wrote_to_in_the_thread_may_keep_a_promise(house: House) -> None:
    omar, eve = MailAddress("omar@northwind.example", "Omar"), MailAddress("eve@evil.example", "Eve")
    await read(house, a_mail(1, "I will send the figures on Friday.", to=(ROBIN, omar), subject="Plan"))
    here = "Robin, here are the figures for Dana."
    await read(
        house,
        a_mail(2, here, eve, "2026-03-04T09:00"),
        a_mail(3, "I would like to see the figures as well.", omar, "2026-03-04T10:00"),
    )
    assert [one.state for one in await all_of(house)] == ["open"]
    await read(house, a_mail(4, here, omar, "2026-03-04T11:00"))
    (kept,) = await all_of(house)
    assert (kept.state, kept.closed_because) == ("kept", f"Omar wrote on 4 March: “{here}”")


async def test_what_was_sent_in_a_new_thread_is_not_asked_for(house: House) -> None:
    await read(house, a_mail(1, "Ich schicke Ihnen die Unterlagen bis Donnerstag.", subject="Umzug"))
    said = "Guten Tag,\n\nanbei wie versprochen die Unterlagen.\n\nViele Grüße\nDana"
    await read(house, a_mail(2, said, at="2026-03-05T11:00", thread="<2@x>", subject="Unterlagen"))
    assert [one.state for one in await all_of(house)] == ["kept"]
