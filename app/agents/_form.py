"""The form of an agent: what was typed, as its fields, or with what is wrong beside each."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from core.errors import Invalid
from tasks.agents import Agent, read_capabilities

MINUTE, HOUR = 60, 3600
SMALL = 0.1
SECONDS = re.compile(r"([\d.,]+)\s*(?:s|sec|seconds?)", re.IGNORECASE)
NAMES = {"system_instructions": "instructions", "lease_seconds": "silence_minutes", "timeout_seconds": "hours"}


@dataclass(frozen=True)
class AgentForm:
    """Everything as text; `errors` is {field: what is wrong}, of the whole under ""."""

    name: str = ""
    capabilities: str = ""
    description: str = ""
    instructions: str = ""
    max_concurrent: str = "1"
    silence_minutes: str = ""
    hours: str = ""
    tools: str = ""
    errors: Mapping[str, str] = field(default_factory=dict[str, str])

    @classmethod
    def of(cls, typed: Mapping[str, str]) -> "AgentForm":
        """What was typed."""
        name, can, description, instructions, most, silence, hours, tools = (
            typed.get(name, "").replace("\r\n", "\n").strip() for name in FIELDS
        )
        return cls(name, can, description, instructions, most, silence, hours, tools)

    @classmethod
    def from_agent(cls, agent: Agent) -> "AgentForm":
        """An agent as it is."""
        return cls(
            name=agent.name,
            capabilities=", ".join(agent.capabilities),
            description=agent.description,
            instructions=agent.system_instructions,
            max_concurrent=str(agent.max_concurrent),
            silence_minutes=_span(agent.lease_seconds),
            hours=f"{agent.timeout_seconds / HOUR:g}" if agent.timeout_seconds else "",
            tools=", ".join(str(tool.get("name", "")) for tool in agent.tools),
        )

    def fields(self, before: Sequence[Mapping[str, Any]] = ()) -> "dict[str, Any] | AgentForm":
        """The fields of an agent; or this form with what is wrong in it. `before`: its tools so far, which keep what is known of them."""
        wrong: dict[str, str] = {}
        made: dict[str, Any] = {"description": self.description, "system_instructions": self.instructions}
        if not 1 <= len(self.name) <= MOST_NAME:
            wrong["name"] = f"a name has 1 to {MOST_NAME} characters"
        made["name"] = self.name
        try:
            made["capabilities"] = read_capabilities([one for one in self.capabilities.split(",") if one.strip()])
        except Invalid as error:
            wrong["capabilities"] = error.message.partition(": ")[2] or error.message
        for name, most, what in (("description", 2000, "a description"), ("instructions", 20_000, "instructions")):
            if len(getattr(self, name)) > most:
                wrong[name] = f"{what} of {most:,} characters at most"
        made["max_concurrent"] = _whole(self.max_concurrent, 1, 100, wrong, "max_concurrent")
        made["lease_seconds"] = _silence(self.silence_minutes, wrong)
        names = list(dict.fromkeys(one.strip() for one in self.tools.split(",") if one.strip()))
        if len(names) > MOST_TOOLS or any(len(one) > MOST_NAME for one in names):
            wrong["tools"] = f"{MOST_TOOLS} tools at most, each of 1 to {MOST_NAME} characters"
        known = {tool.get("name"): dict(tool) for tool in before}
        made["tools"] = [known.get(name, {"name": name}) for name in names]
        made["timeout_seconds"] = _seconds(self.hours, HOUR, (1, 604_800), wrong, "hours")
        return replace(self, errors=wrong) if wrong else made

    @property
    def is_wrong_below(self) -> bool:
        """Is something wrong that is folded away?"""
        return any(name in self.errors for name in FIELDS[2:] if name != "instructions")

    def with_errors(self, errors: Mapping[str, str]) -> "AgentForm":
        """The same, with what is wrong in it; errors of fields that the form shows differently come to the right place."""
        return replace(self, errors={NAMES.get(name, name): why for name, why in errors.items()})


FIELDS = ("name", "capabilities", "description", "instructions", "max_concurrent", "silence_minutes", "hours", "tools")
MOST_NAME, MOST_TOOLS = 200, 100


def _span(seconds: int | None) -> str:
    """As the form takes it: "90 s", or minutes."""
    if not seconds:
        return ""
    return f"{seconds // MINUTE}" if seconds % MINUTE == 0 else f"{seconds} s"


def _silence(text: str, wrong: dict[str, str]) -> int | None:
    """Minutes, or seconds where it says so: "90 s"."""
    in_seconds = SECONDS.fullmatch(text)
    unit = 1 if in_seconds else MINUTE
    found = _seconds(in_seconds[1] if in_seconds else text, unit, (10, 86_400), wrong, "silence_minutes")
    if "silence_minutes" in wrong:
        wrong["silence_minutes"] = "minutes from 0.17 to 1440, or seconds like 90 s, or nothing"
    return found


def _whole(text: str, least: int, most: int, wrong: dict[str, str], name: str) -> int | None:
    if text.isascii() and text.isdigit() and len(text) <= len(str(most)) and least <= int(text) <= most:
        return int(text)
    wrong[name] = f"a whole number from {least} to {most}"
    return None


def _seconds(text: str, unit: int, allowed: tuple[int, int], wrong: dict[str, str], name: str) -> int | None:
    """Seconds of a number of minutes or hours; None where nothing was typed."""
    if not text:
        return None
    least, most = allowed
    try:
        found = float(text.replace(",", "."))
    except ValueError:
        found = float("nan")
    if not least <= found * unit <= most:  # what is no number is in no range
        lowest = f"from {least / unit:.2g}" if least / unit > SMALL else "above 0 and up"
        wrong[name] = f"a number {lowest} to {most // unit}, or nothing"
        return None
    return max(1, round(found * unit))
