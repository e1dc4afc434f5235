"""Code hosts and pipelines: GitHub and signed webhooks, by a connected account or the settings."""

from agents.services.code import CodeHost, Pipelines
from core.database import Caller
from jobs.addresses import web_address
from jobs.outside.lending import guard_for
from jobs.outside.web import credentials_for
from jobs.outside.world import Given, Service
from tasks.models import Task

GITHUB_HINT = "Set STEWARD_GITHUB_TOKEN to a token that may read the repository's contents, pull requests and checks."
PIPELINE_HINT = "Set STEWARD_CICD_URL and STEWARD_CICD_SECRET (whsec_ and at least 24 random bytes in base64)."


def services(given: Given) -> dict[type, Service]:
    """`CodeHost` is GitHub, `Pipelines` a signed webhook."""
    settings = given.settings
    github = {"token": settings.github_token.get_secret_value()} if settings.github_token else None
    pipeline = None
    if settings.cicd_url and settings.cicd_secret:
        pipeline = {"url": settings.cicd_url, "secret": settings.cicd_secret.get_secret_value()}

    async def code_host(caller: Caller, task: Task) -> CodeHost:
        from integrations.github.rest import GitHub

        secret, _ = await credentials_for(given, caller, task, "github", ["token"], github, GITHUB_HINT)
        # The address stands in the settings, whoever's token it is.
        guard = await guard_for(given, caller, settings.github_url)
        return GitHub.signed_in(settings.github_url, secret["token"], guard)

    async def pipelines(caller: Caller, task: Task) -> Pipelines:
        from integrations.cicd.webhook import WebhookPipelines

        secret, is_own = await credentials_for(given, caller, task, "cicd", ["url", "secret"], pipeline, PIPELINE_HINT)
        guard = await guard_for(given, caller, secret["url"] if is_own else None)
        return WebhookPipelines(secret["url"], secret["secret"], guard, web_address(given.settings))

    return {
        CodeHost: Service(code_host, lambda: None if github else GITHUB_HINT, ("github",)),
        Pipelines: Service(pipelines, lambda: None if pipeline else PIPELINE_HINT, ("cicd",)),
    }
