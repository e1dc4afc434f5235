"""What outside agents said, in plain words: "Larry finished Find breeders"."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tasks.events import TaskEvent

DID = {
    "started": "began",
    "complete": "finished",
    "error": "could not do",
    "blocked": "cannot go on with",
    "created": "broke down",
}
UNHEARD = {
    "late": "it came late, and changed nothing",
    "recorded": "it came after newer words, and changed nothing",
    "refused": "it was refused",
}


@dataclass(frozen=True)
class Saying:
    """A sentence about a task: `who` and `did` before its title, `rest` after it."""

    who: str
    did: str
    rest: str = ""

    def about(self, what: str) -> str:
        """The sentence without who, about something in one word: "broke it down: two parts"."""
        return f"broke {what} down{self.rest}" if self.did == DID["created"] else f"{self.did} {what}{self.rest}"


def said_by_agent(event: TaskEvent) -> Saying:
    """An event of the kind `agent`."""
    data = event.data
    happened = str(data.get("type") or "").rpartition("_")[2]
    did = _progress(data) if happened == "progress" else DID.get(happened, "reported about")
    unheard = UNHEARD.get(str(data.get("outcome") or ""))
    rest = f": {event.message}" if event.message else ""
    return Saying(str(data.get("agent") or "An agent"), did, f"{rest} ({unheard})" if unheard else rest)


def _progress(data: Mapping[str, Any]) -> str:
    percent = data.get("percent")
    return f"is at {percent:.0f} % with" if isinstance(percent, int | float) else "is at"


def offered_to(event: TaskEvent) -> str:
    """An event of the kind `offered`: "is offered to the agent Larry"."""
    whom = str(event.data.get("whom") or "")
    named = event.data.get("capabilities")
    if whom:
        return f"is offered to the agent {whom}" if len(whom) != UUID_LENGTH else "is offered to its agent"
    if isinstance(named, list) and named:
        return f"is offered to agents that can: {', '.join(str(one) for one in named)}"  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
    return "is offered to agents"


def is_offer(reason: str | None) -> bool:
    """Does this reason of waiting say only that an agent is wanted?"""
    return (reason or "").startswith(("Waits for the agent", "Waits for an agent"))


UUID_LENGTH = 36
