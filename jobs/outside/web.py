"""The web: guarded requests, pages, search; and the credentials that other services of a plan's tools are opened with."""

from collections.abc import Mapping, Sequence

from agents.services.web import HttpClient, PageReader, WebSearch
from core.database import Caller
from core.outside.errors import NotConnected, SignInExpired
from jobs.outside.lending import guard_for, is_lent
from jobs.outside.persons import person_of
from jobs.outside.world import NOT_LENT, Given, Service
from tasks import accounts
from tasks.models import Task

Credentials = Mapping[str, str]
TAVILY_HINT = "Set TAVILY_API_KEY to a key from https://app.tavily.com."


def services(given: Given) -> dict[type, Service]:
    """Requests and pages need nothing; searching needs a key."""

    async def client(caller: Caller, task: Task) -> HttpClient:
        from integrations.web.client import WebClient

        return WebClient(await guard_for(given, caller))

    async def reader(caller: Caller, task: Task) -> PageReader:
        from integrations.web.client import WebClient
        from integrations.web.reader import WebReader

        return WebReader(WebClient(await guard_for(given, caller)))

    async def search(caller: Caller, task: Task) -> WebSearch:
        from integrations.web.tavily import TavilySearch

        settings = given.settings
        own = {"key": settings.tavily_api_key.get_secret_value()} if settings.tavily_api_key else None
        secret, _ = await credentials_for(given, caller, task, "tavily", ["key"], own, TAVILY_HINT)
        return TavilySearch(secret["key"], settings.tavily_url, await guard_for(given, caller))

    def lacks_search() -> str | None:
        return None if given.settings.tavily_api_key else TAVILY_HINT

    return {
        HttpClient: Service(client),
        PageReader: Service(reader),
        WebSearch: Service(search, lacks_search, ("tavily",)),
    }


async def credentials_for(
    given: Given, caller: Caller, task: Task, provider: str, names: Sequence[str], own: Credentials | None, hint: str
) -> tuple[Credentials, bool]:
    """What to sign in with for the tenant of a task, and whether it stands in the settings, as the owner of the
    installation wrote it: an account that the task's person connected, else that of the settings where it is lent to them.

    Raises NotConnected with what to set, SignInExpired.
    """
    from core.vault import Vault

    try:
        vault, organization_id = Vault.from_settings(given.settings), task.organization_id
        service = accounts.service_of(caller, organization_id)
        person = await person_of(caller, task)
        _, secret = await accounts.open_account(service, vault, organization_id, provider, user_id=person)
    except NotConnected as error:
        if type(error) is not NotConnected:
            raise  # connected once, and has to be connected again
        if own is not None and await is_lent(given, caller, provider):
            return own, True
        raise NotConnected(
            f"{provider.capitalize()} is not connected", hint=hint if own is None else NOT_LENT
        ) from None
    if missing := [name for name in names if not secret.get(name)]:
        raise SignInExpired(f"The {provider} account has no {', '.join(missing)}", hint=hint)
    return {name: str(value) for name, value in secret.items()}, False
