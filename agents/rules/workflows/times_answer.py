"""The answer to a mail that proposes times: one that is free is accepted, else others are proposed. Nothing is booked."""

from datetime import datetime

from agents.rules.free_times import OfferedTimes
from agents.rules.workflows.wording import DAYS_DE, DAYS_EN, MONTHS_DE, MONTHS_EN, zone_name


def answer_times(times: OfferedTimes, *, german: bool) -> tuple[list[str], str] | None:
    """The paragraphs of the answer, and a sentence on what it rests on; None where nothing at all is free."""
    clock = _clock(times.clock, german)
    if times.free and not times.is_wide:
        said = say_slot(times.free[0], german=german)
        paragraph = f"{said} passt mir gut{clock}." if german else f"{said} works for me{clock}."
        others = f"; of {times.proposed} proposed times {len(times.free)} are free" if times.proposed > 1 else ""
        return [paragraph], f"Accepts a time that is free on your calendar{others}. Nothing is booked"
    slots = times.free or times.instead
    if not slots:
        return None
    listed = "".join(f"\n- {say_slot(at, german=german)}" for at in slots)
    return [_offer(times, german, clock) + listed], "Proposes times that are free on your calendar. Nothing is booked"


def say_slot(at: datetime, *, german: bool) -> str:
    """A time in few words: "Tuesday 10 March at 15:00", "Dienstag, 10. März um 15:00 Uhr"."""
    if german:
        return f"{DAYS_DE[at.weekday()]}, {at.day}. {MONTHS_DE[at.month - 1]} um {at:%H:%M} Uhr"
    return f"{DAYS_EN[at.weekday()]} {at.day} {MONTHS_EN[at.month - 1]} at {at:%H:%M}"


def clock_of(at: datetime, *, german: bool) -> str:
    """By which clock a time is meant, in brackets: " (Berlin time)"; empty where that has no name."""
    key = zone_name(at)
    return _clock(f"{key.rpartition('/')[2].replace('_', ' ')} time" if key else "", german)


def _offer(times: OfferedTimes, german: bool, clock: str) -> str:
    one = len(times.free or times.instead) == 1
    if times.free or not times.proposed:
        if german:
            return f"{'diese Zeit würde' if one else 'diese Zeiten würden'} mir gut passen{clock}:"
        return f"{'This time would' if one else 'These times would'} suit me{clock}:"
    if german:
        which = "eine andere Zeit" if one else "eine dieser Zeiten"
        if times.names_days:
            return f"an den vorgeschlagenen Tagen ist bei mir leider nichts frei. Würde {which} passen{clock}?"
        more = ", und an diesen Tagen ist sonst nichts frei" if times.days_full else ""
        return f"zu den vorgeschlagenen Zeiten kann ich leider nicht{more}. Würde {which} passen{clock}?"
    which = "this time" if one else "one of these times"
    if times.names_days:
        return f"I am afraid nothing is free for me on the days you propose. Would {which} suit you instead{clock}?"
    more = ", and nothing else is free on those days" if times.days_full else ""
    return f"I am afraid the times you propose do not work for me{more}. Would {which} suit you instead{clock}?"


def _clock(clock: str, german: bool) -> str:
    if not clock:
        return ""
    if german and clock.endswith(" time"):
        return f" (Ortszeit {clock.removesuffix(' time')})"
    return f" ({clock})"
