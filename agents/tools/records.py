"""The tool that changes one record of a CRM, a table or a REST API, after a person saw it before and after."""

import json
import re
from typing import Any, Literal

from pydantic import BaseModel, Field, JsonValue, model_validator

from agents.equipment import Run
from agents.services.records import ApiRecords, CustomerRecords, Records, TableRecords
from agents.tools.http import outside_facts
from agents.tools.tool import AnyTool, Done, Outcome, Shown, StrictInput, Tool, texts_in
from core.errors import Invalid
from core.outside.errors import Uncertain
from core.outside.records import StoredRecord
from tasks import review
from tasks.actions import Action, Effect
from tasks.models import Evidence

SHOWN_CHARACTERS = 500
STANDS = "as it stands"
VERSION = "version"
FORMS = {
    "hubspot": (r"[A-Za-z0-9_-]{1,100}", "an object type like contacts"),
    "postgres": (r"[^/\x00]{1,130}/[^/\x00]{1,63}", "table/key_column or schema.table/key_column"),
    "rest": (r"[^\x00-\x20?#\\]{1,300}", "the path of a collection"),
}


class RecordInput(StrictInput):
    """Which record, and what is to stand in it."""

    system: Literal["hubspot", "postgres", "rest"]
    kind: str = Field(
        description="hubspot: contacts, deals, ...; postgres: table/key_column; rest: path of the collection"
    )
    id: str = Field(min_length=1, max_length=300)
    changes: dict[str, JsonValue] = Field(min_length=1, max_length=50)

    @model_validator(mode="after")
    def _fits(self) -> "RecordInput":
        form, words = FORMS[self.system]
        if not re.fullmatch(form, self.kind) or ".." in self.kind.split("/"):
            raise ValueError(f"kind is {words}")
        return self


class RecordOutput(BaseModel):
    """The record: what stood in the changed fields, and what stands now."""

    id: str
    before: dict[str, Any]
    after: dict[str, Any]
    url: str = ""


async def update(run: Run, given: RecordInput) -> Outcome:
    """Set the values, where what the person saw still stands."""
    before, version = await _seen(run)
    records = await _records(run, given)
    stored = await records.update(given.kind, given.id, given.changes, before, version)
    what = f"{given.kind}/{given.id}: {', '.join(given.changes)} changed, read back afterwards"
    return Done(
        _output(given, before, stored), "verified", [Evidence(kind="record", what=what, where=stored.url or None)]
    )


async def find(run: Run, given: RecordInput) -> dict[str, Any] | None:
    """Done where the wanted values stand; not done where what the person saw still does; else nobody knows."""
    before, _ = await _seen(run)
    stored = await (await _records(run, given)).get(given.kind, given.id, list(given.changes))
    if _same(stored, given.changes):
        return _output(given, before, stored)
    if _same(stored, before):
        return None
    raise Uncertain(f"{given.kind}/{given.id} stands neither as it was nor as it was to be")


async def show(run: Run, given: RecordInput) -> Shown:
    """Each changed field before and after."""
    stored = await (await _records(run, given)).get(given.kind, given.id, list(given.changes))
    before = {name: stored.values[name] for name in given.changes}
    facts: dict[str, Any] = {"record": f"{given.system}: {given.kind}/{given.id}"}
    facts |= {name: f"{_short(before[name])} → {_short(value)}" for name, value in given.changes.items()}
    facts |= await outside_facts(run)
    facts[STANDS] = json.dumps(before, ensure_ascii=False)
    facts |= {VERSION: stored.version} if stored.version else {}
    return Shown(f"Change {len(before)} field{'s' if len(before) > 1 else ''} of {given.kind}/{given.id}?", facts)


async def record_action(run: Run, given: RecordInput) -> Action:
    """Colleagues see the record, and what is written into it."""
    body = "\n".join([given.id, *texts_in(given.changes)])
    return Action("record_update", Effect.WRITE, [f"{given.system}/{given.kind}"], body=body)


async def _seen(run: Run) -> tuple[dict[str, Any], str | None]:
    """What the person saw before the yes; it is sealed with it."""
    approval = await review.get_act(run.caller, run.task.id)
    pairs: list[tuple[str, Any]] = approval.payload.get("facts", []) if approval else []
    facts = dict(pairs)
    if STANDS not in facts:
        raise Invalid("Nobody has seen what stands in the record", hint="Execute the task again.")
    return json.loads(facts[STANDS]), facts.get(VERSION)


async def _records(run: Run, given: RecordInput) -> Records:
    match given.system:
        case "hubspot":
            return await run.reach(CustomerRecords)
        case "postgres":
            return await run.reach(TableRecords)
        case "rest":
            return await run.reach(ApiRecords)


def _same(stored: StoredRecord, wanted: dict[str, Any]) -> bool:
    return all(_plain(stored.values.get(name)) == _plain(value) for name, value in wanted.items())


def _plain(value: Any) -> Any:
    """Values of a CRM are text: 3 and "3", true and "true", null and "" say the same."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).casefold()
    return str(value) if isinstance(value, str | int | float) else value


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= SHOWN_CHARACTERS else f"{text[:SHOWN_CHARACTERS]}…"


def _output(given: RecordInput, before: dict[str, Any], stored: StoredRecord) -> dict[str, Any]:
    after = {name: stored.values.get(name) for name in given.changes}
    return RecordOutput(id=given.id, before=before, after=after, url=stored.url).model_dump(mode="json")


RECORD_TOOLS: tuple[AnyTool, ...] = (
    Tool(
        "record_update",
        "Changes fields of one record in HubSpot, a Postgres table or a REST API; the person sees before and after first",
        "act",
        update,
        RecordInput,
        RecordOutput,
        find=find,
        show=show,
        capability="data",
        needs=((CustomerRecords, TableRecords, ApiRecords),),
        risk="high",
        effect=Effect.WRITE,
        action=record_action,
        brings_untrusted=True,
        timeout_seconds=90,
    ),
)
