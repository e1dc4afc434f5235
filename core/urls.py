"""Addresses as text."""

from urllib.parse import urlsplit


def auth_url_of(project_url: str) -> str:
    """Where Supabase Auth of a project answers; by default its tokens are from there, too."""
    return project_url.rstrip("/") + "/auth/v1"


def is_url(text: str, schemes: tuple[str, ...]) -> bool:
    """Has the text one of these schemes and a host, and no odd port?"""
    try:
        parts = urlsplit(text)
        return parts.scheme in schemes and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False
