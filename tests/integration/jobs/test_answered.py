"""What the person answered themselves is done: its draft goes nowhere, and nothing is written again."""

from datetime import datetime, timedelta

from app.house import House
from core.outside.mail import MailAddress
from jobs.answered import close_answered
from jobs.watching import watch_for
from tasks import commitments, functions, review
from tasks.commitments import CommitmentFilter
from tasks.models import Task
from tests.integration.jobs.test_promises import ANSWER, BERLIN, DANA, QUESTION, ROBIN, a_mail, read


async def only(house: House) -> Task:
    (task,) = (await functions.list_tasks(house.caller)).items
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
