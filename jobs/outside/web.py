"""The web: guarded requests, pages, search; and the credentials that other services of a plan's tools are opened with."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from agents.services.web import HttpClient, PageReader, WebSearch
from core.database import Caller
from core.outside.errors import NotConnected, SignInExpired
from jobs.outside.world import Given, Service
from tasks import accounts
from tasks.mail import serves_owner
from tasks.models import Task

if TYPE_CHECKING:
    from integrations.web.guard import Guard

Credentials = Mapping[str, str]
TAVILY_HINT = "Set TAVILY_API_KEY to a key from https://app.tavily.com."


def services(given: Given) -> dict[type, Service]:
    """Requests and pages need nothing; searching needs a key."""

    async def client(caller: Caller, task: Task) -> HttpClient:
        from integrations.web.client import WebClient

        return WebClient(guard_of(given))

    async def reader(caller: Caller, task: Task) -> PageReader:
        from integrations.web.client import WebClient
        from integrations.web.reader import WebReader

        return WebReader(WebClient(guard_of(given)))

    async def search(caller: Caller, task: Task) -> WebSearch:
        from integrations.web.tavily import TavilySearch

        settings = given.settings
        own = {"key": settings.tavily_api_key.get_secret_value()} if settings.tavily_api_key else None
        secret, _ = await credentials_for(given, caller, task, "tavily", ["key"], own, TAVILY_HINT)
        return TavilySearch(secret["key"], settings.tavily_url, guard_of(given))

    def lacks_search() -> str | None:
        return None if given.settings.tavily_api_key else TAVILY_HINT

    return {
        HttpClient: Service(client),
        PageReader: Service(reader),
        WebSearch: Service(search, lacks_search, ("tavily",)),
    }


def guard_of(given: Given) -> "Guard":
    """The guard of this installation."""
    from integrations.web.guard import Guard

    return Guard.from_settings(given.settings)


async def credentials_for(
    given: Given, caller: Caller, task: Task, provider: str, names: Sequence[str], own: Credentials | None, hint: str
) -> tuple[Credentials, bool]:
    """What to sign in with for the tenant of a task, and whether it stands in the settings, as the owner of the
    installation wrote it: an account that the tenant connected, else for the local owner that of the settings.

    Raises NotConnected with what to set, SignInExpired.
    """
    from core.vault import Vault

    try:
        vault, organization_id = Vault.from_settings(given.settings), task.organization_id
        service = accounts.service_of(caller, organization_id)
        _, secret = await accounts.open_account(service, vault, organization_id, provider, user_id=task.created_by)
    except NotConnected as error:
        if type(error) is not NotConnected:
            raise  # connected once, and has to be connected again
        if own is not None and await serves_owner(caller, given.settings.owner_email):
            return own, True
        raise NotConnected(f"{provider.capitalize()} is not connected", hint=hint) from None
    if missing := [name for name in names if not secret.get(name)]:
        raise SignInExpired(f"The {provider} account has no {', '.join(missing)}", hint=hint)
    return {name: str(value) for name, value in secret.items()}, False
