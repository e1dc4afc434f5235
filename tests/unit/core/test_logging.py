"""Logging is one line of JSON or calm text, and never what people wrote."""

import io
import json
import logging
from collections.abc import Generator
from uuid import UUID

import pytest
import structlog

from core.logging import bound, set_up_logging
from core.settings import Settings


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def restored() -> Generator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


def test_elsewhere_than_on_a_terminal_an_event_is_a_line_of_json() -> None:
    stream = io.StringIO()
    set_up_logging(Settings(), stream)
    with structlog.contextvars.bound_contextvars(task_id="t1"):
        structlog.get_logger().warning("task_blocked", reason="wörtlich 家")
    event = json.loads(stream.getvalue())
    assert (event["event"], event["level"], event["task_id"], event["reason"]) == (
        "task_blocked",
        "warning",
        "t1",
        "wörtlich 家",
    )


@pytest.mark.parametrize("log_format", ["auto", "text"])
def test_on_a_terminal_it_is_text(log_format: str) -> None:
    stream = Terminal()
    set_up_logging(Settings.model_validate({"log_format": log_format}), stream)
    structlog.get_logger().warning("task_blocked", reason="no model")
    assert "task_blocked" in stream.getvalue()
    assert not stream.getvalue().startswith("{")


def test_json_can_be_asked_for_on_a_terminal() -> None:
    stream = Terminal()
    set_up_logging(Settings(log_format="json"), stream)
    structlog.get_logger().error("x")
    assert json.loads(stream.getvalue())["event"] == "x"


def test_records_of_libraries_look_the_same() -> None:
    stream = io.StringIO()
    set_up_logging(Settings(), stream)
    logging.getLogger("some.library").error("%s of %s", 1, 2)
    assert json.loads(stream.getvalue())["event"] == "1 of 2"


def test_what_is_below_the_level_is_not_logged() -> None:
    stream = io.StringIO()
    set_up_logging(Settings(log_level="error"), stream)
    structlog.get_logger().warning("x")
    logging.getLogger("some.library").warning("x")
    assert stream.getvalue() == ""


@pytest.mark.parametrize("log_format", ["json", "text"])
def test_bodies_and_tokens_are_masked(log_format: str) -> None:
    stream = io.StringIO()
    set_up_logging(Settings.model_validate({"log_format": log_format}), stream)
    structlog.get_logger().error(
        "sent", body="hunter2", access_token="hunter2", smtp_password="hunter2", html="hunter2"
    )
    assert "hunter2" not in stream.getvalue()
    assert stream.getvalue().count("[not logged]") == 4


@pytest.mark.parametrize("log_format", ["json", "text"])
def test_a_traceback_does_not_show_local_variables(log_format: str) -> None:
    stream = io.StringIO()
    set_up_logging(Settings.model_validate({"log_format": log_format}), stream)
    written = "hunter" + "2"
    try:
        raise ValueError(len(written))
    except ValueError:
        structlog.get_logger().exception("failed")
    assert "ValueError" in stream.getvalue()
    assert "hunter2" not in stream.getvalue()


def test_setting_up_twice_logs_once() -> None:
    stream = io.StringIO()
    set_up_logging(Settings(), stream)
    set_up_logging(Settings(), stream)
    structlog.get_logger().error("x")
    assert len(stream.getvalue().splitlines()) == 1


def logged(**fields: object) -> str:
    stream = io.StringIO()
    set_up_logging(Settings(log_format="json"), stream)
    structlog.get_logger().error("x", **fields)
    return stream.getvalue()


@pytest.mark.parametrize(
    "name",
    ["Authorization", "X-Api-Key", "set-cookie", "api_key", "refresh_token", "client_secret", "PASSWORD", "mail_body"],
)
def test_a_private_name_is_masked_however_it_is_written_and_however_deep_it_lies(name: str) -> None:
    written = logged(headers={"list": [{name: "hunter2"}, {"count": 3}]})
    assert "hunter2" not in written
    assert json.loads(written)["headers"] == {"list": [{name: "[not logged]"}, {"count": 3}]}


