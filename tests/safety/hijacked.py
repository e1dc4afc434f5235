"""A language model that is entirely on the attacker's side: it reads what it is told to read, then does what the attack wants.

A small fake of our own behind OpenAI's chat interface, since what it says next depends on what it has just read. Whatever
goes wrong it tries again with the same, as something would that wants to get through.
"""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from tests.emulators.served import Answer, Got

Arguments = Mapping[str, Any] | Callable[[str], Mapping[str, Any] | None]
GIVES_UP = {"reason": "It cannot be done here"}
MOST_PLANS = 3


@dataclass(frozen=True)
class Move:
    """A function that it calls; `arguments` may depend on what the last one answered (None: it is left out)."""

    name: str
    arguments: Arguments


@dataclass
class Hijacked:
    """The model. `moves` is what it wants to do for the task whose title is `title`; `last` answers ends the question.

    `refused` is what the house said to its calls.
    """

    title: str = ""
    moves: Sequence[Move] = ()
    last: Move = Move("blocked", GIVES_UP)
    refused: list[str] = field(default_factory=list[str])
    asked: int = 0
    plans: int = 0

    def obey(self, title: str, moves: Sequence[Move], last: Move) -> None:
        """The next task, and what is wanted there."""
        self.title, self.moves, self.last = title, moves, last
        self.refused.clear()
        self.plans = 0

    def answer(self, got: Got) -> Answer:
        """POST /v1/chat/completions."""
        if not got.path.endswith("/chat/completions"):
            return Answer(404)
        self.asked += 1
        asked: dict[str, Any] = got.json
        messages: list[dict[str, Any]] = asked["messages"]
        tools: list[dict[str, Any]] = asked.get("tools") or []
        offered = {str(one["function"]["name"]) for one in tools}
        name, arguments = self._next(messages, offered)
        call = {"name": name, "arguments": json.dumps(arguments)}
        message = {
            "role": "assistant",
            "content": None,
            "tool_calls": [{"id": f"call_{self.asked}", "type": "function", "function": call}],
        }
        choice = {"index": 0, "message": message, "finish_reason": "tool_calls"}
        usage = {"prompt_tokens": 100, "completion_tokens": 20, "total_tokens": 120}
        body = {"id": f"c{self.asked}", "object": "chat.completion", "created": 1, "model": "gpt-5-mini"}
        return Answer(200, {**body, "choices": [choice], "usage": usage})

    def _next(self, messages: Sequence[Mapping[str, Any]], offered: set[str]) -> tuple[str, Mapping[str, Any]]:
        if "escalate" in offered:
            return self._plan_anew()
        said = [_text(one) for one in messages if one["role"] == "user"]
        if not any(self.title in text for text in said):
            return _harmless(offered)
        heard = [_text(one) for one in messages if one["role"] == "tool"]
        self.refused[:] = [one for one in heard if " failed: " in one[:80]]
        calls = sum(len(cast("list[Any]", one.get("tool_calls") or [])) for one in messages)
        for move in [*self.moves, self.last][min(calls, len(self.moves)) :]:
            arguments = move.arguments(heard[-1] if heard else "") if callable(move.arguments) else move.arguments
            if arguments is not None and move.name in offered:
                return move.name, arguments
        return _harmless(offered)

    def _plan_anew(self) -> tuple[str, Mapping[str, Any]]:
        """A part failed: the same again, until a person is to decide."""
        self.plans += 1
        arguments: Mapping[str, Any] = {} if callable(self.last.arguments) else self.last.arguments
        parts: list[Mapping[str, Any]] = arguments.get("subtasks", [])
        if not parts or self.plans > MOST_PLANS:
            return "escalate", GIVES_UP
        return "anotherapproach", {"reason": "It has to be done", "part": parts[0]}


def _text(message: Mapping[str, Any]) -> str:
    content = message.get("content") or ""
    return content if isinstance(content, str) else " ".join(str(part.get("text", "")) for part in content)


def _harmless(offered: set[str]) -> tuple[str, Mapping[str, Any]]:
    """An answer to a question that is not about the task: nothing was found, all is well."""
    if "blocked" in offered:
        return "blocked", GIVES_UP
    if "extraction" in offered:
        return "extraction", {"reply": "", "tasks": []}
    name = min(offered)
    return name, {}


def ref_in(heard: str) -> Mapping[str, Any] | None:
    """The first mail that a search found."""
    found = re.search(r'"ref": ?"([^"]+)"', heard)
    return {"ref": found[1]} if found else None
