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

    `asks`: the question of a gate, with after how many hours it is asked again and given up (where not: as everywhere). `thinks`: the assistant prepares it ("rules": also without a model, "model": only with one).
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
    remind_hours: float | None = None
    expires_hours: float | None = None
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
        hours = {"remind_after_seconds": self.remind_hours, "expires_in_seconds": self.expires_hours}
        times = {name: given * 3600 for name, given in hours.items() if given is not None}
        asked = Use(GATE, {"question": self.asks, **times}, german={"question": f"{self.german}: $subject?"})
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


# What a value is, by its name; see `label_of`.
LABELS: Mapping[str, str] = {
    "stakeholders": "mail addresses of those who are told",
    "jira_project": "the key of the Jira project, like OPS",
    "repository": "the repository as owner/name",
    "pull_request": "its number",
    "ref": "a branch, tag or commit",
    "pipeline": "the pipeline's name",
    "rollback_pipeline": "the name of the pipeline that rolls back",
    "smoke_url": "the address that a smoke test asks",
    "health_url": "the address that says whether the service is up",
    "slack_channel": "where to write, like #launches",
    "trial_balance_query": "the SQL that reads the trial balance",
}


def label_of(name: str) -> str:
    """What a person is told to give: where on the page, where over the API, and what it is."""
    if name == "stakeholders":
        return f"context.stakeholders (in the form: Stakeholders): {LABELS[name]}"
    where = f"context.resources.{name} (in the form: under Resources, {name}: …)"
    return f"{where}: {LABELS[name]}" if name in LABELS else where


def domain_words(domain: str) -> frozenset[str]:
    """A domain in one form: `Incident Response` and `incident_response` are `incident-response`."""
    plain = re.sub(r"[\s_/]+", "-", domain.strip().casefold())
    return frozenset({plain}) if plain else frozenset()
