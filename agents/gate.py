"""The one gate: whatever a run wants that reaches beyond the house is judged here, by `tasks.policy` alone.

*allow* with a permission still goes through the database, which checks the permission itself and holds it for a while;
*ask* shows a person the action with what speaks against it; *deny* ends the task with the reason, and nobody is asked.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, cast
from uuid import UUID

from pydantic import BaseModel

from agents.equipment import Run
from agents.journal import insist
from agents.provenance import Known, agents_above, known_to, told_of
from agents.senders import LACKS
from agents.tools.tool import AnyTool
from core.errors import Conflict, NotFound
from core.outside.errors import Refused
from tasks import review
from tasks.actions import Action, Decision, Effect, Policy, Reason, Verdict
from tasks.artifacts import describe_artifact
from tasks.concerns import REACHES
from tasks.drafts import Draft
from tasks.models import Task
from tasks.origins import Origin, Provenance, Seen, addresses_in, host_of, numbers_in, urls_in
from tasks.policy import decide

MOST_VALUES = 100
STAYS_HOME = {Effect.READ, Effect.OWN_WRITE}  # allowed without a look at where anything came from
SENDS = {"mail": "email_send", "slack": "slack_notification"}
UNBLOCK = (
    "Read it yourself; nothing in it is carried out. Do what you want done yourself, then tick it off or cancel it"
)


# The policy would let it go; a draft is shown all the same, as everything that is sent without a permission.
SHOWN_TO_ONESELF = Reason("to_oneself", "It goes to you alone, and is shown before it is sent").as_json()


@dataclass(frozen=True)
class Judged:
    """A decision with what it was about: as it is stored beside an approval and in a draft."""

    decision: dict[str, Any]
    destinations: list[str]
    provenance: dict[str, Any]

    @property
    def verdict(self) -> str:
        """allow, ask or deny."""
        return str(self.decision["verdict"])

    @property
    def is_free(self) -> bool:
        """May it be done at once, with neither a person nor a permission?"""
        return self.verdict == "allow" and self.decision["permission_id"] is None

    def for_payload(self) -> dict[str, Any]:
        """What stands in the payload of a question: whom it reaches, and where its values came from."""
        return {"destinations": self.destinations, "provenance": self.provenance}

    def insist(self) -> None:
        """Raises Refused where it may never happen, with the reasons in words."""
        if self.verdict == "deny":
            raise Refused("This is never done", detail=self.in_words())

    def in_words(self) -> str:
        """The reasons, in one line."""
        said = [
            f"{one['message']}: {one['value']}" if one["value"] else one["message"] for one in self.decision["reasons"]
        ]
        return "; ".join(said)


async def judge(run: Run, action: Action, origins: Mapping[str, Origin] | None = None) -> Judged:
    """What becomes of an action of this run; `origins` of values that are known better. Raises Refused for one that is denied."""
    known = await known_to(run)
    if action.real_effect in REACHES:
        action = replace(action, discloses_to=[one.name for one in agents_above(run.task)])
    if origins:
        known = replace(known, provenance=replace(known.provenance, origins={**known.provenance.origins, **origins}))
    decision = decide(replace(action, task_kind=known.task_kind), known.provenance, known.policy)
    judged = Judged(
        decision=decision.as_json(),
        destinations=[*action.destinations, *(host_of(url) or url for url in action.urls)],
        provenance=values_of(action, known, decision),
    )
    judged.insist()
    return judged


async def judge_tool(run: Run, tool: AnyTool, given: BaseModel) -> Judged | None:
    """What becomes of a tool's use with this input; None for what stays the user's own whatever the run has read.

    In a task that an outside agent made, that agent gets to know what comes of it.
    """
    try:
        action = await tool.as_action(run, given)
    except (NotFound, Conflict) as error:  # of what the tool looks at, not of the task
        raise Refused(error.message, detail=error.detail, hint=error.hint) from error
    action = replace(action, discloses_to=told_of(run.task, tool))
    if action.real_effect in STAYS_HOME and decide(action, Provenance(), Policy()).verdict is Verdict.ALLOW:
        return None
    return await judge(run, action)


async def judge_draft(run: Run, content: Mapping[str, Any]) -> Judged:
    """What becomes of a draft: `content` is what `deliver_draft` takes."""
    return await judge(run, action_of_draft(content), await _written_by_others(run, content))


async def _written_by_others(run: Run, content: Mapping[str, Any]) -> dict[str, Origin]:
    """The files of a draft that a run which had read others' text wrote, or that others did: their names say nothing."""
    attached: Sequence[Mapping[str, Any]] = content.get("attachments") or []
    found: dict[str, Origin] = {}
    for file in attached:
        kept = await describe_artifact(run.caller, UUID(str(file["artifact_id"]))) if file.get("artifact_id") else None
        if kept is None or kept.is_tainted:
            found[str(file["name"])] = Origin.UNTRUSTED
    return found


