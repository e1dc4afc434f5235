"""What doctor finds of a Supabase project: its URL and keys, and whether they go together."""

from typing import Any, cast

from app.security import EVERY_ADDRESS
from cli.finding import ANSWER_SECONDS, Check, which_database
from core.errors import StewardError
from core.settings import Settings
from core.urls import auth_url_of


async def check_project(settings: Settings) -> list[Check]:
    """Does a project answer at SUPABASE_URL, and does it know each key? Says when sign-in pages are off for want of one."""
    from integrations.supabase.auth import confirms_addresses

    found: list[Check] = []
    if lacks := settings.lacks_of_project:
        given = "SUPABASE_URL" if settings.supabase_url else "SUPABASE_PUBLISHABLE_KEY"
        said = f"there are no pages to sign in with Supabase: {given} is set, {lacks} is not"
        found.append(Check("sign-in", "note", said, f"Set {lacks}, too, or take {given} out."))
    if settings.supabase_url is None:
        return found
    named = (
        ("SUPABASE_PUBLISHABLE_KEY", settings.supabase_publishable_key),
        ("SUPABASE_SECRET_KEY", settings.supabase_secret_key),
    )
    known: list[str] = []
    confirms = True
    for variable, key in named:
        if not key:
            continue
        told = await _public_settings(settings.supabase_url, variable, key.get_secret_value())
        if isinstance(told, Check):
            found.append(told)
            if variable not in told.said:  # nothing answers: the other key would be told the same
                return found
        else:
            known.append(variable)
            confirms = confirms_addresses(told)
    if settings.supabase_publishable_key and settings.public_url is None and settings.host in EVERY_ADDRESS:
        said = (
            "no link is mailed and nobody is sent to Google: Steward listens on every address and is not told its own"
        )
        found.append(Check("sign-in", "broken", said, "Set STEWARD_PUBLIC_URL."))
    if not confirms:
        said = "the project confirms no addresses: anybody signs up under any, so invitations are not accepted"
        found.append(Check("sign-in", "broken", said, 'Switch on "Confirm email" under Authentication in the project.'))
    if known:
        found.append(Check("Supabase", "ok", f"{settings.supabase_url} knows {' and '.join(known)}"))
    return found


async def _public_settings(url: str, variable: str, key: str) -> dict[str, Any] | Check:
    """What Auth tells everybody who has this key; else what is wrong with the URL, or with the key."""
    import httpx

    from core.supabase_keys import key_headers

    try:
        async with httpx.AsyncClient(timeout=ANSWER_SECONDS, trust_env=False) as client:
            answer = await client.get(f"{auth_url_of(url)}/settings", headers=key_headers(key))
    except httpx.HTTPError as error:
        said = f"nothing answers at {url} ({str(error) or type(error).__name__})"
        return Check("Supabase", "broken", said, "Look at SUPABASE_URL: https://PROJECT.supabase.co")
    if answer.status_code in {401, 403}:
        hint = "Copy it again from the project's API keys; it goes with SUPABASE_URL."
        return Check("Supabase", "broken", f"{url} does not know {variable}", hint)
    try:
        told: object = answer.json() if answer.status_code < 400 else None
    except ValueError:
        told = None
    if not isinstance(told, dict):
        said = f"what answers at {url} is no Supabase project, or its Auth is off (status {answer.status_code})"
        return Check("Supabase", "broken", said, "Look at SUPABASE_URL: https://PROJECT.supabase.co")
    return cast("dict[str, Any]", told)


async def check_over_http(settings: Settings) -> Check:
    """Does the Supabase project answer over HTTP, and can Steward speak for programs and agents there?"""
    from app.house import worker_lives
    from core.database import Identity
    from core.postgrest import open_postgrest
    from tasks.events import get_newest_event_id

    what = which_database(settings)
    try:
        async with open_postgrest(settings) as database:
            await database.check()
            signs = database.signer is not None
            if speaks := database.can_speak_for(Identity.service()):
                await get_newest_event_id(database.acting_as(Identity.service()))
            is_idle = speaks and not await worker_lives(database)
    except StewardError as error:
        said = f"{what}: {error.message}" + (f": {error.detail}" if error.detail else "")
        return Check("database", "broken", said, error.hint or "Look at SUPABASE_URL.")
    if not signs:
        hint = "SUPABASE_SIGNING_KEY (or SUPABASE_JWT_SECRET) lets programs, agents, Slack and Google in."
        return Check("database", "note", f"{what}: for people who sign in", hint)
    idle = " None is at work now." if is_idle else ""
    return Check("database", "ok", what, f"It is enough for `steward web`; a worker needs STEWARD_DATABASE_URL.{idle}")
