"""All rules, one after the other."""

from collections.abc import Callable, Iterator, Mapping

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


def watch(situation: Situation) -> list[Finding]:
    """What is worth a notice now, each key once, in the order of the rules."""
    found = {finding.key: finding for rule in RULES.values() for finding in rule(situation)}
    return list(found.values())
