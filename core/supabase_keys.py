"""How the keys of a Supabase project are shown to its services."""


def key_headers(key: str, bearer: str | None = None) -> dict[str, str]:
    """The headers of a request with this key, and with somebody's own token where there is one.

    Keys of the new form (sb_...) only name the caller; the old ones are JWTs, and say by themselves whose role it is.
    """
    shown = bearer or (None if key.startswith("sb_") else key)
    return {"apikey": key, **({"Authorization": f"Bearer {shown}"} if shown else {})}
