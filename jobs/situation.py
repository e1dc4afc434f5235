"""What the rules ahead of being asked look at, gathered for a person out of what lies in the database."""

import asyncio
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from uuid import UUID

from agents.proactive.situation import LOOK_AHEAD, LOOK_BACK, Meeting, Person, SeenMail, Situation
from agents.rules.mail_people import Owner
from core.database import Caller
from core.settings import LOCAL_ADDRESS
from core.settings_attention import read_places
from jobs.outside.world import Given
from tasks import accounts, calendar, capture, commitments, organizations, watches
from tasks.commitments import CommitmentFilter
from tasks.nudges import Finding
from tasks.watches import WatchedMail

if TYPE_CHECKING:
    from integrations.calendar.recurrence import Occurrence

MAIL_LOOK_BACK = timedelta(days=21)
NOT_AUTOMATIC = frozenset({None, "", "no", "false"})  # as headers say it, or as it was read from them


@dataclass(frozen=True)
class Share:
    """What a member's look is about, where there are several: their own mail and calendars, and of the first owner what is shared.

    `others`: the other members; `own`: names of the places that are theirs alone. Where they are alone, all is theirs.
    """

    me: UUID | None = None
    is_lead: bool = True
    others: frozenset[UUID] = frozenset()
    own: frozenset[str] = frozenset()

    def has(self, place: str) -> bool:
        """Is it looked at for them what lies in this calendar, or in the mail of this account?"""
        return self.is_lead or place in self.own

    def has_of(self, user_id: UUID | None) -> bool:
        """Is it looked at for them what was found for this person? What is nobody's any more is the first owner's."""
        return (self.is_lead and user_id not in self.others) or (user_id is not None and user_id == self.me)


async def share_of(person: Caller) -> Share:
    """The caller's, in the organization that they act in."""
    here = next((one for one in await organizations.list_organizations(person) if one.is_chosen), None)
    members = [] if here is None or here.is_personal else await organizations.list_members(person, here.id)
    if len(members) < 2:
        return Share()
    lead = min((one for one in members if one.role == "owner"), key=lambda one: (one.joined_at, str(one.user_id)))
    known = await accounts.list_accounts(person)
    return Share(
        me=person.identity.user_id,
        is_lead=lead.is_you,
        others=frozenset(one.user_id for one in members if not one.is_you),
        own=frozenset(name for one in known for name in (one.mail_name, f"{one.provider}:{one.id}")),
    )


def to_oneself(finding: Finding, situation: Situation, share: Share) -> Finding:
    """Tasks are seen by every member: of what is in a place of one's own alone, none is made, and it is only told."""
    if not share.others or finding.task is None:
        return finding
    meetings = [one for one in situation.meetings if one.calendar in share.own]
    mails = [one for one in situation.mails if one.account in share.own]
    alone = {
        *share.own,
        *(one.uid for one in meetings),
        *(name for one in mails for name in (one.message_id, one.thread_key)),
    }
    said = f"{finding.source_ref} {finding.thread_key}"
    is_mixed = finding.kind == "conflict" and bool(meetings)  # it is about more than it names
    if not is_mixed and not any(name and name in said for name in alone):
        return finding
    return finding.model_copy(update={"task": None, "executes": False})


async def situation_of(given: Given, person: Caller, now: datetime, share: Share | None = None) -> Situation:
    """The calendar, mail, promises and tasks of a person around this moment, which is in their zone; their share of what there is."""
    share = share or await share_of(person)
    known = await watches.list_watched_mail(person, now - MAIL_LOOK_BACK, now)
    owner = await _owner(person, known)
    connected = await _connected(person)
    known = [one for one in known if share.has(one.account)]
    promised = await commitments.all_commitments(person, CommitmentFilter(state="open", person=None))
    return Situation(
        now=now,
        owner=owner,
        hours=given.clock.hours,
        travel_minutes=given.settings.travel_minutes,
        travel_places=read_places(given.settings.travel_places),
        meetings=[one for one in await _meetings(person, owner, now) if share.has(one.calendar)],
        mails=await asyncio.to_thread(lambda: [_seen(one, connected.get(one.account)) for one in known]),
        commitments=[one for one in promised if share.has_of(one.user_id)],
        tasks=await watches.list_watched_tasks(person, now - LOOK_BACK),
    )


