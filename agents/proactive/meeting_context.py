"""What a task about a meeting is made from: the meeting, who comes, mail about it, notes of last time, tasks, promises. Pure."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from agents.proactive import gatherings
from agents.proactive.situation import EVERYBODYS_DOMAINS, Meeting, Person, SeenMail
from agents.rules.mail_people import Owner
from tasks.commitments import Commitment
from tasks.meetings import EventAround, MailOfMeeting, MeetingFacts
from tasks.models import Taint, Task

KINDS = {"agenda", "brief", "follow_up"}
QUOTE_BEGINS = re.compile(
    r"^(?:On\b.{4,200}\bwrote:|Am\b.{4,200}\bschrieb.{0,120}:|-{2,}\s*(?:Original|Forwarded|Ursprüngliche|Original\w*|Weitergeleitete)\b.*"
    r"|Begin forwarded message:|Anfang der weitergeleiteten Nachricht:|_{20,}|-- ?)\s*$",
    re.IGNORECASE | re.MULTILINE,
)
FRESH = timedelta(days=21)
MOST_MAILS = 12
LONGEST_MAIL = 4_000


@dataclass(frozen=True)
class Notes:
    """The notes of a meeting; `mail` they came in, None where they stand in the event."""

    text: str
    written_by: str
    at: datetime
    mail: SeenMail | None = None


@dataclass(frozen=True, kw_only=True)
class MeetingContext:
    """All that a run knows of a meeting. `people` are those who come besides the person; `guests` those from outside."""

    meeting: Meeting
    owner: Owner
    people: tuple[Person, ...] = ()
    guests: tuple[Person, ...] = ()
    mails: tuple[SeenMail, ...] = ()
    own_mails: frozenset[str] = frozenset()
    notes: Notes | None = None
    tasks: tuple[Task, ...] = ()
    around: tuple[EventAround, ...] = ()
    names: Mapping[str, str] = field(default_factory=dict[str, str])
    commitments: tuple[Commitment, ...] = ()
    earlier: str = ""
    is_own_event: bool = False
    taints: tuple[Taint, ...] = field(default=())

    @property
    def addresses(self) -> set[str]:
        """Whom a mail about it may go to."""
        return {one.address for one in self.people}

    @property
    def is_german(self) -> bool:
        """Do title, invitation, notes and mails speak German rather than English?"""
        from agents.rules.workflows.wording import is_german

        notes = self.notes.text if self.notes else ""
        return is_german(
            "\n".join(
                [self.meeting.title, gatherings.plain(self.meeting.description), notes, *(m.text for m in self.mails)]
            )
        )

    def saw(self, mail: SeenMail) -> bool:
        """Has everybody from outside who comes seen this mail? What others did not see is not passed on to them."""
        return {one.address for one in self.guests} <= gatherings.people_of(mail)

    def called(self, person: Person) -> str:
        """The fullest name that is known of somebody who comes."""
        return self.names.get(person.address) or person.called

    def _shown(self, person: Person) -> str:
        """What somebody calls themselves; where nothing else of others is read, only as far as the address says it."""
        from agents.rules.workflows.known_names import said_by_address

        return person.name if self.taints else said_by_address(person.name, person.address)

    def lines(self, fenced: Callable[[str], str]) -> Iterator[str]:
        """The facts in words for a model; what others wrote is fenced."""
        one = self.meeting
        yield f"Meeting: {fenced(one.title)}"
        yield f"From {one.starts_at.isoformat()} ({one.starts_at:%A}) to {one.ends_at.isoformat()}"
        yield "Who comes besides the sender, and nobody else may be written to:\n" + fenced(
            "\n".join(f"{self._shown(who)} <{who.address}>".strip() for who in self.people) or "nobody"
        )
        if one.description.strip():
            yield "Text of the invitation:\n" + fenced(gatherings.plain(one.description)[:LONGEST_MAIL])
        if self.notes is not None:
            yield f"Notes by {fenced(self.notes.written_by)}, {self.notes.at.date().isoformat()}:\n{fenced(self.notes.text[:LONGEST_MAIL])}"
        if self.earlier:
            yield "The agenda that was sent:\n" + fenced(self.earlier[:LONGEST_MAIL])
        for mail in self.mails:
            yield "Mail: " + fenced(
                f"From {mail.sender.name} <{mail.sender.address}>, {mail.sent_at.isoformat()}: {mail.subject}\n\n{mail.text}"
            )
        for task in self.tasks:
            due = f", due {task.due_at.date().isoformat()}" if task.due_at else ""
            yield "Open task: " + (task.title if is_own_task(task) else fenced(task.title)) + due
        for promise in self.commitments:
            who = "Promised by the sender" if promise.is_mine else "Promised to the sender"
            yield f"{who}, {promise.said_at.date().isoformat()}: {fenced(f'{promise.called}: {promise.quote}')}"


def context_of(
    facts: MeetingFacts, kind: str, now: datetime, promises: Sequence[Commitment] = ()
) -> MeetingContext | None:
    """What bears on a task of this kind, out of all that is known; None where the meeting is gone.

    An agenda reads mail and tasks that speak of the meeting, a brief
    those with people from outside, a follow-up the notes.
    """
    names = {one.from_name for one in facts.mails if one.is_from_me and one.from_name}
    owner = Owner(tuple(facts.own_addresses), tuple(sorted(names)))
    meeting = meeting_from(facts, owner, now)
    if meeting is None:
        return None
    people = gatherings.others(meeting, owner)
    outside = own_domains(owner)
    guests = [one for one in people if one.address.partition("@")[2] not in outside]
    mails = [_seen(one) for one in facts.mails]
    notes = _notes(kind, meeting, mails, owner, facts.notes_id)
    if kind == "brief":
        wanted = {one.address for one in guests}
        about = [mail for mail in mails if wanted & gatherings.people_of(mail)]
    elif kind == "agenda":
        about = [mail for mail in mails if gatherings.is_about(meeting.title, f"{mail.subject}\n{mail.text}")]
    else:
        about = []
    chosen = [mail for mail in about if not mail.suspicious and mail.category != "noise" and not _is_machine(mail)]
    chosen = [
        mail for mail in chosen if notes is None or notes.mail is None or mail.message_id != notes.mail.message_id
    ]
    tasks = [
        task
        for task in facts.tasks
        if kind == "follow_up" or _bears_on(task, meeting, guests if kind == "brief" else people)
    ]
    context = MeetingContext(
        meeting=meeting,
        owner=owner,
        people=tuple(people),
        guests=tuple(guests),
        mails=tuple(chosen[-MOST_MAILS:]),
        own_mails=frozenset(one.message_id for one in facts.mails if one.is_own),
        notes=notes,
        tasks=tuple(tasks[-200:]),
        around=tuple(facts.around),
        names=_known_names(people, mails),
        commitments=tuple(one for one in promises if one.person_address in {p.address for p in people}),
        earlier=facts.earlier or "",
        is_own_event=facts.is_own_event,
    )
    return _tainted(context)


def meeting_from(facts: MeetingFacts, owner: Owner, now: datetime) -> Meeting | None:
    """The occurrence that a task is about, as it stands now: a changed one before its series, where its rule had it."""
    entries = [one for one in facts.entries if one.status != "cancelled"]
    if not entries:
        return None
    entry = next((one for one in entries if one.recurrence_id), entries[0])
    is_series = bool(entry.recurrence or entry.added_starts)
    starts_at = facts.event.starts_at if is_series and facts.event.starts_at else entry.starts_at
    people = tuple(
        Person(
            str(one.get("address", "")).casefold(),
            str(one.get("name", "")),
            str(one.get("partstat", "")).replace("_", "-"),
        )
        for one in entry.attendees
        if one.get("address")
    )
    names = {one.address: one.name for one in people}
    organizer = entry.organizer.casefold()
    return Meeting(
        calendar=entry.calendar,
        uid=entry.uid,
        recurrence_id=facts.event.recurrence_id,
        title=entry.title,
        description=entry.description,
        location=entry.location,
        url=entry.url,
        starts_at=starts_at.astimezone(now.tzinfo),
        ends_at=(starts_at + (entry.ends_at - entry.starts_at)).astimezone(now.tzinfo),
        is_all_day=entry.is_all_day,
        is_recurring=is_series or bool(facts.event.recurrence_id),
        status=entry.status,
        organizer=Person(organizer, names.get(organizer, "")) if organizer else None,
        people=tuple(one for one in people if not owner.is_me(one.address)),
    )


def _known_names(people: Sequence[Person], mails: Sequence[SeenMail]) -> dict[str, str]:
    """What the people are called: the fuller of invitation and mail, "Dana Ortiz" before "Dana"."""
    found = {one.address: one.name for one in people}
    for mail in mails:
        if mail.sender.address in found and len(mail.sender.name) > len(found[mail.sender.address]):
            found[mail.sender.address] = mail.sender.name
    return found


def own_domains(owner: Owner) -> frozenset[str]:
    """Domains of the person's addresses, but those where anybody has one."""
    return frozenset(one.partition("@")[2] for one in owner.addresses) - EVERYBODYS_DOMAINS


