"""A file of settings stands in for variables of the environment, which go before it."""

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.errors import Invalid
from core.settings import Settings, load_settings, variable_name

TOML = """
# what I would rather not export
STEWARD_PORT = 8766
STEWARD_TIMEZONE = "Europe/Berlin"
STEWARD_LEARN_THRESHOLDS = false
STEWARD_ALERT_RECIPIENTS = ["ana@example.org", "oncall@example.org"]
AWS_REGION = "eu-central-1"
"""


@pytest.fixture(autouse=True)
def home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Path]:
    before = dict(os.environ)
    for field in Settings.model_fields:
        monkeypatch.delenv(variable_name(field), raising=False)
    for name in ("STEWARD_SETTINGS_FILE", "AWS_REGION"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("STEWARD_HOME", str(tmp_path))
    yield tmp_path
    os.environ.clear()
    os.environ.update(before)


def test_the_file_in_the_house_is_read_and_the_environment_goes_first(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (home / "settings.toml").write_text(TOML, encoding="utf-8")
    monkeypatch.setenv("STEWARD_TIMEZONE", "Asia/Kathmandu")
    settings = load_settings()
    assert (settings.port, settings.timezone, settings.learn_thresholds) == (8766, "Asia/Kathmandu", False)
    assert settings.alert_addresses == ["ana@example.org", "oncall@example.org"]
    assert os.environ["AWS_REGION"] == "eu-central-1"


def test_another_file_may_be_named(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (home / "settings.toml").write_text(TOML, encoding="utf-8")
    servers = {"mcpServers": {"notes": {"url": "https://notes.example/mcp"}}}
    named = home / "mine.json"
    named.write_text(json.dumps({"STEWARD_PORT": 9000, "STEWARD_MCP_SERVERS": servers}), encoding="utf-8")
    monkeypatch.setenv("STEWARD_SETTINGS_FILE", str(named))
    settings = load_settings()
    assert (settings.port, settings.timezone) == (9000, None)
    assert json.loads(os.environ["STEWARD_MCP_SERVERS"]) == servers


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("settings.json", '{"STEWARD_PROT": 1}', "there is no setting 'STEWARD_PROT'"),
        ("settings.json", '{"PATH": "/tmp"}', "there is no setting 'PATH'"),
        ("settings.json", "[]", "holds no names and values"),
        ("settings.json", "{", "is no JSON"),
        ("settings.toml", "a b", "is no TOML"),
        ("settings.json", '{"STEWARD_PORT": null}', "STEWARD_PORT has a value that no setting has"),
        ("settings.json", '{"STEWARD_PORT": "many"}', "STEWARD_PORT has a wrong value"),
    ],
)
def test_what_is_wrong_in_it_is_named(home: Path, name: str, text: str, said: str) -> None:
    (home / name).write_text(text, encoding="utf-8")
    with pytest.raises(Invalid, match=said.replace("'", ".")):
        load_settings()


def test_a_named_file_has_to_be_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STEWARD_SETTINGS_FILE", "nowhere.json")
    with pytest.raises(Invalid, match="names no file"):
        load_settings()
