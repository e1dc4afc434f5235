"""The command import: mailboxes, mails, calendars and tables become mail, events and tasks. Twice is once."""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from zoneinfo import ZoneInfo

import typer
from rich.progress import Progress

from cli import rendering
from cli.door import DoorCommand, JsonOption, in_house
from cli.importing import ImportFile, collect_files, mail_row, mail_task, most_addressed
from cli.output import Output, one_line
from core.settings import LOCAL_ADDRESS
from tasks import capture, commitments, functions
from tasks.models import Task
from tasks.nudges import Nudge

if TYPE_CHECKING:
    from agents.rules.mail_records import CalendarSlot, TriagedMail
    from app.house import House
    from integrations.calendar.ics import CalendarEntry
    from integrations.mail.parse import MailMessage
    from integrations.tabular.csv_tasks import CsvTask

MESSAGES_A_CALL = 500
CALENDAR_PAST = timedelta(days=400)
CALENDAR_AHEAD = timedelta(days=800)
EVER = (datetime(9997, 1, 1, tzinfo=UTC), datetime(1900, 1, 1, tzinfo=UTC))
LOOK_BACK, LOOK_AHEAD = timedelta(days=7), timedelta(days=60)


@dataclass
class ImportReport:
    """What an import did, or would do."""

    files: int = 0
    messages_read: int = 0
    messages_added: int = 0
    events: int = 0
    events_added: int = 0
    events_changed: int = 0
    me: str | None = None
    tasks: list[Task] = field(default_factory=list[Task])
    found: list[str] = field(default_factory=list[str])
    suspicious: list[dict[str, str]] = field(default_factory=list[dict[str, str]])
    nudges: list[Nudge] = field(default_factory=list[Nudge])

    def as_json(self, *, dry_run: bool) -> dict[str, Any]:
        return {**self.__dict__, "dry_run": dry_run}


@dataclass(frozen=True)
class Read:
    """Everything that the files hold, before anything is kept."""

    messages: list["MailMessage"]
    entries: list["CalendarEntry"]
    rows: list[dict[str, Any]]


def register(app: typer.Typer) -> None:
    """Put this command on the command line."""
    app.command("import", cls=DoorCommand, rich_help_panel="Take in")(import_command)


