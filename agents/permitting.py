"""Standing permissions as people give them: what one can be for, and what one would have let through in the past."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from agents.tools.tool import AnyTool
from core.database import Caller
from tasks import accounts, policies
from tasks.actions import ALWAYS_ASK, Effect, Permission
from tasks.capture import get_profile
from tasks.policies import PastAction
from tasks.replay import Replay, replay

DAYS = 90
WORDS = {
    "email_send": "Send mail",
    "slack_notification": "Post in Slack",
    "calendar_event": "Make or change an event with others",
    "jira_ticket": "Write a Jira ticket",
    "record_update": "Change a record",
    "http_request": "Send to a web service",
}
SENDING = ("email_send", "slack_notification")


def actions_of(tools: Mapping[str, AnyTool]) -> dict[str, str]:
    """What a permission can be given for, in words: sending, and every act that does not always ask or is one's own."""
    acts = [
        tool.name
        for tool in tools.values()
        if tool.kind == "act" and tool.effect not in ALWAYS_ASK and tool.effect is not Effect.OWN_WRITE
    ]
    return {name: in_words(name) for name in dict.fromkeys([*SENDING, *sorted(acts)])}


def in_words(action: str) -> str:
    """An action as people call it."""
    return WORDS.get(action, action.replace("_", " ").capitalize())


@dataclass
class Past:
    """What was done in the last days, read once for each action."""

    caller: Caller
    tools: Mapping[str, AnyTool]
    days: int = DAYS
    _history: dict[str, list[PastAction]] = field(default_factory=dict[str, list[PastAction]])
    _own: list[str] | None = None

    async def under(self, permission: Permission) -> Replay:
        """What the permission would have let through."""
        name = permission.action
        if name not in self._history:
            self._history[name] = await policies.list_sent_history(self.caller, name, self.days)
        if self._own is None:
            self._own = await _own_addresses(self.caller)
        tool = self.tools.get(name)
        effect = Effect.SEND if tool is None or tool.effect is None else tool.effect
        return replay(self._history[name], permission, self._own, effect)


async def _own_addresses(caller: Caller) -> list[str]:
    profile = await get_profile(caller)
    connected = [one.address for one in await accounts.list_accounts(caller) if "@" in one.address]
    return list(dict.fromkeys([*([str(profile["email"])] if profile.get("email") else []), *connected]))
