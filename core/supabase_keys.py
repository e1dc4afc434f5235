"""The keys of a Supabase project: what kind one is, and how it is shown to the project's services."""

import json
from base64 import urlsafe_b64decode
from typing import Any, Literal

Kind = Literal["secret", "publishable"]
KINDS: tuple[Kind, ...] = ("secret", "publishable")
OLD_ROLES: dict[str, Kind] = {"service_role": "secret", "anon": "publishable"}


def key_headers(key: str, bearer: str | None = None) -> dict[str, str]:
    """The headers of a request with this key, and with somebody's own token where there is one.

    Keys of the new form (sb_...) only name the caller; the old ones are JWTs, and say by themselves whose role it is.
    """
    shown = bearer or (None if key.startswith("sb_") else key)
    return {"apikey": key, **({"Authorization": f"Bearer {shown}"} if shown else {})}


def kind_of_key(key: str) -> Kind | None:
    """What a key of a project is by its own words: new ones by how they begin, old ones (JWTs) by the claim `role`."""
    for kind in KINDS:
        if key.startswith(f"sb_{kind}_"):
            return kind
    try:
        body = key.split(".")[1]
        claims: Any = json.loads(urlsafe_b64decode(body + "=" * (-len(body) % 4)))
        return OLD_ROLES.get(claims["role"])
    except (ValueError, LookupError, TypeError):
        return None  # another kind, which the project itself knows or does not
