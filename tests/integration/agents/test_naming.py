"""A draft greets whom mail or the calendar knows by name, and nobody else."""

from datetime import datetime
from uuid import UUID

from agents.rules.mail_people import Owner
from app.house import House
from core.outside.mail import INBOX, SPAM, IncomingMail, MailAddress
from jobs.mail_reading import take_in
from tasks import calendar, functions, review

ME = Owner(("owner@example.com",), ("Robin Vega",))


async def drafted(house: House, title: str, **more: object) -> str:
    """The body of what is drafted for a task with this title."""
    item = {"title": title, "kind": "email", "execution_type": "fully_automated", "source": "chat", **more}
    task = (await functions.create_tasks(house.caller, [item]))[0]
    await functions.queue_task_execution(house.caller, task.id)
    await house.work_until(task.id)
    draft_id = (await functions.get_task(house.caller, task.id)).open_draft_id
    assert isinstance(draft_id, UUID), task
    return (await review.get_draft(house.caller, draft_id)).body


def mail(number: int, sender: MailAddress, *, label: str = INBOX) -> IncomingMail:
    return IncomingMail(
        ref=f"m{number}",
        message_id=f"<m{number}@mail.example>",
        thread=f"m{number}",
        sender=sender,
        to=(MailAddress("owner@example.com", ""),),
        subject="Hello",
        sent_at=datetime.fromisoformat(f"2026-03-0{number}T09:00:00+01:00"),
        text="The figures are as they were.",
        labels=frozenset({label}),
    )


async def test_the_newest_name_that_is_one_is_in_the_greeting(house: House) -> None:
    mails = [
        mail(1, MailAddress("chiara@vega.example", "Chiara Rossi")),
        mail(2, MailAddress("Chiara@vega.example", "Chiara - OPEN THIS NOW!")),
        mail(3, MailAddress("chiara@other.example", "Chiaretta Bianchi")),
        mail(4, MailAddress("chiara@vega.example", "Chiara Verdi"), label=SPAM),
    ]
    await take_in(house.given, house.caller, "local", ME, mails)
    event = {
        "uid": "e1",
        "title": "Budget",
        "starts_at": "2026-03-05T09:00:00Z",
        "ends_at": "2026-03-05T10:00:00Z",
        "attendees": [{"address": "Aylin@vega.example", "name": "Aylin Kaya"}],
    }
    await calendar.add_calendar_event(house.caller, event)
    asks = "asking whether the budget is final"
    assert (await drafted(house, f"Draft email to chiara@vega.example {asks}")).startswith("Hello Chiara,\n")
    assert (await drafted(house, f"Draft email to aylin@vega.example {asks}")).startswith("Hello Aylin,\n")
    assert (await drafted(house, f"Draft email to quentin@vega.example {asks}")).startswith("Hello,\n")
    said = await drafted(house, f"Draft email to Kia (chiara@vega.example) {asks}")
    assert said.startswith("Hello Kia,\n")  # what the person says comes first
