"""The answer to a mail that proposes times, with the rules alone, in a house with its calendar."""

from pathlib import Path

from app.house import House
from cli.importing import mail_row, mail_task
from integrations.mail.mbox import read_mbox
from tasks import calendar, capture, functions, review
from tasks.drafts import Draft
from tasks.models import ExtractedTask
from tests.integration.agents.growing import at_work, is_state, until

SAMPLES = Path(__file__).parents[2] / "data/samples"
FOUND = ExtractedTask.model_validate(
    {"title": "Answer Sam Lee: Intro call", "kind": "reply", "execution_type": "semi_automated", "confidence": 0.9}
)


async def answered(house: House) -> Draft:
    """What is drafted for the sample mail in which Sam proposes two times."""
    mail = next(one for one in read_mbox(SAMPLES / "inbox.mbox") if "m09" in one.message_id)
    row = mail_row(mail, "robin@vega.example", category="needs_reply", suspicious=None)
    (task,) = (await capture.import_mail(house.caller, [row], [mail_task(FOUND, mail, 0)])).tasks
    async with at_work(house):
        await functions.queue_task_execution(house.caller, task.id)
        await until(house, task.id, is_state("blocked", "completed", "failed"))
    (draft,) = (await review.list_drafts(house.caller)).items
    return draft


async def take(house: House, uid: str, start: str, end: str) -> None:
    row = {"uid": uid, "title": uid, "starts_at": start, "ends_at": end, "timezone": "Europe/Berlin"}
    await calendar.add_calendar_event(house.caller, row)


async def test_a_free_time_is_accepted(house: House) -> None:
    draft = await answered(house)
    assert draft.to_recipients == ["sam@acme.example"]
    assert "Tuesday 10 March at 15:00 works for me (Berlin time)." in draft.body


async def test_where_none_is_free_the_next_free_ones_are_proposed(house: House) -> None:
    await take(house, "one", "2026-03-10T15:15:00+01:00", "2026-03-10T16:00:00+01:00")
    await take(house, "two", "2026-03-11T09:00:00+01:00", "2026-03-11T12:00:00+01:00")
    body = (await answered(house)).body
    assert "do not work for me" in body
    assert body.count("\n- ") == 3
    assert "- Tuesday 10 March at 09:00" in body  # on the days that were asked for