async def _connected(person: Caller) -> dict[str, str]:
    """Mail accounts that are connected: their ids by the name of their mail."""
    known = await accounts.list_accounts(person)
    return {
        one.mail_name: str(one.id)
        for one in known
        if one.state == "connected" and one.provider in accounts.MAIL_PROVIDERS
    }


async def _owner(person: Caller, known: list[WatchedMail]) -> Owner:
    profile = await capture.get_profile(person)
    own = {*await watches.list_own_addresses(person), str(profile.get("email") or "").casefold()}
    own -= {"", LOCAL_ADDRESS}
    names = {one.from_name for one in known if one.from_address.casefold() in own and one.from_name}
    names |= {str(profile.get("name") or "")} - {""}
    return Owner(tuple(sorted(own)), tuple(sorted(names)))


async def _meetings(person: Caller, owner: Owner, now: datetime) -> list[Meeting]:
    from integrations.calendar.ics import CalendarEntry
    from integrations.calendar.recurrence import all_occurrences

    begin, end = now - LOOK_BACK, now + LOOK_AHEAD
    found: list[Meeting] = []
    stored = await calendar.list_calendar(person, end, begin)
    for name in dict.fromkeys(event.calendar for event in stored):
        entries = [
            CalendarEntry.model_validate(event.model_dump(include=set(CalendarEntry.model_fields)))
            for event in stored
            if event.calendar == name
        ]
        touching = await asyncio.to_thread(all_occurrences, entries, begin, end)
        found += [meeting_of(one, name, owner, now) for one in touching]
    return sorted(found, key=lambda meeting: (meeting.starts_at, meeting.key))


def meeting_of(occurrence: "Occurrence", calendar_name: str, owner: Owner, now: datetime) -> Meeting:
    """An occurrence as the rules see it. The organizer counts among `people` only where they are invited, too."""
    entry = occurrence.entry
    people = [Person(one.address.casefold(), one.name, _answer(one.partstat)) for one in entry.attendees if one.address]
    names = {one.address: one.name for one in people}
    organizer = entry.organizer.casefold()
    is_series = bool(entry.recurrence or entry.added_starts)
    return Meeting(
        calendar=calendar_name,
        uid=entry.uid,
        recurrence_id=entry.recurrence_id or (occurrence.starts_at.isoformat() if is_series else ""),
        title=entry.title,
        description=entry.description,
        location=entry.location,
        url=entry.url,
        starts_at=occurrence.starts_at.astimezone(now.tzinfo),
        ends_at=occurrence.ends_at.astimezone(now.tzinfo),
        is_all_day=entry.is_all_day,
        is_recurring=is_series or bool(entry.recurrence_id),
        is_busy=entry.is_busy,
        is_private=entry.is_private,
        status=entry.status,
        organizer=Person(organizer, names.get(organizer, "")) if organizer else None,
        people=tuple(one for one in people if not owner.is_me(one.address)),
        own_answer=next((one.answer for one in people if owner.is_me(one.address)), ""),
    )


def _answer(partstat: str) -> str:
    return partstat.casefold().replace("_", "-")


def _seen(mail: WatchedMail, account_id: str | None) -> SeenMail:
    from integrations.mail.quotes import split_quoted

    new, _ = split_quoted(mail.text_body)
    return SeenMail(
        message_id=mail.message_id,
        thread_key=mail.thread_key,
        account=mail.account,
        account_id=account_id,
        sender=Person(mail.from_address.casefold(), mail.from_name),
        to=tuple(Person(address.casefold()) for address in mail.to_addresses),
        cc=tuple(Person(address.casefold()) for address in mail.cc_addresses),
        subject=mail.subject,
        text=new,
        sent_at=mail.sent_at,
        is_from_me=mail.is_from_me,
        category=mail.category,
        suspicious=mail.suspicious,
        auto_submitted="" if mail.auto_submitted in NOT_AUTOMATIC else str(mail.auto_submitted),
    )
