"""Situations for tests of the rules: a Wednesday morning of Robin's, with meetings and mails."""

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from agents.proactive.situation import Meeting, Person, SeenMail, Situation
from agents.rules.mail_people import Owner
from core.outside.calendar import WorkingHours

BERLIN = ZoneInfo("Europe/Berlin")
NOW = datetime(2026, 3, 4, 9, 30, tzinfo=BERLIN)
ROBIN = Person("robin@vega.example", "Robin")
PRIYA = Person("priya@vega.example", "Priya")
OMAR = Person("omar@vega.example", "Omar")
DANA = Person("dana@northwind.example", "Dana")
OWNER = Owner(("robin@vega.example",), ("Robin Vega",))


def at(day: int, clock: str = "14:00") -> datetime:
    """A moment of March 2026 in Berlin."""
    hour, minute = clock.split(":")
    return datetime(2026, 3, day, int(hour), int(minute), tzinfo=BERLIN)


def meeting(
    title: str = "Quarterly review", starts_at: datetime | None = None, minutes: int = 60, **more: Any
) -> Meeting:
    """One of Robin's, tomorrow at two with Priya and Dana where nothing else is said."""
    start = starts_at or at(5)
    given: dict[str, Any] = {"calendar": "local", "uid": title, "organizer": ROBIN, "people": (PRIYA, DANA), **more}
    return Meeting(title=title, starts_at=start, ends_at=start + timedelta(minutes=minutes), **given)


def mail(text: str = "", sent_at: datetime | None = None, sender: Person = PRIYA, **more: Any) -> SeenMail:
    """One from Priya to Robin."""
    given: dict[str, Any] = {
        "message_id": "<a@x>", "thread_key": "<a@x>", "account": "import", "to": (ROBIN,), "is_from_me": sender == ROBIN, **more,
    }  # fmt: skip
    return SeenMail(sender=sender, text=text, sent_at=sent_at or at(3), **given)


def situation(*meetings: Meeting, now: datetime = NOW, **more: Any) -> Situation:
    """What the rules look at."""
    given: dict[str, Any] = {"owner": OWNER, "hours": WorkingHours("Europe/Berlin"), **more}
    return Situation(now=now, meetings=meetings, **given)
