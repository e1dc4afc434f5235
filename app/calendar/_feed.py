"""Feed links and what stands in a feed."""

import hashlib
import secrets
from datetime import timedelta
from zoneinfo import ZoneInfo

from fastapi import Request

from app.seen import house_of
from core.database import Caller
from core.outside.calendar import DAY, CalendarEvent
from tasks import calendar
from tasks.models import Task

SHORTEST = timedelta(minutes=15)
LONGEST = timedelta(hours=8)


async def new_feed_link(request: Request, caller: Caller) -> str:
    """A fresh link to the caller's feed; the one before stops working. Only its hash is kept."""
    token = secrets.token_urlsafe(32)
    await calendar.renew_calendar_feed(caller, token_hash(token))
    return f"{base_url(request)}/api/calendar/feed?token={token}"


def token_hash(token: str) -> str:
    """What is kept of a token."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def base_url(request: Request) -> str:
    """Where this installation is reached, without a slash at the end."""
    return str(house_of(request).settings.public_url or request.base_url).rstrip("/")


def due_event(task: Task, zone: ZoneInfo, base: str) -> CalendarEvent:
    """A due task as an event that takes nobody's time: all day, or from its time on as long as it is thought to take."""
    if task.due_at is None:
        raise ValueError("a task without a date is on no calendar")
    at = task.due_at.astimezone(zone)
    length = min(max(timedelta(minutes=task.estimated_duration_minutes or 0), SHORTEST), LONGEST)
    return CalendarEvent(
        id=f"{task.id}@steward",
        title=task.title,
        start=at.date() if task.due_is_all_day else at,
        end=at.date() + DAY if task.due_is_all_day else at + length,
        timezone=zone.key,
        description=task.description[:2000],
        is_busy=False,
        url=f"{base}/tasks/{task.id}",
    )
