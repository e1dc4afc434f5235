"""The card of the session on the settings page: who is signed in, how, and the way out."""

from dataclasses import dataclass

from fastapi import Request

from app.cookies import own_cookies
from app.dependencies import person_session
from app.person_session import COOKIE, How
from core.database import Caller
from tasks.capture import get_profile

WORDS: dict[How, str] = {
    "password": "with your password",  # nosec B105 # words for people
    "sign_up": "since you made the account",
    "link": "with a link that was mailed to you",
    "google": "with Google",
    "invite": "with the invitation that was mailed to you",
    "recovery": "with the link to a new password",
}


@dataclass(frozen=True)
class SessionCard:
    """Who is signed in and how; `is_of_project` where Supabase Auth keeps the session."""

    who: str
    how: str
    is_of_project: bool


async def session_card(request: Request, caller: Caller) -> SessionCard | None:
    """The session of this browser; None where a program asks with a token."""
    session = person_session(request)
    if session is not None:
        return SessionCard(session.email or "you", WORDS[session.how], is_of_project=True)
    if COOKIE in own_cookies(request):
        address = (await get_profile(caller)).get("email")
        return SessionCard(address or "you", "with the one-time link that Steward printed", is_of_project=False)
    return None
