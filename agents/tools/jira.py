"""The tool for tickets: creates, changes or moves one, after a person's yes."""

from datetime import date
from typing import Any, Literal

from pydantic import BaseModel, Field, model_validator

from agents.equipment import Run
from agents.services.tickets import Tickets
from agents.tools.http import outside_facts
from agents.tools.tool import AnyTool, Done, Outcome, Shown, StrictInput, Tool
from core.errors import Invalid
from core.outside.tickets import Ticket, TicketFields, Transition
from tasks.actions import Action, Effect
from tasks.models import Evidence


class TicketInput(StrictInput):
    """What to do: create (project, summary), update (key and what changes), or transition (key, status)."""

    action: Literal["create", "update", "transition"] = "create"
    project: str | None = Field(
        default=None, pattern=r"^[A-Z][A-Z0-9_]{1,99}$", description="Key of the project, like OPS"
    )
    issue_type: str = Field(default="Task", min_length=1, max_length=100)
    key: str | None = Field(
        default=None, pattern=r"^[A-Z][A-Z0-9_]{1,99}-\d{1,10}$", description="The ticket, like OPS-17"
    )
    summary: str | None = Field(default=None, min_length=1, max_length=255)
    description: str | None = Field(default=None, max_length=30_000)
    labels: list[str] | None = Field(default=None, max_length=50)
    priority: str | None = Field(default=None, min_length=1, max_length=100)
    assignee: str | None = Field(
        default=None, min_length=1, max_length=128, description="Account id of a person in Jira"
    )
    due_on: date | None = None
    status: str | None = Field(
        default=None, min_length=1, max_length=100, description="Where to move it, or the way there"
    )

    @model_validator(mode="after")
    def _is_whole(self) -> "TicketInput":
        if self.action == "create" and (not self.project or not self.summary or self.key or self.status):
            raise ValueError("create takes project and summary, no key and no status")
        if self.action == "update" and (not self.key or not self.changes() or self.project or self.status):
            raise ValueError("update takes key and at least one field to change, no project and no status")
        if self.action == "transition" and (not self.key or not self.status or self.changes() or self.project):
            raise ValueError("transition takes key and status alone")
        if any(" " in label or not label for label in self.labels or ()):
            raise ValueError("a label has no spaces")
        if self.summary and "\n" in self.summary:
            raise ValueError("summary is one line")
        return self

    def changes(self) -> dict[str, Any]:
        """The fields that are given."""
        names = {"summary", "description", "labels", "priority", "assignee", "due_on"}
        return self.model_dump(mode="json", include=names, exclude_none=True)

    def fields(self) -> TicketFields:
        return TicketFields(self.summary, self.description, self.labels, self.priority, self.assignee, self.due_on)


class TicketOutput(BaseModel):
    """The ticket as it stands."""

    key: str
    url: str
    summary: str
    status: str


async def act(run: Run, given: TicketInput) -> Outcome:
    """Do it, once: a new ticket carries our key as a label, setting a field twice is setting it once."""
    tickets = await run.reach(Tickets)
    if given.key is None:
        ticket = await tickets.create(given.project or "", given.issue_type, given.fields(), our_key(run))
    elif given.action == "update":
        ticket = await tickets.update(given.key, given.fields())
    else:
        before = await tickets.get(given.key)
        ways = await tickets.list_transitions(given.key)
        ticket = before if _is_there(before, given) else await tickets.move(given.key, _way(given, ways))
    what = f"{ticket.key} in Jira" + (f", now {ticket.status}" if ticket.status else "")
    return Done(_output(ticket), "verified", [Evidence(kind="ticket", what=what, where=ticket.url)])


async def find(run: Run, given: TicketInput) -> dict[str, Any] | None:
    """Has it been done? A change that was not may be made again: it says how things are to be, not by how much."""
    tickets = await run.reach(Tickets)
    if given.key is None:
        found = await tickets.find_created(our_key(run))
        return _output(found) if found else None
    ticket = await tickets.get(given.key)
    is_done = _is_there(ticket, given) if given.action == "transition" else not _differences(ticket, given)
    return _output(ticket) if is_done else None


async def show(run: Run, given: TicketInput) -> Shown:
    """The ticket as it will be; for one that is there, before and after."""
    facts = await outside_facts(run)
    if given.key is None:
        fields = {"project": given.project, "type": given.issue_type, **given.changes()}
        text = str(fields.pop("description", ""))
        return Shown(f"Create a ticket in {given.project}: {given.summary}", {**fields, **facts}, text)
    tickets = await run.reach(Tickets)
    ticket = await tickets.get(given.key)
    head = {"ticket": f"{ticket.key} {ticket.summary}", "page": ticket.url}
    if given.action == "transition":
        way = None if _is_there(ticket, given) else _way(given, await tickets.list_transitions(given.key))
        facts = {"status": f"{ticket.status} → {way.to if way else ticket.status}", **facts}
        return Shown(f"Move {ticket.key} to {given.status}", {**head, **facts})
    changed = {name: f"{before!r} → {after!r}" for name, (before, after) in _differences(ticket, given).items()}
    return Shown(f"Change {ticket.key}", {**head, **changed, **facts})


async def ticket_action(run: Run, given: TicketInput) -> Action:
    """Colleagues see the ticket, and what is written into it."""
    words = [given.summary, given.description, *(given.labels or []), given.assignee, given.status]
    body = "\n".join(word for word in words if word)
    return Action("jira_ticket", Effect.WRITE, [given.key or given.project or ""], body=body)


def our_key(run: Run) -> str:
    """The label that a ticket of this task carries; another one when the work was asked for anew."""
    return f"steward-{run.task.id}-{run.task.generation}"


def _is_there(ticket: Ticket, given: TicketInput) -> bool:
    return ticket.status.casefold() == (given.status or "").casefold()


def _way(given: TicketInput, ways: Any) -> Transition:
    wanted = (given.status or "").casefold()
    found: list[Transition] = [way for way in ways if wanted in {way.to.casefold(), way.name.casefold()}]
    if not found:
        known = ", ".join(f"{way.name} ({way.to})" for way in ways) or "none"
        raise Invalid(f"{given.key} has no way to {given.status!r}", detail=f"allowed now: {known}")
    return found[0]


def _differences(ticket: Ticket, given: TicketInput) -> dict[str, tuple[Any, Any]]:
    changes = given.changes()
    due = ticket.due_on.isoformat() if ticket.due_on else None
    stands = {
        "summary": ticket.summary,
        "description": ticket.description,
        "labels": sorted(ticket.labels),
        "priority": ticket.priority,
        "assignee": ticket.assignee,
        "due_on": due,
    }
    wanted = {**changes, **({"labels": sorted(changes["labels"])} if "labels" in changes else {})}
    if "description" in wanted:
        wanted["description"] = str(wanted["description"]).strip()
    return {name: (stands[name], value) for name, value in wanted.items() if stands[name] != value}


def _output(ticket: Ticket) -> dict[str, Any]:
    found = TicketOutput(key=ticket.key, url=ticket.url, summary=ticket.summary, status=ticket.status)
    return found.model_dump(mode="json")


JIRA_TOOLS: tuple[AnyTool, ...] = (
    Tool(
        "jira_ticket",
        "Creates a Jira ticket, changes fields of one, or moves one to another status; the person sees it first",
        "act",
        act,
        TicketInput,
        TicketOutput,
        find=find,
        show=show,
        capability="tickets",
        needs=(Tickets,),
        risk="medium",
        effect=Effect.WRITE,
        action=ticket_action,
        brings_untrusted=True,
        timeout_seconds=90,
    ),
)
