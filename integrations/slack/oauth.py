"""Installing Steward's app into a workspace by OAuth (docs.slack.dev, "Installing with OAuth")."""

from dataclasses import dataclass
from typing import Any, cast
from urllib.parse import urlencode, urljoin

from core.outside.errors import Malformed, Refused, SignInExpired
from integrations.slack.web import SlackWeb

BOT_SCOPES = (
    "app_mentions:read",
    "channels:history",
    "channels:join",
    "channels:read",
    "chat:write",
    "chat:write.public",
    "commands",
    "groups:history",
    "groups:read",
    "im:history",
    "im:read",
    "im:write",
    "users:read",
    "users:read.email",
)


@dataclass(frozen=True)
class Installation:
    """The app in a workspace: its token there, and who installed it."""

    bot_token: str
    bot_user_id: str
    team_id: str
    team_name: str
    installer: str
    scopes: tuple[str, ...]


def install_url(api_url: str, client_id: str, redirect_uri: str, state: str) -> str:
    """Where a person goes to install the app."""
    query = {"client_id": client_id, "scope": ",".join(BOT_SCOPES), "redirect_uri": redirect_uri, "state": state}
    return f"{urljoin(api_url, '../oauth/v2/authorize')}?{urlencode(query)}"


async def redeem_code(api_url: str, client_id: str, client_secret: str, code: str, redirect_uri: str) -> Installation:
    """What a code that came back is worth. Raises Refused, Temporary, Malformed."""
    answer = await SlackWeb("", api_url).read(
        "oauth.v2.access", client_id=client_id, client_secret=client_secret, code=code, redirect_uri=redirect_uri
    )
    team = answer.get("team")
    if answer.get("is_enterprise_install") or team is None:
        raise Refused("Steward's app is installed into one workspace, not into a whole organization")
    known, installer = cast("dict[str, Any]", team), cast("dict[str, Any]", answer.get("authed_user") or {})
    found = Installation(
        bot_token=str(answer.get("access_token") or ""),
        bot_user_id=str(answer.get("bot_user_id") or ""),
        team_id=str(known.get("id") or ""),
        team_name=str(known.get("name") or ""),
        installer=str(installer.get("id") or ""),
        scopes=tuple(scope for scope in str(answer.get("scope") or "").split(",") if scope),
    )
    if not (found.bot_token and found.team_id and found.installer):
        raise Malformed("Slack's answer to the installation lacks the token, the workspace or who installed it")
    return found


async def revoke(api_url: str, bot_token: str) -> bool:
    """Tell Slack that the token ends (auth.revoke); True when it is gone there, also when it was before.

    The last token of an app in a workspace takes the app out of it. Raises Refused, Temporary, Uncertain.
    """
    try:
        answer = await SlackWeb(bot_token, api_url).act("auth.revoke")
    except SignInExpired:
        return True
    return answer.get("revoked") is True