def import_command(
    files: Annotated[
        list[Path],
        typer.Argument(metavar="FILE...", help="Files or folders: .mbox, .eml, .ics, .csv.", show_default=False),
    ],
    me: Annotated[
        str | None,
        typer.Option(
            "--me",
            metavar="ADDRESS",
            help="Whose mailbox it is; else STEWARD_OWNER_EMAIL, else the address most mail is to.",
        ),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be found.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Take in mail, a calendar or a table of tasks; tasks in the mail are found.

    [dim]steward import inbox.mbox calendar.ics[/dim]

    What is known already is passed over. A mail that tries to command the assistant is flagged and obeyed in nothing.
    """
    out = Output(as_json)

    async def action(house: "House") -> None:
        read = _read(collect_files(files), house, out)
        report = ImportReport(files=len(files), messages_read=len(read.messages), events=len(read.entries))
        if read.entries:
            report.events_added, report.events_changed = await _news(house, read.entries)
        if read.entries and not dry_run:
            report.events = await capture.import_calendar(house.caller, [_event_row(entry) for entry in read.entries])
        if read.messages:
            await _take_mail(house, read, report, me, dry_run=dry_run)
        if read.rows:
            report.found += [str(row["title"]) for row in read.rows]
            if not dry_run:
                report.tasks += await functions.create_tasks(house.caller, read.rows)
        if not dry_run and (read.messages or read.entries):
            from jobs.watching import watch_for

            report.nudges = [one for one in (await watch_for(house.given, house.caller)).made if one.state == "told"]
        out.data(report.as_json(dry_run=dry_run))
        _tell(out, house, report, dry_run=dry_run)

    in_house(action)


def _read(files: Sequence[ImportFile], house: "House", out: Output) -> Read:
    """All files, whole, before anything is kept: a bad one stops the import with its name."""
    from integrations.calendar.ics import read_ics
    from integrations.mail.mbox import read_mail

    read = Read([], [], [])
    now = house.clock.now()
    with Progress(console=out.errors, transient=True, disable=not out.is_interactive) as progress:
        bar = progress.add_task("Reading", total=len(files))
        for file in files:
            match file.kind:
                case "ics":
                    window = (now - CALENDAR_PAST, now + CALENDAR_AHEAD)
                    read.entries.extend(read_ics(file.path, window=window, timezone=house.clock.timezone))
                case "csv":
                    from integrations.tabular.csv_tasks import read_csv

                    read.rows.extend(_task_rows(read_csv(file.path), file.path, house.clock.timezone))
                case _:
                    for message in read_mail(file.path):
                        read.messages.append(message)
                        progress.update(bar, description=f"Reading {file.path.name}: {len(read.messages)} messages")
            progress.advance(bar)
    return read


def _task_rows(found: Iterable["CsvTask"], path: Path, zone: ZoneInfo) -> list[dict[str, Any]]:
    """New tasks for the rows that are not done; the same row makes no task a second time."""
    rows: list[dict[str, Any]] = []
    for row in found:
        if row.is_done:
            continue
        due = row.due_at.replace(tzinfo=zone) if row.due_at and row.due_at.tzinfo is None else row.due_at
        key = hashlib.sha256("\x1f".join([row.title, row.description, str(row.due_at)]).encode()).hexdigest()[:32]
        rows.append(
            {
                "title": row.title,
                "description": row.description,
                "due_at": due.isoformat() if due else None,
                "due_is_all_day": row.due_is_all_day,
                "priority": row.priority,
                "labels": list(row.labels),
                "source": "import",
                "source_ref": {"file": path.name, "line": row.line},
                "source_key": f"csv:{key}",
            }
        )
    return rows


async def _news(house: "House", entries: Sequence["CalendarEntry"]) -> tuple[int, int]:
    """How many of these entries are not kept yet, and how many are kept otherwise."""
    from integrations.calendar.ics import CalendarEntry

    stored = await capture.list_calendar_events(house.caller, *EVER)
    kept = {(e.uid, e.recurrence_id): CalendarEntry.model_validate(e.model_dump(exclude={"id"})) for e in stored}
    given = {(entry.uid, entry.recurrence_id): entry for entry in entries}
    known = [entry for key, entry in given.items() if key in kept]
    return len(given) - len(known), sum(entry != kept[entry.uid, entry.recurrence_id] for entry in known)


async def _flagged_before(house: "House") -> set[str]:
    """Ids of the suspicious messages that are kept already."""
    found: set[str] = set()
    after: list[Any] | None = None
    while True:
        page = await commitments.list_triaged_mail(house.caller, "suspicious", after=after, limit=200)
        found |= {mail.message_id for mail in page.items}
        after = page.after
        if after is None:
            return found


def _event_row(entry: "CalendarEntry") -> dict[str, Any]:
    return entry.model_dump(mode="json")


async def _take_mail(house: "House", read: Read, report: ImportReport, me: str | None, *, dry_run: bool) -> None:
    from agents.rules.mail import Owner, triage_mailbox
    from jobs.promises import keep_promises, settle_promises

    set_address = house.settings.owner_email if house.settings.owner_email != LOCAL_ADDRESS else None
    report.me = me or set_address or most_addressed([p.address for p in m.to] for m in read.messages)
    names = {p.name for m in read.messages for p in [*m.to, *m.cc] if p.name and p.address == report.me}
    names |= {m.from_name for m in read.messages if m.from_name and m.from_address == report.me}
    if house.settings.owner_name:
        names.add(house.settings.owner_name)
    owner = Owner(addresses=(report.me,) if report.me else (), names=tuple(sorted(names)))
    slots = await _slots(house, read.entries)
    by_id = {message.message_id: message for message in read.messages}
    flagged = await _flagged_before(house)
    triaged = triage_mailbox([_for_triage(m) for m in read.messages], now=house.clock.now(), me=owner, calendar=slots)
    for start in range(0, len(triaged), MESSAGES_A_CALL):
        part = triaged[start : start + MESSAGES_A_CALL]
        if not dry_run:
            await keep_promises(house.caller, part, owner, house.clock.now())
        await _keep(house, part, by_id, report, flagged, dry_run=dry_run)
    if not dry_run:
        await settle_promises(house.caller, house.clock.timezone, triaged)


async def _keep(
    house: "House",
    triaged: Sequence["TriagedMail"],
    by_id: dict[str, "MailMessage"],
    report: ImportReport,
    flagged: set[str],
    *,
    dry_run: bool,
) -> None:
    rows: list[dict[str, Any]] = []
    items: list[dict[str, Any]] = []
    for one in triaged:
        message = by_id[one.mail.message_id]
        rows.append(mail_row(message, report.me, category=one.triage.category, suspicious=one.triage.suspicious))
        if one.triage.suspicious and message.message_id not in flagged:
            report.suspicious.append(
                {"subject": message.subject, "from": message.from_address, "why": one.triage.suspicious}
            )
        for number, found in enumerate(one.triage.tasks):
            items.append(mail_task(found, message, number))
            report.found.append(found.title)
    if not dry_run:
        kept = await capture.import_mail(house.caller, rows, items)
        report.messages_added += kept.messages_added
        report.tasks += kept.tasks


def _for_triage(message: "MailMessage") -> Any:
    from agents.rules.mail_records import MailForTriage
    from integrations.mail.quotes import split_quoted

    new, quoted = split_quoted(message.text)
    return MailForTriage(
        message_id=message.message_id,
        thread_key=message.thread_key,
        in_reply_to=message.in_reply_to,
        from_address=message.from_address,
        from_name=message.from_name,
        to=tuple(p.address for p in message.to),
        cc=tuple(p.address for p in message.cc),
        people=tuple(p.name for p in [*message.to, *message.cc] if p.name),
        subject=message.subject,
        text=new,
        quoted=quoted,
        hidden_text=message.hidden_text,
        sent_at=message.sent_at,
        list_unsubscribe=message.list_unsubscribe,
        auto_submitted=message.auto_submitted,
        precedence=message.precedence,
        is_calendar_reply=message.is_calendar_reply,
    )


async def _slots(house: "House", fresh: Sequence["CalendarEntry"]) -> list["CalendarSlot"]:
    """What the calendar holds around now: events kept already, and those just read."""
    from agents.rules.mail_records import CalendarSlot
    from integrations.calendar.ics import CalendarEntry
    from integrations.calendar.recurrence import all_occurrences

    now: datetime = house.clock.now()
    begin, end = now - LOOK_BACK, now + LOOK_AHEAD
    stored = await capture.list_calendar_events(house.caller, end, begin)
    entries = {(e.uid, e.recurrence_id): CalendarEntry.model_validate(e.model_dump(exclude={"id"})) for e in stored}
    entries |= {(entry.uid, entry.recurrence_id): entry for entry in fresh}
    return [
        CalendarSlot(o.entry.title, o.starts_at, o.entry.uid) for o in all_occurrences(entries.values(), begin, end)
    ]


def _tell(out: Output, house: "House", report: ImportReport, *, dry_run: bool) -> None:
    would = "would be " if dry_run else ""
    if report.messages_read:
        whose = f", as the mailbox of {report.me}" if report.me else ""
        known = "" if dry_run else f", {report.messages_added or 'none'} of them new"
        out.say(f"{report.messages_read} messages read{known}{whose}.")
    if report.events:
        news = [f"{report.events_added} new"] if report.events_added else []
        news += [f"{report.events_changed} changed"] if report.events_changed else []
        entries = "entry" if report.events == 1 else "entries"
        out.say(f"{report.events} calendar {entries} read, {' and '.join(news) or 'nothing new'}.")
    for flagged in report.suspicious:
        out.say(
            f"Flagged, and obeyed in nothing: “{one_line(flagged['subject'])}” from {flagged['from']}", style="yellow"
        )
        out.say(f"  {one_line(flagged['why'])}", style="dim")
    number = len(report.found if dry_run else report.tasks)
    out.say(f"{number} {'task' if number == 1 else 'tasks'} {would}added." if number else "No new tasks.")
    if report.tasks and not out.as_json:
        clock = house.clock
        out.table(rendering.task_table(report.tasks, clock.now(), clock.timezone, out.console.width))
    for title in report.found if dry_run else []:
        out.say(f"  {one_line(title)}")
    for nudge in report.nudges:
        out.say(f"Ahead of being asked: {one_line(nudge.title)}", style="bold")
        out.say(f"  {one_line(nudge.why)}", style="dim")
