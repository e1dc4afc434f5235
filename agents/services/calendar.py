"""The calendar that tools need: one person's own, and when others are busy."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from core.outside.calendar import Answer, CalendarEvent, EventChange, NewEvent, Notify, PersonBusy, WorkingHours


class Calendar(Protocol):
    """A person's calendar.

    An event's id names a single event, a whole series, or (as `list_events` gives them) one occurrence of a series;
    what is done to an id is done to exactly that. Reads raise SignInExpired, Refused, Temporary or Malformed; writes
    SignInExpired, Refused, Temporary (certainly not done) or Uncertain (perhaps done).
    """

    @property
    def name(self) -> str:
        """What it is called, for people: "local calendar", "Google Calendar of ana@example.com"."""
        ...

    @property
    def address(self) -> str:
        """The address of its person, in lower case."""
        ...

    @property
    def invites(self) -> bool:
        """Does it send invitations to attendees?"""
        ...

    async def list_events(self, start: datetime, end: datetime) -> Sequence[CalendarEvent]:
        """What touches [start, end), occurrences of series one by one, in order; nothing cancelled."""
        ...

    async def get_event(self, event_id: str) -> CalendarEvent | None:
        """The event as it stands; None when there is none, or it was cancelled."""
        ...

    async def free_busy(self, addresses: Sequence[str], start: datetime, end: datetime) -> Sequence[PersonBusy]:
        """When each person is busy within [start, end), in the order asked for."""
        ...

    async def working_hours(self) -> WorkingHours:
        """When the person of this calendar works."""
        ...

    async def create_event(self, event_id: str, wanted: NewEvent, notify: Notify) -> CalendarEvent:
        """Make an event under an id of our own (a-v and 0-9, 5 to 1,024 characters).

        The same id a second time answers the event that is there; Refused when it was cancelled since.
        """
        ...

    async def update_event(
        self, event_id: str, change: EventChange, notify: Notify, etag: str | None = None
    ) -> CalendarEvent:
        """Change an event. Refused when there is none, or it is not the version of `etag` any more."""
        ...

    async def cancel_event(self, event_id: str, notify: Notify, etag: str | None = None) -> None:
        """Remove an event, a series, or one occurrence; one that is gone already is done."""
        ...

    async def respond(self, event_id: str, answer: Answer, comment: str, notify: Notify) -> CalendarEvent:
        """Answer an invitation. Refused when its person is not invited."""
        ...
