"""Slack for a tenant: the connected workspace of the task's person, else the installation's own token for its owner."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from uuid import UUID

from agents.services.chat import Chat
from core.database import Caller, Identity
from core.errors import StewardError
from core.outside.errors import NotConnected, SignInExpired
from core.vault import Vault
from integrations.slack.workspace import SlackWorkspace
from jobs.outside.lending import is_lent
from jobs.outside.persons import person_of
from jobs.outside.world import Given, Service
from tasks import accounts, slack
from tasks.capture import get_profile
from tasks.models import Task
from tasks.organizations import at_home
from tasks.slack import SlackLink

PROVIDER = "slack"
HINT = "Set STEWARD_SLACK_BOT_TOKEN, or connect a workspace: see docs/guide/slack.md."


def services(given: Given) -> Mapping[type, Service]:
    """`Chat` is the workspace of the task's person."""
    workspaces = Workspaces(given)

    async def reach(caller: Caller, task: Task) -> Chat:
        return await workspaces.of_task(caller, task)

    return {Chat: Service(reach, lambda: None if workspaces.own_token else HINT, (PROVIDER,))}


@dataclass
class Workspaces:
    """Opens workspaces. What the installation's own token is for (its team) is asked once."""

    given: Given
    _own_team: str | None = None
    _asking: asyncio.Lock = field(default_factory=asyncio.Lock)

    @property
    def own_token(self) -> str | None:
        token = self.given.settings.slack_bot_token
        return token.get_secret_value() if token else None

    async def of_task(self, caller: Caller, task: Task) -> SlackWorkspace:
        """The workspace for a task. Raises NotConnected or SignInExpired with what would help."""
        try:
            return await self.of_account(task.organization_id, None, await person_of(caller, task))
        except SignInExpired:
            raise
        except NotConnected:
            if self.own_token and await is_lent(self.given, caller, PROVIDER):
                return self.own()
            raise NotConnected("Slack is not connected", hint=HINT) from None

    async def of_link(self, link: SlackLink) -> SlackWorkspace:
        """The workspace in which a linked person is."""
        if link.account_id is None:
            return self.own()
        return await self.of_account(link.organization_id, link.account_id, None)

    async def of_team(self, team_id: str) -> SlackWorkspace:
        """Any connected workspace of that id: to answer people who are not linked."""
        if self.own_token and await self.own_team() == team_id:
            return self.own()
        service = self.given.database.acting_as(Identity.service())
        for organization_id, account_id in await slack.list_slack_accounts(service, team_id):
            try:
                return await self.of_account(organization_id, account_id, None)
            except NotConnected:
                continue
        raise NotConnected(f"The workspace {team_id} is not connected", hint=HINT)

    async def of_account(self, organization_id: UUID, account_id: UUID | None, user_id: UUID | None) -> SlackWorkspace:
        """The workspace of a connected account."""
        settings = self.given.settings
        service = self.given.database.acting_as(Identity.service(organization_id))
        known = await accounts.list_accounts(service, PROVIDER)
        if not known:
            raise NotConnected("Slack is not connected", hint=HINT)
        vault = await asyncio.to_thread(Vault.from_settings, settings)
        account, secret = await accounts.open_account(service, vault, organization_id, PROVIDER, account_id, user_id)

        async def expire(error: SignInExpired) -> None:
            await accounts.expire_account(service, account.id, error.message, version=account.secret_version)

        return SlackWorkspace(str(secret["bot_token"]), api_url=settings.slack_api_url, on_expired=expire)

    def own(self) -> SlackWorkspace:
        """The workspace of the installation's own token. Raises NotConnected without one."""
        if self.own_token is None:
            raise NotConnected("Slack is not connected", hint=HINT)
        return SlackWorkspace(self.own_token, api_url=self.given.settings.slack_api_url)

    async def own_team(self) -> str | None:
        """The id of the workspace that the installation's own token is for; None without one, or where Slack refuses it."""
        if self.own_token is None:
            return None
        async with self._asking:
            if self._own_team is None:
                try:
                    self._own_team = str((await self.own().whoami()).get("team_id") or "") or None
                except NotConnected:
                    return None
            return self._own_team

    async def link_owner(self, owner: Identity) -> None:
        """The member that STEWARD_SLACK_USER names is the local owner. Quiet where Slack is not set up so."""
        member = self.given.settings.slack_user
        if member is None or owner.user_id is None or (team := await self.own_team()) is None:
            return
        profile = await get_profile(await at_home(self.given.database.acting_as(owner)))
        service = self.given.database.acting_as(Identity.service(UUID(profile["organization"]["id"])))
        known = await slack.resolve_slack_user(service, team, member)
        if known is None or known.account_id is not None:
            await slack.link_slack_user(service, owner.user_id, team, member)


def says(error: StewardError) -> str:
    """An error in one line, with what would help."""
    return f"{error.message}. {error.hint}" if error.hint else f"{error.message}."
