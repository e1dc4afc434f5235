"""Services that one signs in to with a key, a token or an address: what an account of each needs."""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from core.errors import Invalid, NotFound
from core.urls import is_url

HTTP, POSTGRES = ("https", "http"), ("postgresql", "postgres")
LONGEST = 4000


@dataclass(frozen=True)
class Keyed:
    """Fields of a secret: those that must be there, those that may, and the schemes of those that are addresses."""

    needs: tuple[str, ...]
    may: tuple[str, ...] = ()
    schemes: Mapping[str, tuple[str, ...]] | None = None


KEYED: Mapping[str, Keyed] = {
    "tavily": Keyed(("key",)),
    "jira": Keyed(("url", "email", "token"), schemes={"url": HTTP}),
    "github": Keyed(("token",)),
    "hubspot": Keyed(("token",)),
    "cicd": Keyed(("url", "secret"), schemes={"url": HTTP}),
    "supabase": Keyed(("url", "key"), schemes={"url": HTTP}),
    "postgres": Keyed(("url",), schemes={"url": POSTGRES}),
    "postgres_records": Keyed(("url",), schemes={"url": POSTGRES}),
    "rest_records": Keyed(("url",), ("token",), schemes={"url": HTTP}),
}


def checked_secret(provider: str, secret: Mapping[str, str]) -> tuple[str, dict[str, str]]:
    """What the account is called (its host, else the provider), and the secret with only what belongs to it.

    Raises NotFound for a provider that is not signed in to so, Invalid that names the field; never with its value.
    """
    keyed = KEYED.get(provider)
    if keyed is None:
        raise NotFound(
            f"{provider} is not connected with a key", hint=f"These are: {', '.join(KEYED)}. Others: see /settings."
        )
    given = {name: value.strip() for name, value in secret.items()}
    for name in given.keys() - {*keyed.needs, *keyed.may}:
        raise _wrong(name[:40], f"is no part of it; there is {', '.join((*keyed.needs, *keyed.may))}")
    for name in keyed.needs:
        if not given.get(name):
            raise _wrong(name, "is missing")
    for name, value in given.items():
        if len(value) > LONGEST or not value.isprintable():
            raise _wrong(name, f"is one line of {LONGEST:,} characters at most")
        schemes = (keyed.schemes or {}).get(name)
        if schemes and not is_url(value, schemes):
            raise _wrong(name, f"is an address like {schemes[0]}://host")
    return (urlsplit(given["url"]).hostname or provider) if "url" in given else provider, given


def _wrong(name: str, message: str) -> Invalid:
    return Invalid(f"{name} {message}", errors=[{"field": f"secret.{name}", "message": message}])
