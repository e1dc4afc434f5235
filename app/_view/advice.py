"""What a person is advised: what only whoever runs this Steward can do is said to the owner alone."""

import re
from collections.abc import Mapping

from fastapi import Request
from jinja2 import pass_context
from jinja2.runtime import Context

from app.seen import house_of

ASK = "Ask whoever runs this Steward"
OF_OPERATORS = re.compile(r"\b(?:STEWARD|OPENAI|SUPABASE|RESEND|TAVILY)_[A-Z_]+|\bdocs/guide/")
GUIDE = re.compile(r"\bdocs/guide/([a-z-]+)\.md")
GUIDES: Mapping[str, str] = {
    "artifacts": "Files, and where they lie",
    "aws": "On AWS",
    "google": "Google: Gmail and Google Calendar",
    "mail": "Mail without Google",
    "organizations": "Organizations",
    "slack": "Slack",
    "tools": "The tools of a plan",
}
"""Guides that sentences name, by their file: a page calls them by their title, as a reader of it has no checkout."""
PARTS = re.compile(r"[;.]\s+|,? or (?=set\b)")


def is_owner(request: Request) -> bool:
    """Is whoever asks the owner of the installation?"""
    owner, identity = house_of(request).owner, request.scope.get("state", {}).get("identity")
    return owner.user_id is not None and identity is not None and identity.user_id == owner.user_id


def advice_for(text: str | None, *, owner: bool) -> str:
    """The advice without its full stop; for others than the owner without what only who runs this Steward can do."""
    words = (text or "").rstrip(". ")
    if owner or not OF_OPERATORS.search(words):
        return words
    kept = [part for part in PARTS.split(words) if not OF_OPERATORS.search(part)]
    return "; ".join(kept) or ASK


@pass_context
def advice(context: Context, text: str | None, whole: bool = False) -> str:
    """The filter of templates; `whole`: with the full stop that it has."""
    said = advice_for(text, owner=is_owner(context["request"]))
    if whole:
        said = text or "" if said == (text or "").rstrip(". ") else f"{said}."
    return GUIDE.sub(called, said)


def called(guide: re.Match[str]) -> str:
    """A guide by its title; one that no sentence of the product names keeps its path."""
    title = GUIDES.get(guide[1])
    return f"the guide “{title}”" if title else guide[0]
