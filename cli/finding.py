"""What doctor finds: one finding, and how something outside is asked within bounds."""

import asyncio
import os
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Literal

from core.errors import StewardError
from core.settings import Settings

State = Literal["ok", "note", "broken"]
ANSWER_SECONDS = 10
NAME_A_DATABASE = ("STEWARD_DATABASE_URL", "SUPABASE_URL")


@dataclass(frozen=True)
class Check:
    """One finding. `note` is a default that may be changed; `broken` is something needed that does not work."""

    name: str
    state: State
    said: str
    hint: str = ""


def which_database(settings: Settings) -> str:
    """Which database is used, and the settings that say so: "embedded, in /home/ana/steward (... are not set)"."""
    if settings.database_url:
        return "your own Postgres (STEWARD_DATABASE_URL)"
    if settings.is_over_http:
        return f"Supabase over HTTP, {settings.supabase_url}"
    empty = [name for name in NAME_A_DATABASE if os.environ.get(name) == ""]
    unset = NAME_A_DATABASE[:1] if settings.supabase_url else NAME_A_DATABASE
    why = f"{' and '.join(unset)} {'is' if settings.supabase_url else 'are'} not set"
    also = f"; empty, as {' and '.join(empty)} {'are' if empty[1:] else 'is'}, counts as not set" if empty else ""
    return f"embedded, in {settings.home} ({why}{also})"


async def attempt(name: str, what: str, remedy: str, action: Callable[[], Awaitable[str]]) -> Check:
    """What `action` says of the service; a failure is broken, and so is one that takes too long."""
    try:
        return Check(name, "ok", await asyncio.wait_for(action(), ANSWER_SECONDS))
    except TimeoutError:
        return Check(name, "broken", f"{what} does not answer within {ANSWER_SECONDS} s")
    except StewardError as error:
        said = f"{error.message}: {error.detail}" if error.detail else error.message
        return Check(name, "broken", f"{what}: {said}", error.hint or remedy)
