"""Settings come from the environment, have defaults, and a wrong one is explained in one line."""

import json
import re
from base64 import urlsafe_b64encode
from pathlib import Path

import pytest

from core.errors import Invalid
from core.settings import Settings, load_settings, variable_name


@pytest.fixture(autouse=True)
def empty_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for field in Settings.model_fields:
        monkeypatch.delenv(variable_name(field), raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_DATA_HOME", raising=False)


def test_nothing_needs_to_be_set(tmp_path: Path) -> None:
    settings = load_settings()
    assert (settings.host, settings.port, settings.model) == ("127.0.0.1", 8765, "gpt-5-mini")
    assert settings.home.is_absolute()
    assert tmp_path in settings.home.parents
    assert not settings.has_model


def test_an_empty_variable_is_an_unset_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STEWARD_PORT", "")
    assert load_settings().port == 8765


def test_a_clock_without_an_offset_goes_by_the_zone_that_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STEWARD_NOW", "2026-03-04 09:30")
    monkeypatch.setenv("STEWARD_TIMEZONE", "Europe/Berlin")
    assert str(load_settings().now) == "2026-03-04 09:30:00+01:00"
    monkeypatch.setenv("STEWARD_NOW", "2026-07-04T09:30+00:00")
    assert str(load_settings().now) == "2026-07-04 09:30:00+00:00"


def test_home_may_be_written_as_in_a_shell(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("STEWARD_HOME", "~/süß 家")
    assert load_settings().home == tmp_path / "süß 家"


@pytest.mark.parametrize(
    ("variable", "value", "words"),
    [
        ("STEWARD_PORT", "abc", "integer"),
        ("STEWARD_PORT", "0", "greater than or equal to 1"),
        ("STEWARD_PORT", "70000", "less than or equal to 65535"),
        ("STEWARD_TIMEZONE", "Mars/Olympus", "Europe/Berlin"),
        ("STEWARD_TIMEZONE", "../../etc/passwd", "Europe/Berlin"),
        ("STEWARD_NOW", "2026-03-04T09:30:00", "offset"),
        ("STEWARD_NOW", "tomorrow", "2026-03-04T09:30:00+01:00"),
        ("STEWARD_NOW", "5", "2026-03-04T09:30:00+01:00"),
        ("STEWARD_LOG_LEVEL", "loud", "'debug', 'info', 'warning' or 'error'"),
        ("STEWARD_OWNER_EMAIL", "nobody", "ana@example.org"),
        ("STEWARD_MAIL_FROM", "a@b, c@d", "ana@example.org"),
        ("STEWARD_WORKER_CONCURRENCY", "-1", "greater than or equal to 1"),
        ("STEWARD_WORKER_QUEUES", "bogus", "thinking, tools, housekeeping"),
        ("STEWARD_WORKER_QUEUES", "tools,bogus", "thinking, tools, housekeeping"),
        ("STEWARD_WORKER_QUEUES", " , ", "thinking, tools, housekeeping"),
    ],
)
def test_a_wrong_value_is_explained(monkeypatch: pytest.MonkeyPatch, variable: str, value: str, words: str) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(Invalid, match=f"^The setting {variable} has a wrong value {re.escape(repr(value))}$") as caught:
        load_settings()
    assert words in str(caught.value.detail)
    assert "\n" not in str(caught.value.detail)


def role_of(role: str) -> str:
    """The middle of an old key of a project."""
    return urlsafe_b64encode(json.dumps({"iss": "supabase", "role": role}).encode()).decode().rstrip("=")


@pytest.mark.parametrize(
    ("variable", "value", "words"),
    [
        ("STEWARD_SMTP_URL", "http://ana:hunter2@mail.example.org", "smtp://host... or smtps://host..."),
        ("STEWARD_SMTP_URL", "smtp://", "smtp://host..."),
        ("STEWARD_DATABASE_URL", "mysql://ana:hunter2@db.example.org", "postgresql://user:password@host"),
        ("OPENAI_BASE_URL", "hunter2", "https://host... or http://host..."),
        ("SUPABASE_URL", "https://[hunter2", "https://host..."),
        ("SUPABASE_URL", "https://ana:hunter2@a.supabase.co/rest/v1", "leave the path out: https://a.supabase.co"),
        ("SUPABASE_PUBLISHABLE_KEY", "sb_secret_hunter2", "it is the secret key"),
        ("SUPABASE_PUBLISHABLE_KEY", f"eyJh.{role_of('service_role')}.hunter2", "it is the secret key"),
        ("SUPABASE_SECRET_KEY", f"eyJh.{role_of('anon')}.hunter2", "it is the publishable key"),
    ],
)
def test_a_wrong_value_that_may_hold_a_password_is_not_shown(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str, words: str
) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(Invalid, match=rf"^The setting {variable} has a wrong value \(not shown\)$") as caught:
        load_settings()
    assert words in str(caught.value.detail)
    assert "hunter2" not in f"{caught.value.detail} {caught.value.hint} {caught.value.__cause__}"


@pytest.mark.parametrize(
    "url",
    ["postgresql://ana:pw@db.example.org:5432/x", "postgres:///x?host=/tmp", "host=/tmp dbname=x", "dbname=ä"],
)
def test_a_database_is_named_as_postgres_does_it(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setenv("STEWARD_DATABASE_URL", url)
    stored = load_settings().database_url
    assert stored is not None
    assert stored.get_secret_value() == url


def test_secrets_do_not_show_in_a_printed_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "hunter2")
    settings = load_settings()
    assert settings.has_model
    assert "hunter2" not in repr(settings)


def test_every_setting_says_what_it_is() -> None:
    assert [name for name, field in Settings.model_fields.items() if not field.description] == []


@pytest.mark.parametrize("field", ["metrics_schedule", "cleanup_schedule"])
@pytest.mark.parametrize("value", ["*/5 * * * *", "0 2 * * 1-5", "  30  3 1 jan,jul *  ", "off", "Off"])
def test_a_schedule_is_cron_or_off(field: str, value: str) -> None:
    kept = getattr(Settings.model_validate({field: value}), field)
    assert kept == ("off" if value.strip().lower() == "off" else " ".join(value.split()))


@pytest.mark.parametrize(
    "value", ["nonsense", "0 25 * * *", "* * * * * *", "0 0 30 2 *", "@daily", "* * * *", "-1 * * * *", "家 * * * *"]
)
def test_a_schedule_that_never_comes_or_means_nothing_is_refused(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("STEWARD_CLEANUP_SCHEDULE", value)
    with pytest.raises(Invalid, match="STEWARD_CLEANUP_SCHEDULE") as caught:
        load_settings()
    assert caught.value.detail
    assert "five fields of cron" in caught.value.detail


@pytest.mark.parametrize("name", ["STEWARD_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT"])
def test_a_collector_has_two_names(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(name, "http://127.0.0.1:4318")
    assert load_settings().otlp_endpoint == "http://127.0.0.1:4318"


@pytest.mark.parametrize("value", ["127.0.0.1:4318", "grpc://x:4317", "http://"])
def test_a_collector_that_is_no_url_is_refused(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("STEWARD_OTLP_ENDPOINT", value)
    with pytest.raises(Invalid, match="STEWARD_OTLP_ENDPOINT"):
        load_settings()


@pytest.mark.parametrize("value", ["0", "-1", "x", "1e9"])
def test_ages_are_whole_days_from_one(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("STEWARD_REMOVE_AFTER_DAYS", value)
    with pytest.raises(Invalid, match="STEWARD_REMOVE_AFTER_DAYS"):
        load_settings()


def test_queues_are_named_once_each(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STEWARD_WORKER_QUEUES", "tools, thinking,tools")
    assert load_settings().worker_queue_names == ["tools", "thinking"]
    monkeypatch.delenv("STEWARD_WORKER_QUEUES")
    assert load_settings().worker_queue_names is None
