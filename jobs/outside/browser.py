"""The browser: one of this process, a context of its own for each task, its state sealed to tenant and task."""

from collections.abc import Iterable
from uuid import UUID

from agents.services.browser import Browser, BrowserSession
from core.database import Caller
from core.outside.errors import NotConnected
from core.vault import Vault
from jobs.outside.lending import SITES, guard_for, is_lent
from jobs.outside.persons import person_of
from jobs.outside.world import Given, Service
from tasks import accounts
from tasks.models import Task

SITE = "site"  # the provider of a stored sign-in: its address is the site's host


class HouseBrowser:
    """Fulfils `agents.services.browser.Browser` for one task."""

    def __init__(self, given: Given, caller: Caller, task: Task) -> None:
        self._given = given
        self._caller = caller
        self._task = task
        self._vault = Vault.from_settings(given.settings)

    async def session(self, task_id: UUID, sites: Iterable[str], *, stored: str | None = None) -> BrowserSession:
        from integrations.browser.sessions import sessions_of_this_process

        everywhere = [site for site in self._given.settings.browser_sites.split(",") if site.strip()]
        if everywhere and not await is_lent(self._given, self._caller, SITES):
            everywhere = []
        guard = await guard_for(self._given, self._caller)
        sessions = sessions_of_this_process(self._given.settings.browser_program)
        return await sessions.of_task(task_id, [*sites, *everywhere], guard.vetted, stored=stored)

    def seal(self, text: str) -> str:
        return self._vault.seal({"text": text}, self._task.organization_id, self._task.id)

    def unseal(self, sealed: str) -> str:
        return str(self._vault.open(sealed, self._task.organization_id, self._task.id)["text"])

    async def secret(self, site: str, name: str) -> str:
        """A stored user name or password of the person whose task it is. Raises NotConnected, SignInExpired."""
        service = accounts.service_of(self._caller, self._task.organization_id)
        person = await person_of(self._caller, self._task)
        for account in await accounts.list_accounts(service, SITE):
            if account.address == site and account.user_id == person:
                _, secret = await accounts.open_account(
                    service, self._vault, self._task.organization_id, SITE, account.id
                )
                return str(secret[name])
        raise NotConnected(
            f"No sign-in is stored for {site}",
            hint=f"Store one on the page of the task, at /tasks/{self._task.id}/browser.",
        )


def services(given: Given) -> dict[type, Service]:
    """A browser that is installed, or Playwright's; looked for when the first page is wanted."""

    async def browser(caller: Caller, task: Task) -> HouseBrowser:
        return HouseBrowser(given, caller, task)

    def lacks() -> str | None:
        from integrations.browser.chromium import HOW_TO_ADD, found_program

        return None if found_program(given.settings.browser_program) else HOW_TO_ADD

    return {Browser: Service(browser, lacks)}
