"""What is done on a calendar. Whatever others see or are told of asks a person first; a private event of one's own does not.

A new event carries an id made of the task's, so that doing it again finds it there. A change is made to the version of the
event that the person was shown; an event that moved meanwhile is left alone.
"""

import asyncio
from typing import Any, cast

from agents.equipment import Run
from agents.services.calendar import Calendar
from agents.tools.calendar_shapes import (
    EventInput,
    EventOutput,
    PrivateEventInput,
    SeenEvent,
)
from agents.tools.calendar_wishes import (
    VERSION,
    Wanted,
    guests_of,
    in_words,
    own_event_id,
    show,
    show_private,
    wanted_of,
)
from agents.tools.tool import AnyTool, Done, Outcome, Tool
from core.outside.calendar import CalendarEvent, Notify
from core.outside.errors import Refused, StewardError, Temporary, Uncertain
from tasks import review
from tasks.actions import Action, Effect
from tasks.models import Evidence

LOOK_SECONDS = (0.0, 1.0, 3.0)


async def calendar_event(run: Run, given: EventInput) -> Outcome:
    """Do what the person said yes to, to the version of the event that they were shown."""
    approval = await review.get_act(run.caller, run.task.id)
    facts = dict(cast("list[tuple[str, Any]]", approval.payload.get("facts") or [])) if approval else {}
    if given.action == "cancel" and approval and not await (await run.reach(Calendar)).get_event(str(given.event_id)):
        what = "Not on the calendar any more"
        evidence = Evidence(kind="event", what=what, where=given.event_id, at=run.equipment.clock.now())
        return Done(_output(run, given, None), "verified", [evidence])
    wanted = await wanted_of(run, given, is_private=False)
    version = facts.get(VERSION)
    if wanted.before and version is not None and version != wanted.before.etag:
        if given.action != "cancel" and _holds(given, wanted, wanted.before):
            return await _seen(run, given, wanted)  # an earlier attempt had come through
        when = in_words(wanted.before.start, wanted.before.end, run.equipment.clock.timezone)
        raise Refused(
            f"“{wanted.before.title}” was changed after you said yes: it is now {when}",
            hint="Execute the task again to be asked anew.",
        )
    return await _do(run, given, wanted, given.notify)


async def event_action(run: Run, given: EventInput) -> Action:
    """Who gets to read what: attendees and organizer, the words that change. Without others it is one's own."""
    wanted = await wanted_of(run, given, is_private=False)
    others = list(guests_of(wanted))
    if wanted.before and wanted.before.organizer and not wanted.before.organizer.is_self:
        others.append(wanted.before.organizer.address)
    before = [guest.address for guest in wanted.before.others] if wanted.before else []
    told = list(dict.fromkeys(one for one in [*others, *before] if one))
    effect = Effect.DELETE if given.action == "cancel" else Effect.SEND if told else Effect.OWN_WRITE
    new = {one.casefold() for one in others} - {one.casefold() for one in before}
    told_words = _words(given, f"{_verb(given)}\n{given.comment}".strip())
    if new and wanted.before:  # who comes new reads all of it
        kept = [
            old
            for field in ("title", "description", "location")
            if not getattr(given, field) and (old := getattr(wanted.before, field))
        ]
        told_words = "\n".join([told_words, *kept]).strip()
    return Action("calendar_event", effect, told, body=told_words)


def _verb(given: EventInput) -> str:
    """What its receivers are told where nothing is said: that it is accepted, or at another time."""
    return given.answer or ("move" if given.action == "update" and given.start is not None else "")


async def private_event_action(run: Run, given: PrivateEventInput) -> Action:
    """Nobody else sees it; what is cancelled is gone."""
    effect = Effect.DELETE if given.action == "cancel" else Effect.OWN_WRITE
    return Action("private_event", effect, body=_words(given))


def _words(given: PrivateEventInput, comment: str = "") -> str:
    return "\n".join(part for part in (given.title, given.description, given.location, comment) if part)


async def private_event(run: Run, given: PrivateEventInput) -> Outcome:
    """Make, change or cancel an event that concerns nobody else."""
    return await _do(run, given, await wanted_of(run, given, is_private=True), "none")