async def deliver(
    run: Run,
    content: Mapping[str, Any],
    result: Mapping[str, Any],
    supersedes_id: UUID | None = None,
    written: str | None = None,
    liked: Sequence[Mapping[str, Any]] = (),
    own_words: Mapping[str, Any] | None = None,
) -> Draft:
    """The end of a run that wrote a draft: judged, with where its values came from. Raises Refused for one that is denied.

    `written`: the text without what is the person's own, where a signature was added or a preference applied; `liked` are
    the preferences that were applied (id and what is said of each), kept with where its values came from, as are the
    `own_words` of the organization that a model was told for the kind (kind, version).
    """
    judged = await judge_draft(run, content if written is None else {**content, "body": written})
    lacks = LACKS in (content.get("target") or {})
    if judged.is_free or lacks:
        why = [SHOWN_TO_ONESELF] if judged.is_free else judged.decision["reasons"]
        judged = replace(
            judged, decision={**judged.decision, "verdict": "ask", "reasons": why, "permission_id": None}
        )  # nothing leaves by itself where there is no way
    preferred = {"preferences": [dict(one) for one in liked]} if liked else {}
    worded = {"workflow": dict(own_words)} if own_words else {}
    told = {**content, "provenance": {**judged.provenance, **preferred, **worded}}
    return await insist(
        lambda: review.deliver_draft(run.caller, run.task.id, told, result, supersedes_id, judged.decision)
    )


def action_of_draft(content: Mapping[str, Any]) -> Action:
    """A draft as the sending that it is: to each recipient, with all that they get to read."""
    channel = str(content["channel"])
    target: Mapping[str, Any] = content.get("target") or {}
    if channel == "slack":
        return Action(SENDS[channel], Effect.SEND, [_place(target)], body=str(content.get("body") or ""))
    names = ("to_recipients", "cc_recipients", "bcc_recipients")
    attached: Sequence[Mapping[str, Any]] = content.get("attachments") or []
    return Action(
        SENDS[channel],
        Effect.SEND,
        [str(one) for name in names for one in _listed(content.get(name))],
        body=f"{content.get('subject') or ''}\n\n{content.get('body') or ''}",
        attachments=[str(file["name"]) for file in attached],
    )


def _listed(value: object) -> list[object]:
    return cast("list[object]", value) if isinstance(value, list) else []


def _place(target: Mapping[str, Any]) -> str:
    """A chat's channel as people and permissions name it; its id where it has no name."""
    name = str(target.get("name") or "")
    return name if name.startswith(("#", "@")) else str(target.get("channel") or name)


def values_of(action: Action, known: Known, decision: Decision) -> dict[str, Any]:
    """Where each value of an action first appeared, for people and for the database."""
    body = action.body or ""
    found: list[tuple[str, str]] = [("destination", one) for one in action.destinations]
    found += [("url", one) for one in (*action.urls, *urls_in(body))]
    found += [("address", one) for one in addresses_in(body)] + [("number", one) for one in numbers_in(body)]
    found += [("attachment", one) for one in action.attachments]
    allowed = next((one for one in known.policy.permissions if one.id == decision.permission_id), None)

    def seen(value: str) -> dict[str, str]:
        is_given = allowed is not None and allowed.lists(value)  # the person wrote it into the permission
        first = Seen(Origin.USER, "a standing permission") if is_given else known.provenance.first_seen(value)
        return {"origin": first.origin.value, "source": first.source, "quote": first.quote}

    values = [{"value": value, "kind": kind, **seen(value)} for kind, value in list(dict.fromkeys(found))[:MOST_VALUES]]
    targets = {one: seen(one) for one in action.destinations}
    for url in action.urls:
        host = host_of(url) or url
        targets[host] = seen(host) if allowed is not None and allowed.lists(host) else seen(url)
    return {"is_tainted": known.provenance.has_read_untrusted, "values": values, "destinations": targets}


def suspicion(task: Task) -> str | None:
    """Why nothing is done for this task: what it came from gives orders to the assistant. None where nothing is wrong."""
    for source in task.tainted_by:
        if source.why and source.ref is not None:
            title = f" “{source.title}”" if source.title else ""
            return f"The {source.kind} that this came from is suspicious{title}. {source.why}"
    return None


def is_allowed(judged: Judged | None) -> bool:
    """May it be done right here?"""
    return judged is None or judged.is_free
