"""What the command line writes."""

import json
from datetime import UTC, datetime
from uuid import UUID

import pytest

from cli.output import Output, WrongUse, one_line, plain, report_error, to_json
from core.errors import Conflict, Invalid, NotFound, StewardError


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("", ""),
        ("plain words", "plain words"),
        ("Käse 日本語 🧀", "Käse 日本語 🧀"),
        ("two\r\nlines", "two\nlines"),
        ("\x1b[31mred\x1b]0;title\x07", "�[31mred�]0;title�"),
        ("bare\rreturn", "bare�return"),
        ("c1 \x9b31m", "c1 �31m"),
        ("ana@evil.example\u202emoc.doog", "ana@evil.examplemoc.doog"),
        ("lone \udc80 surrogate", "lone � surrogate"),
        ("a\tb", "a   b"),
    ],
)
def test_text_cannot_steer_a_terminal(text: str, shown: str) -> None:
    assert plain(text) == shown


def test_one_line_has_no_breaks() -> None:
    assert one_line("  a\n b\r\n\tc ") == "a b c"


def test_json_keeps_ids_times_and_unicode() -> None:
    answer = to_json({"id": UUID(int=1), "at": datetime(2026, 3, 4, tzinfo=UTC), 3: ["ä"]})
    assert json.loads(answer) == {
        "id": "00000000-0000-0000-0000-000000000001",
        "at": "2026-03-04T00:00:00+00:00",
        "3": ["ä"],
    }


@pytest.mark.parametrize(
    ("error", "code"),
    [(NotFound("No such task"), 1), (Conflict("No"), 1), (StewardError("Oh"), 1), (WrongUse("So not"), 2)],
)
def test_errors_end_with_one_and_wrong_use_with_two(
    error: StewardError, code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    assert report_error(error) == code
    written = capsys.readouterr()
    assert written.out == ""
    assert written.err == f"error: {error.message}\n"


def test_an_error_says_detail_fields_and_hint_on_lines_of_their_own(capsys: pytest.CaptureFixture[str]) -> None:
    report_error(
        WrongUse("Two fit", detail="abcd", hint="Give more.", errors=[{"id": "abcd-1", "message": "Buy\nmilk"}])
    )
    assert capsys.readouterr().err == "error: Two fit: abcd\n  abcd-1 Buy milk\nhint: Give more.\n"


def test_an_error_of_a_field_is_told_once_and_the_others_below_it(capsys: pytest.CaptureFixture[str]) -> None:
    long = {"field": "instructions", "message": "at most 4000 characters", "value": "x"}
    report_error(Invalid("instructions: at most 4000 characters (it is x)", errors=[long]))
    assert capsys.readouterr().err == "error: instructions: at most 4000 characters (it is x)\n"
    report_error(Invalid("instructions: at most 4000 characters", errors=[long, {"field": "name", "message": "empty"}]))
    assert capsys.readouterr().err == "error: instructions: at most 4000 characters\n  name empty\n"


def test_an_error_for_programs_is_a_problem_object_on_stdout(capsys: pytest.CaptureFixture[str]) -> None:
    report_error(Conflict("No", hint="Wait"), as_json=True)
    written = capsys.readouterr()
    assert written.err == ""
    assert json.loads(written.out) == {
        "type": "urn:steward:problem:conflict",
        "title": "The state of things does not allow this",
        "status": 409,
        "detail": "No",
        "hint": "Wait",
    }


def test_words_for_people_are_silent_with_json(capsys: pytest.CaptureFixture[str]) -> None:
    out = Output(as_json=True)
    out.say("words")
    out.note("a remark")
    out.data({"a": 1})
    written = capsys.readouterr()
    assert json.loads(written.out) == {"a": 1}
    assert written.err == ""


def test_data_for_programs_is_silent_without_json(capsys: pytest.CaptureFixture[str]) -> None:
    out = Output()
    out.data({"a": 1})
    out.say("words", "[bold]as they are[/bold] :smile:")
    out.note("a remark")
    written = capsys.readouterr()
    assert written.out == "words\n[bold]as they are[/bold] :smile:\n"
    assert written.err == "a remark\n"


def test_long_lines_in_a_pipe_are_whole(capsys: pytest.CaptureFixture[str]) -> None:
    Output().say("x" * 5000)
    assert capsys.readouterr().out == "x" * 5000 + "\n"
