"""Ticket systems: Jira, by a connected account or the settings."""

from agents.services.tickets import Tickets
from core.database import Caller
from jobs.outside.lending import guard_for
from jobs.outside.web import credentials_for
from jobs.outside.world import Given, Service
from tasks.models import Task

HINT = "Set STEWARD_JIRA_URL, STEWARD_JIRA_EMAIL and STEWARD_JIRA_TOKEN (id.atlassian.com, Security, API tokens)."


def services(given: Given) -> dict[type, Service]:
    """`Tickets` is Jira."""
    settings = given.settings
    own = None
    if settings.jira_url and settings.jira_email and settings.jira_token:
        own = {"url": settings.jira_url, "email": settings.jira_email, "token": settings.jira_token.get_secret_value()}

    async def tickets(caller: Caller, task: Task) -> Tickets:
        from integrations.jira.cloud import JiraCloud

        secret, is_own = await credentials_for(given, caller, task, "jira", ["url", "email", "token"], own, HINT)
        guard = await guard_for(given, caller, secret["url"] if is_own else None)
        return JiraCloud.signed_in(secret["url"], secret["email"], secret["token"], guard)

    return {Tickets: Service(tickets, lambda: None if own else HINT, ("jira",))}
