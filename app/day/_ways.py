"""How long the way to an event is, where it is at a place."""

from collections.abc import Iterable

from agents.proactive.meetings import minutes_to, place_of
from agents.proactive.situation import Meeting, Situation
from agents.rules.mail_people import Owner
from app.house import House
from core.database import Caller
from core.outside.calendar import CalendarEvent, WorkingHours
from core.settings_attention import read_places
from tasks import capture, watches


async def ways_to(house: House, caller: Caller, events: Iterable[CalendarEvent], hours: WorkingHours) -> dict[str, int]:
    """Minutes on the way, by the event's id; of those alone that one has to go to."""
    settings = house.settings
    profile = await capture.get_profile(caller)
    own = {*await watches.list_own_addresses(caller), str(profile.get("email") or "").casefold()} - {""}
    situation = Situation(
        now=house.clock.now(),
        owner=Owner(tuple(sorted(own)), ()),
        hours=hours,
        travel_minutes=settings.travel_minutes,
        travel_places=read_places(settings.travel_places),
    )
    found: dict[str, int] = {}
    for event in events:
        if event.is_all_day or not event.location.strip():
            continue
        meeting = Meeting(
            calendar=event.calendar,
            uid=event.id,
            title=event.title,
            location=event.location,
            starts_at=event.begins(hours.zone),
            ends_at=event.finishes(hours.zone),
        )
        place = place_of(meeting, situation)
        if place and (minutes := minutes_to(place, situation)):
            found[event.id] = minutes
    return found
