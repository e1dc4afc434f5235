"""The command settings: every setting, what it means, what it is now; and the page of the guide made out of the same."""

import os
from dataclasses import asdict, dataclass
from typing import Annotated, Any

import typer
from pydantic import SecretStr
from pydantic_core import PydanticUndefined
from rich.text import Text

from cli.door import DoorCommand, JsonOption
from cli.output import Output, one_line
from core.settings import Settings, load_settings, variable_name

GROUPS: tuple[tuple[str, tuple[str, ...]], ...] = (
    (
        "House",
        (
            "home",
            "host",
            "port",
            "database_",
            "public_url",
            "secret_key",
            "encryption_",
            "max_body",
            "requests_",
            "streams_",
            "sign_in_",
            "trusted_",
            "log_",
        ),
    ),
    ("Supabase", ("supabase_",)),
    ("Files", ("artifact_",)),
    ("Person", ("timezone", "now", "owner_", "notes_folder")),
    ("Language models", ("openai_", "model")),
    ("Mail", ("smtp_", "mail_", "imap_", "resend_", "alert_")),
    ("Google", ("google_",)),
    ("Calendar", ("calendar_",)),
    ("Slack", ("slack_",)),
    ("Browser", ("browser_",)),
    (
        "Tools",
        ("shared_tools", "mcp_", "private_", "tavily_", "jira_", "github_", "hubspot_", "cicd_", "query_", "records_"),
    ),
    ("Work", ("worker_", "task_")),
    (
        "Ahead of being asked",
        (
            "proactive",
            "daily_",
            "quiet_",
            "digest_",
            "mute_",
            "watch_",
            "travel_",
            "learn_",
            "learning_",
            "calibration_",
        ),
    ),
    ("Agents of others", ("agent_", "execution_")),
    ("Operations", ("metrics_", "otlp_", "cleanup_", "archive_", "remove_", "keep_")),
)
HEAD = """# Settings

Every setting is an environment variable; none is needed. `steward settings` shows what each is now, `steward doctor` whether it works.
This page is made by `steward settings --markdown`.

Variables may also stand in a file: `settings.toml` or `settings.json` in `STEWARD_HOME`, or the one that `STEWARD_SETTINGS_FILE` names. What the
environment says goes before it; a name that there is not is refused. Where it holds keys, let nobody else read it (`chmod 600`).

```toml
STEWARD_PORT = 8766
STEWARD_TIMEZONE = "Europe/Berlin"
STEWARD_ALERT_RECIPIENTS = ["ana@example.org", "oncall@example.org"]
```
"""


@dataclass(frozen=True)
class Setting:
    """A setting; `value` is shown only where it is no secret."""

    group: str
    variable: str
    description: str
    default: str
    is_secret: bool
    is_set: bool
    value: str


def register(app: typer.Typer) -> None:
    """Put this command on the command line."""
    app.command("settings", cls=DoorCommand, rich_help_panel="House")(settings_command)


def settings_command(
    markdown: Annotated[bool, typer.Option("--markdown", help="As the page of the guide.")] = False,
    as_json: JsonOption = False,
) -> None:
    """List every setting: its variable, what it means, what it is now."""
    if markdown:
        typer.echo(as_markdown(), nl=False)
        return
    found = read_settings(load_settings())
    out = Output(as_json)
    out.data([asdict(one) for one in found])
    width = max(len(one.variable) for one in found)
    for group, _ in GROUPS:
        out.say("", Text(group, "bold"))
        for one in (one for one in found if one.group == group):
            mark = ("●", "green") if one.is_set else ("·", "dim")
            shown = f"{one_line(one.value)}  " if one.value else ""
            out.say(Text.assemble("  ", mark, f" {one.variable:<{width}}  ", shown, (one.description, "dim")))


def read_settings(settings: Settings) -> list[Setting]:
    """Every setting in the order of the guide."""
    order = [group for group, _ in GROUPS]
    found = [_setting(name, getattr(settings, name)) for name in Settings.model_fields]
    return sorted(found, key=lambda one: order.index(one.group))


def as_markdown() -> str:
    """The page of the guide; the same on every machine."""
    parts = [HEAD]
    found = [_setting(name, None) for name in Settings.model_fields]
    for group, _ in GROUPS:
        parts.append(f"\n## {group}\n\n| variable | meaning | default |\n|---|---|---|\n")
        for one in (one for one in found if one.group == group):
            cells = (f"`{one.variable}`", one.description, f"`{one.default}`" if one.default else "")
            parts.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |\n")
    return "".join(parts)


def _setting(name: str, value: Any) -> Setting:
    field = Settings.model_fields[name]
    variable = variable_name(name)
    is_secret = "SecretStr" in str(field.annotation)
    is_set = bool(os.environ.get(variable, "").strip())
    shown = "" if value is None or isinstance(value, SecretStr) else str(value)
    return Setting(
        group=group_of(name),
        variable=variable,
        description=field.description or "",
        default="" if field.default in (None, PydanticUndefined) else str(field.default),
        is_secret=is_secret,
        is_set=is_set,
        value="(not shown)" if is_secret and is_set else shown,
    )


def group_of(name: str) -> str:
    """The group of a setting, by the longest beginning of its name that is listed."""
    fitting = [(len(start), group) for group, starts in GROUPS for start in starts if name.startswith(start)]
    return max(fitting)[1]
