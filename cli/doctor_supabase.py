"""What doctor finds of a Supabase project: its URL and keys, and whether they go together."""

from collections.abc import Sequence

from pydantic import SecretStr

from app.security import EVERY_ADDRESS
from cli.finding import ANSWER_SECONDS, Check
from core.errors import StewardError
from core.settings import Settings


async def check_project(settings: Settings) -> list[Check]:
    """Does a project answer at SUPABASE_URL, and does it know each key? Says when sign-in pages are off for want of one."""
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
    for variable, key in named:
        if not key:
            continue
        if wrong := await _refusal(settings.supabase_url, variable, key.get_secret_value()):
            found.append(wrong)
            if variable not in wrong.said:  # nothing answers: the other key would be told the same
                return found
        else:
            known.append(variable)
    if settings.supabase_publishable_key and settings.public_url is None and settings.host in EVERY_ADDRESS:
        said = (
            "no link is mailed and nobody is sent to Google: Steward listens on every address and is not told its own"
        )
        found.append(Check("sign-in", "broken", said, "Set STEWARD_PUBLIC_URL."))
    if known and not await _confirms(settings.supabase_url, named):
        said = "the project confirms no addresses: anybody signs up under any, so invitations are not accepted"
        found.append(Check("sign-in", "broken", said, 'Switch on "Confirm email" under Authentication in the project.'))
    if known:
        found.append(Check("Supabase", "ok", f"{settings.supabase_url} knows {' and '.join(known)}"))
    return found


async def _refusal(url: str, variable: str, key: str) -> Check | None:
    """What is wrong with the URL, or with this key, by Auth's public settings; None: nothing."""
    import httpx

    from integrations.supabase.auth import key_headers

    try:
        async with httpx.AsyncClient(timeout=ANSWER_SECONDS, trust_env=False) as client:
            answer = await client.get(f"{url.rstrip('/')}/auth/v1/settings", headers=key_headers(key))
    except httpx.HTTPError as error:
        said = f"nothing answers at {url} ({str(error) or type(error).__name__})"
        return Check("Supabase", "broken", said, "Look at SUPABASE_URL: https://PROJECT.supabase.co")
    if answer.status_code in {401, 403}:
        hint = "Copy it again from the project's API keys; it goes with SUPABASE_URL."
        return Check("Supabase", "broken", f"{url} does not know {variable}", hint)
    if answer.status_code >= 400 or "json" not in answer.headers.get("content-type", ""):
        said = f"what answers at {url} is no Supabase project, or its Auth is off (status {answer.status_code})"
        return Check("Supabase", "broken", said, "Look at SUPABASE_URL: https://PROJECT.supabase.co")
    return None


async def _confirms(url: str, named: Sequence[tuple[str, SecretStr | None]]) -> bool:
    import httpx

    from integrations.supabase.auth import confirms_addresses, key_headers

    key = next(key.get_secret_value() for _, key in named if key)
    try:
        async with httpx.AsyncClient(timeout=ANSWER_SECONDS, trust_env=False) as client:
            answer = await client.get(f"{url.rstrip('/')}/auth/v1/settings", headers=key_headers(key))
        return confirms_addresses(answer.json())
    except (httpx.HTTPError, ValueError, AttributeError):
        return False


async def check_over_http(settings: Settings) -> Check:
    """Does the Supabase project answer over HTTP, and can Steward speak for programs and agents there?"""
    from app.house import worker_lives
    from core.database import Identity
    from core.postgrest import open_postgrest

    what = f"Supabase over HTTP, {settings.supabase_url}"
    try:
        async with open_postgrest(settings) as database:
            await database.check()
            signs = database.signer is not None
            if speaks := database.can_speak_for(Identity.service()):
                await database.call("get_newest_event_id", Identity.service(), {})
            is_idle = speaks and not await worker_lives(database)
    except StewardError as error:
        said = f"{what}: {error.message}" + (f": {error.detail}" if error.detail else "")
        return Check("database", "broken", said, error.hint or "Look at SUPABASE_URL.")
    if not signs:
        hint = "SUPABASE_SIGNING_KEY (or SUPABASE_JWT_SECRET) lets programs, agents, Slack and Google in."
        return Check("database", "note", f"{what}: for people who sign in", hint)
    idle = " None is at work now." if is_idle else ""
    return Check("database", "ok", what, f"It is enough for `steward web`; a worker needs STEWARD_DATABASE_URL.{idle}")