def fresh_part(text: str) -> str:
    """What is new in a mail: neither quoted lines nor what stands below the words that begin a quotation."""
    begins = QUOTE_BEGINS.search(text)
    kept = text[: begins.start()] if begins else text
    return "\n".join(line for line in kept.splitlines() if not line.lstrip().startswith(">")).strip()


def _seen(mail: MailOfMeeting) -> SeenMail:
    return SeenMail(
        message_id=mail.message_id,
        thread_key=mail.thread_key,
        account=mail.account,
        sender=Person(mail.from_address.casefold(), mail.from_name),
        to=tuple(Person(one.casefold()) for one in mail.to_addresses),
        cc=tuple(Person(one.casefold()) for one in mail.cc_addresses),
        subject=mail.subject,
        text=fresh_part(mail.text_body)[:LONGEST_MAIL],
        sent_at=mail.sent_at,
        is_from_me=mail.is_from_me,
        category=mail.category,
        suspicious=mail.suspicious,
        auto_submitted=mail.auto_submitted or "",
    )


def _is_machine(mail: SeenMail) -> bool:
    """Written by a calendar or another machine: "Accepted: ..."."""
    is_answer = re.match(
        r"^(?:accepted|declined|tentative(?:ly accepted)?|invitation|updated invitation|cancell?ed(?: event)?|zugesagt|abgesagt|einladung|mit vorbehalt)\s*:",
        mail.subject,
        re.IGNORECASE,
    )
    return is_answer is not None or gatherings.is_by_machine(mail)


