"""What doctor finds: one finding, and how something outside is asked within bounds."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Literal

from core.errors import StewardError

State = Literal["ok", "note", "broken"]
ANSWER_SECONDS = 10


@dataclass(frozen=True)
class Check:
    """One finding. `note` is a default that may be changed; `broken` is something needed that does not work."""

    name: str
    state: State
    said: str
    hint: str = ""


async def attempt(name: str, what: str, remedy: str, action: Callable[[], Awaitable[str]]) -> Check:
    """What `action` says of the service; a failure is broken, and so is one that takes too long."""
    try:
        return Check(name, "ok", await asyncio.wait_for(action(), ANSWER_SECONDS))
    except TimeoutError:
        return Check(name, "broken", f"{what} does not answer within {ANSWER_SECONDS} s")
    except StewardError as error:
        said = f"{error.message}: {error.detail}" if error.detail else error.message
        return Check(name, "broken", f"{what}: {said}", error.hint or remedy)
