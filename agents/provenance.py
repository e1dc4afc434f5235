"""What a run knew when it wants something, by where it came from: the user's words, people they know, tools, and others.

Gathered only when something is to be decided, in one call. What a model wrote is in none of it: a value that appears
nowhere else is the model's own. Words of tasks that an agent planned are not the user's.
"""

import asyncio
import base64
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from agents import templates
from agents.equipment import Run
from agents.journal import insist
from agents.tools.tool import AnyTool
from tasks.actions import Effect, Policy
from tasks.concerns import NOTICED
from tasks.models import Taint, Task
from tasks.origins import Provenance, Source
from tasks.provenance import LookedUp, ReadText, RunKnowledge, get_provenance, taint_task
from tasks.runs import AgentAbove, StartedTask

LONGEST_TEXT = 30_000
MOST_SOURCES = 120
KINDS = {
    "web_search": "search result",
    "web_fetch": "page",
    "http_get": "page",
    "http_request": "answer",
    "browser": "page",
    "mail_search": "mail",
    "mail_read": "mail",
    "slack_read": "Slack message",
    "calendar_read": "event",
    "file": "file",
}
CALLED = {"proactive": NOTICED}  # where a task came from, as people call it


@dataclass(frozen=True)
class Known:
    """Provenance and policy of one run, for one decision."""

    provenance: Provenance
    policy: Policy
    task_kind: str


async def known_to(run: Run) -> Known:
    """What the policy is asked with: gathered anew, so that what was read a moment ago counts."""
    known = await insist(lambda: get_provenance(run.caller, run.task.id))
    filled = await templates.filled_input(run)
    # Apart, since looking for orders in long texts takes a while.
    untrusted = await asyncio.to_thread(_untrusted, known, filled, run.equipment.tools)
    provenance = Provenance(
        user=known.user,
        contacts=known.contacts,
        # After others had a say an answer may repeat what they had it asked: it is trusted no more.
        trusted=[]
        if untrusted or known.tainted_by
        else [_plain(one.text or "") for one in known.looked_up if _is_trusted(one, run.equipment.tools)],
        untrusted=untrusted,
        is_tainted=bool(known.tainted_by) or bool(filled.untrusted),
    )
    policy = Policy(
        permissions=[one.as_permission() for one in known.permissions],
        is_stopped=known.is_stopped,
        own_addresses=known.own_addresses,
        private_hosts=tuple(run.equipment.private_hosts),
        now=known.now,
    )
    return Known(provenance, policy, known.task_kind or run.task.kind)


def agents_above(task: Task) -> Sequence[AgentAbove]:
    """The outside agents that made this task, or one above it: what it finds goes to them."""
    return task.outside_agents if isinstance(task, StartedTask) else ()


def told_of(task: Task, tool: AnyTool) -> list[str]:
    """Names of the outside agents that get to know what the tool brings here, and were not given it.

    Acts are never given: of what is done for an agent, a person is asked each time.
    """
    if tool.stays_within:
        return []
    return [one.name for one in agents_above(task) if tool.kind == "act" or tool.name not in one.tools]


async def provenance_of(run: Run) -> Provenance:
    """Where the values of a run came from, as far as it has come."""
    return (await known_to(run)).provenance


async def is_about_to_read(run: Run, tool: AnyTool) -> None:
    """Taint the task before a tool brings in what others wrote: nothing of it comes back untainted, also after a crash."""
    if tool.brings_untrusted:
        await taint(run, Taint(kind=kind_of(tool.name), ref=str(run.task.id), title=run.task.title))


async def taint(run: Run, *sources: Taint) -> None:
    """The task reads what others wrote: it and all that comes of it stay tainted."""
    known = {(one.kind, one.ref) for one in run.task.tainted_by}
    if any((one.kind, one.ref) not in known for one in sources):
        await insist(lambda: taint_task(run.caller, run.task.id, sources))


def kind_of(tool: str) -> str:
    """What people call that which a tool brings in."""
    return KINDS.get(tool, tool.replace("_", " "))


def _untrusted(known: RunKnowledge, filled: templates.Filled, tools: Mapping[str, AnyTool]) -> list[Source]:
    found = [*_came_with(known), *_looked_up(known, tools), *_filled_in(filled)]
    return [source for source in found if source.text.strip()][:MOST_SOURCES]


def _came_with(known: RunKnowledge) -> Iterator[Source]:
    """What the task came from."""
    for one in known.read:
        text = _text_of(one)
        kind, is_suspicious = CALLED.get(one.kind, one.kind), one.why is not None or _commands(one.title, text)
        yield Source(kind, text, one.title, is_suspicious, one.is_anothers)
    for taint in known.tainted_by:
        if taint.why:
            yield Source(taint.kind, taint.why, taint.title or "", is_suspicious=True)


def _text_of(one: ReadText) -> str:
    return base64.b64decode(one.base64).decode("utf-8", "ignore") if one.base64 else one.text


def _looked_up(known: RunKnowledge, tools: Mapping[str, AnyTool]) -> Iterator[Source]:
    """What tools brought in that others wrote; of a tool that is not known here, anything."""
    for one in reversed(known.looked_up):  # the oldest first: where a value first appeared
        tool = tools.get(one.tool or "")
        is_unknown = one.tool is not None and tool is None
        if one.is_tainted or is_unknown or (tool is not None and tool.brings_untrusted):
            text = _plain(one.text or "")
            yield Source(kind_of(one.tool or "result"), text, one.title, _commands(one.title, text))


def _filled_in(filled: templates.Filled) -> Iterator[Source]:
    """The parts of the input that templates filled in with what others wrote."""
    for place, text in templates.strings(filled.given):
        for marked, title in filled.untrusted.items():
            if place == marked or place.startswith(f"{marked}."):
                yield Source("result", text[:LONGEST_TEXT], title, _commands(title, text))


def _is_trusted(one: LookedUp, tools: Mapping[str, AnyTool]) -> bool:
    """An answer of a service that nobody else can write to; what was computed here out of anything is not."""
    tool = tools.get(one.tool or "")
    if tool is None or one.is_tainted or tool.brings_untrusted or not tool.needs:
        return False
    return tool.kind == "read" and tool.effect is Effect.READ


def _plain(text: str) -> str:
    """The text of an answer that is kept as JSON: its line breaks and quotes as they were written."""
    return text[:LONGEST_TEXT].replace("\\n", "\n").replace("\\t", " ").replace('\\"', '"')


@lru_cache(maxsize=500)
def _commands(title: str, text: str) -> bool:
    """Does it give orders to an assistant?"""
    from agents.rules.mail_signs import find_command  # large patterns, which few runs need

    return find_command(title, text[:LONGEST_TEXT]) is not None