def _notes(kind: str, meeting: Meeting, mails: Sequence[SeenMail], owner: Owner, notes_id: str | None) -> Notes | None:
    """The notes to follow up; for what is to come, those of the last time that had this title, of the last five weeks."""
    if kind == "follow_up":
        mail = next((one for one in mails if one.message_id == notes_id), None)
        if mail is not None:
            return Notes(mail.text, mail.sender.called, mail.sent_at, mail)
        is_there = gatherings.holds_notes(meeting.description)
        return Notes(gatherings.plain(meeting.description), "the event", meeting.ends_at) if is_there else None
    addresses = {one.address for one in gatherings.others(meeting, owner)}
    for mail in reversed(mails):
        is_theirs = mail.is_from_me or mail.sender.address in addresses
        is_before = meeting.starts_at - timedelta(days=35) < mail.sent_at < meeting.starts_at
        text = f"{mail.subject}\n{mail.text[:300]}"
        if is_theirs and is_before and gatherings.is_notes(mail) and gatherings.is_about(meeting.title, text):
            return Notes(mail.text, mail.sender.called, mail.sent_at, mail)
    return None


def _bears_on(task: Task, meeting: Meeting, people: Sequence[Person]) -> bool:
    """Does an open task speak of the meeting, or of somebody who comes: by name, or as the mail it came from?"""
    text = f"{task.title}\n{task.description[:2000]}"
    if gatherings.is_about(meeting.title, text):
        return True
    named = {str(task.source_ref.get("from", "")).casefold(), (task.recipient or "").casefold()}
    if named & {one.address for one in people}:
        return True
    return any(_is_named(one, task.title) for one in people)


def _is_named(person: Person, text: str) -> bool:
    first = person.name.split()[0] if person.name.split() else ""
    return len(first) > 2 and re.search(rf"(?<!\w){re.escape(first)}(?!\w)", text) is not None


def is_own_task(task: Task) -> bool:
    """Is it in the person's own words: nothing of others came into it, and no program or agent made it?"""
    return not task.tainted_by and not {"by_program", "agent_id"} & task.source_ref.keys()


def _tainted(context: MeetingContext) -> MeetingContext:
    """The context with what of it others wrote, as the task that reads it is tainted."""
    found = [
        Taint(kind="mail", ref=mail.message_id, title=mail.subject[:200])
        for mail in context.mails
        if mail.message_id not in context.own_mails
    ]
    if not context.is_own_event:  # as it stands now: it may have been opened to guests since it was found
        found.append(Taint(kind="event", ref=context.meeting.key, title=context.meeting.title[:200]))
    if (
        context.notes is not None
        and context.notes.mail is not None
        and context.notes.mail.message_id not in context.own_mails
    ):
        found.append(Taint(kind="mail", ref=context.notes.mail.message_id, title=context.notes.mail.subject[:200]))
    found += [
        Taint(kind="task", ref=str(task.id), title=task.title[:200]) for task in context.tasks if not is_own_task(task)
    ]
    found += [
        Taint(kind="mail", ref=one.message_id or str(one.id), title=one.called[:200])
        for one in context.commitments
        if one.message_id is None or one.message_id not in context.own_mails
    ]
    if context.earlier:
        found.append(Taint(kind="result", ref=context.meeting.key, title="The agenda that was sent"))
    return replace(context, taints=tuple(found[:45]))