@pytest.mark.parametrize("name", ["input_tokens", "keyword", "status", "secretary", "context", "task_id"])
def test_other_names_are_not(name: str) -> None:
    assert json.loads(logged(**{name: "kept"}))[name] == "kept"


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("sent Authorization: Bearer hunter2hunter2", "sent Authorization: Bearer [not logged]"),
        ("postgresql://ana:hunter2@db.example:5432/x", "postgresql://[not logged]@db.example:5432/x"),
        ("GET /?token=hunter2&a=1", "GET /?token=[not logged]&a=1"),
        ("key sk-hunter2hunter2hunter2", "key [not logged]"),
        ("no such key: sb_secret_hunter2hunter2hunter2", "no such key: [not logged]"),
        ("stw_hunter2hunter2hunter2 and sta_hunter2hunter2hunter2", "[not logged] and [not logged]"),
        (f"/invitations/{'hunter2' * 6}x", "/invitations/[not logged]"),
        ("jwt eyJhunter2hunter2.eyJhunter2hunter2.hunter2", "jwt [not logged]"),
        ("a token ring, the secret of basic things: https://example.com/keys", None),
    ],
)
def test_what_looks_like_a_credential_is_masked_inside_any_text(text: str, kept: str | None) -> None:
    assert json.loads(logged(error=text, more=[text]))["error"] == (kept or text)
    assert "hunter2" not in logged(error=text, more=[text])


@pytest.mark.parametrize("log_format", ["json", "text"])
def test_a_credential_in_a_traceback_is_masked(log_format: str) -> None:
    stream = io.StringIO()
    set_up_logging(Settings.model_validate({"log_format": log_format}), stream)
    try:
        raise ValueError("cannot connect to postgresql://ana:hunter2@db.example/x")
    except ValueError:
        structlog.get_logger().exception("failed")
        logging.getLogger("some.library").exception("failed, too")
    assert "hunter2" not in stream.getvalue()
    assert stream.getvalue().count("cannot connect to postgresql://[not logged]@db.example/x") >= 2


def test_bytes_cycles_and_odd_values_do_no_harm() -> None:
    cycle: dict[str, object] = {}
    cycle["again"] = cycle
    event = json.loads(logged(data=b"hunter2", cycle=cycle, odd=object, none=None, names={"a", "b"}))
    assert event["data"] == "[not logged]"
    assert sorted(event["names"]) == ["a", "b"]
    assert event["none"] is None


def test_ids_are_bound_for_a_block_and_those_that_are_none_left_out() -> None:
    stream = io.StringIO()
    set_up_logging(Settings(log_format="json"), stream)
    with bound(task_id=UUID(int=1), run_id=UUID(int=2), worker_id=None, user_id="u"):
        structlog.get_logger().error("inside")
    structlog.get_logger().error("outside")
    inside, outside = (json.loads(line) for line in stream.getvalue().splitlines())
    assert inside["task_id"] == str(UUID(int=1))
    assert inside["run_id"] == str(UUID(int=2))
    assert inside["user_id"] == "u"
    assert "worker_id" not in inside
    assert "task_id" not in outside


def test_no_text_becomes_a_line_of_its_own_or_steers_a_terminal() -> None:
    forged = "a\n12:00:00 [info] forged\r\x1b[2Jb\u2028c\u202ed"
    for log_format in ("text", "json"):
        stream = io.StringIO()
        set_up_logging(Settings.model_validate({"log_format": log_format}), stream)
        structlog.get_logger().warning("ev", where=forged, many=[forged])
        logging.getLogger("library").warning("said %s", forged)
        try:
            raise ValueError(forged)
        except ValueError:
            structlog.get_logger().exception("bad")
        lines = stream.getvalue().split("\n")
        assert not [line for line in lines if line.startswith(("12:00:00 [info]", "b", "c"))]
        assert not {"\x1b", "\r"} & set(stream.getvalue())
        assert log_format == "text" or all(json.loads(line) for line in lines if line)
