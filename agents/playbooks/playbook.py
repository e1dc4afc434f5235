"""What a playbook is: a named set of steps with edges, for work that goes much the same way every time.

Usable without a model. A step is done by a tool where its service is connected and its inputs were given; else by a
person, and then it says plainly what is missing. Values stand as `$name` in inputs and words: see `filling.Situation`.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from agents.objective import GATE, Risk
from tasks.models import OnFailure, Priority, TaskKind


@dataclass(frozen=True)
class Use:
    """How a tool does a step. `needs` are values without which it cannot; an entry whose whole value is an unknown `$name` is left out.

    `$step.field` is what an earlier step of this playbook gives, where a tool does that one; as a need: only then is this a way.
    `german` are the entries that are worded otherwise for an objective in German.
    """

    tool: str
    given: Mapping[str, Any]
    needs: tuple[str, ...] = ()
    german: Mapping[str, Any] = field(default_factory=dict[str, Any])


@dataclass(frozen=True)
class Step:
    """One step. `after`: keys of steps; `uses`: tools that can do it, the first that can be used does.

    `asks`: the question of a gate. `thinks`: the assistant prepares it ("rules": also without a model, "model": only with one).
    `each`: the value (a list) that it is made for, once for each entry, as `$each` (`$of_each` with a colon before it). `only_with`: values without which it is left out.
    """

    key: str
    title: str
    german: str
    description: str
    role: str
    after: tuple[str, ...] = ()
    minutes: int = 30
    criteria: tuple[str, ...] = ()
    kind: TaskKind = "errand"
    risk: Risk = "low"
    priority: Priority | None = None
    uses: tuple[Use, ...] = ()
    asks: str = ""
    thinks: str = ""
    each: str = ""
    only_with: tuple[str, ...] = ()
    on_failure: OnFailure = "replan"

    @property
    def is_gate(self) -> bool:
        return bool(self.asks)

    @property
    def ways(self) -> tuple[Use, ...]:
        """The tools that can do it; a gate's is always there."""
        asked = Use(GATE, {"question": self.asks}, german={"question": f"{self.german}: $subject?"})
        return (asked,) if self.is_gate else self.uses


@dataclass(frozen=True)
class Playbook:
    """A playbook. `names` are domains that say exactly this work, `fields` domains that it is only one sort of work of.

    `words` finds it in an objective, in English and German.
    """

    name: str
    title: str
    steps: tuple[Step, ...]
    names: frozenset[str]
    fields: frozenset[str]
    words: re.Pattern[str]


# What a person is told to give, by the name of the value.
LABELS: Mapping[str, str] = {
    "stakeholders": "context.stakeholders: mail addresses of those who are told",
    "jira_project": "context.resources.jira_project: the key of the Jira project, like OPS",
    "repository": "context.resources.repository: the repository as owner/name",
    "pull_request": "context.resources.pull_request: its number",
    "ref": "context.resources.ref: a branch, tag or commit",
    "pipeline": "context.resources.pipeline: the pipeline's name",
    "rollback_pipeline": "context.resources.rollback_pipeline: the name of the pipeline that rolls back",
    "smoke_url": "context.resources.smoke_url: the address that a smoke test asks",
    "health_url": "context.resources.health_url: the address that says whether the service is up",
    "slack_channel": "context.resources.slack_channel: where to write, like #launches",
    "trial_balance_query": "context.resources.trial_balance_query: the SQL that reads the trial balance",
}


def domain_words(domain: str) -> frozenset[str]:
    """A domain in one form: `Incident Response` and `incident_response` are `incident-response`."""
    plain = re.sub(r"[\s_/]+", "-", domain.strip().casefold())
    return frozenset({plain}) if plain else frozenset()