async def _do(run: Run, given: PrivateEventInput, wanted: Wanted, notify: Notify) -> Outcome:
    calendar, etag = wanted.calendar, (wanted.before.etag or None) if wanted.before else None
    try:
        if wanted.new:
            await calendar.create_event(wanted.event_id, wanted.new, notify)
        elif wanted.change:
            await calendar.update_event(wanted.event_id, wanted.change, notify, etag)
        elif isinstance(given, EventInput) and given.answer:
            await calendar.respond(wanted.event_id, given.answer, given.comment, notify)
        else:
            await calendar.cancel_event(wanted.event_id, notify, etag)
    except Uncertain as broken:
        found = await _look_again(run, given, wanted)
        if not found:
            raise Temporary(f"{broken.message}; it did not take effect") from broken
    return await _seen(run, given, wanted)


async def _look_again(run: Run, given: PrivateEventInput, wanted: Wanted) -> bool:
    """After a line that broke: did it take effect? Raises Uncertain where the calendar stays out of reach."""
    for pause in LOOK_SECONDS:
        await asyncio.sleep(pause)
        try:
            return _holds(given, wanted, await wanted.calendar.get_event(wanted.event_id))
        except Temporary:
            continue
    raise Uncertain(f"The line to the {wanted.calendar.name} broke, and it cannot be looked up whether it took effect")


def _holds(given: PrivateEventInput, wanted: Wanted, event: CalendarEvent | None) -> bool:
    """Is the calendar as it was wanted?"""
    if given.action == "cancel":
        return event is None
    if event is None:
        return False
    if wanted.change:
        return wanted.change.holds_for(event)
    return event.own_answer == given.answer if isinstance(given, EventInput) and given.answer else True


async def _seen(run: Run, given: PrivateEventInput, wanted: Wanted) -> Done:
    """Done, with the event looked up on the calendar as evidence."""
    now = run.equipment.clock.now()
    try:
        event = await wanted.calendar.get_event(wanted.event_id)
    except StewardError as error:
        said = f"The {wanted.calendar.name} took it; looking it up failed: {error.message}"
        return Done(
            _output(run, given, None), "claimed", [Evidence(kind="event", what=said, where=wanted.event_id, at=now)]
        )
    where = (event.url or event.id) if event else wanted.event_id
    what = f"Found on the {wanted.calendar.name}" if event else f"Not on the {wanted.calendar.name} any more"
    is_so = _holds(given, wanted, event)
    return Done(
        _output(run, given, event),
        "verified" if is_so else "claimed",
        [Evidence(kind="event", what=what, where=where, at=now)],
    )


def _output(run: Run, given: PrivateEventInput, event: CalendarEvent | None) -> dict[str, Any]:
    seen = SeenEvent.of(event, run.equipment.clock.timezone) if event else None
    return EventOutput(action=given.action, event=seen).model_dump(mode="json")


async def find(run: Run, given: PrivateEventInput) -> Any | None:
    """The effect of an earlier run that broke off; None when it certainly did not happen."""
    calendar = await run.reach(Calendar)
    if given.action == "create":
        made = await calendar.get_event(own_event_id(run))
        return _output(run, given, made) if made else None
    event = await calendar.get_event(str(given.event_id))
    if given.action == "cancel" and event is None:
        return _output(run, given, None)
    if event is None:
        return None
    wanted = await wanted_of(run, given, is_private=False)
    return _output(run, given, wanted.before) if _holds(given, wanted, wanted.before) else None


ACTS: tuple[AnyTool, ...] = (
    Tool(
        "calendar_event",
        "Makes, changes or cancels an event with other people, or answers an invitation. A person says yes first to what "
        "is shown: attendees, the time in everybody's zone, clashes, who is written to. Use find_time before, and "
        "private_event for what concerns nobody else.",
        "act",
        calendar_event,
        EventInput,
        EventOutput,
        find=find,
        show=show,
        effect=Effect.SEND,
        action=event_action,
        capability="calendar",
        needs=(Calendar,),
        risk="medium",
        timeout_seconds=90.0,
    ),
    Tool(
        "private_event",
        "Makes, changes or cancels an event on the person's own calendar that has no other attendees: blocked time, a "
        "reminder, an appointment. Nobody is told. Refuses events with others.",
        "act",
        private_event,
        PrivateEventInput,
        EventOutput,
        find=find,
        show=show_private,
        effect=Effect.OWN_WRITE,
        action=private_event_action,
        is_own=True,
        capability="calendar",
        needs=(Calendar,),
        risk="low",
        timeout_seconds=90.0,
    ),
)
