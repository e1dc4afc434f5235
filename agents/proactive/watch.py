"""All rules, one after the other."""

import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import structlog

from agents.proactive import (
    agenda,
    agenda_reply,
    brief,
    conflicts,
    follow_up,
    promises,
    rsvp,
    time_proposals,
    travel,
    unanswered,
)
from agents.proactive.situation import Situation
from tasks.nudges import Finding, NudgeKind

log = structlog.get_logger()
Rule = Callable[[Situation], Iterator[Finding]]
RULES: Mapping[NudgeKind, Rule] = {
    "agenda": agenda.find,
    "agenda_reply": agenda_reply.find,
    "brief": brief.find,
    "follow_up": follow_up.find,
    "rsvp": rsvp.find,
    "conflict": conflicts.find,
    "travel": travel.find,
    "time_proposal": time_proposals.find,
    "promise": promises.find,
    "unanswered": unanswered.find,
}


@dataclass(frozen=True)
class Seen:
    """What the rules found, each key once, and the kinds that were looked for to the end."""

    findings: Sequence[Finding]
    looked_at: Sequence[NudgeKind]


def watch(situation: Situation) -> Seen:
    """What is worth a notice now, in the order of the rules. A rule that fails takes no other along, and was not looked at."""
    found: dict[str, Finding] = {}
    looked_at: list[NudgeKind] = []
    for kind, rule in RULES.items():
        try:
            findings = list(rule(situation))
        except Exception as error:  # whatever somebody wrote into a mail or an event: the other rules go on
            log.error("rule_failed", rule=kind, error=type(error).__name__, place=_place(error))
            continue
        found |= {finding.key: finding for finding in findings}
        looked_at.append(kind)
    return Seen(list(found.values()), looked_at)


def _place(error: Exception) -> str:
    """Where it failed, without the words it failed at."""
    last = traceback.extract_tb(error.__traceback__)[-1]
    return f"{Path(last.filename).name}:{last.lineno}"
