"""Logging is one line of JSON or calm text, and never what people wrote."""

import io
import json
import logging
from collections.abc import Generator

import pytest
import structlog

from core.logging import set_up_logging
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
