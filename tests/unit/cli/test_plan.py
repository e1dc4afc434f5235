"""Wrong use of `steward plan` is named before a house is opened."""

import pytest
from typer.testing import CliRunner

from cli.main import app
from cli.plan_papers import safe_name


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["plan", "x", "--level", "ping_llm"], "--level is only for --document"),
        (["plan", "--document", "x", "--domain", "y"], "--domain is not for --document"),
        (["plan", "x", "--deadline", "soon"], "--deadline: allowed is a day like"),
        (["plan", "x", "--priority", "odd"], "--priority: "),
        (["plan", "--document", "x", "--level", "odd"], "--level: "),
        (["plan", " "], "The objective: "),
        (["plan", "list", "--state", "odd"], "--state has no value"),
        (["plan", "report", "abcd", "--out", "x.doc"], "no known ending"),
    ],
)
def test_wrong_use_is_named(words: list[str], said: str) -> None:
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 2
    assert said in done.stderr


def test_a_file_of_a_task_stays_in_its_folder() -> None:
    assert safe_name("../../etc/passwd") == "_.._etc_passwd"
    assert safe_name("Bericht Größe.md") == "Bericht Größe.md"
    assert safe_name("..") == "file"
    assert safe_name("a\nb\x00") == "a_b_"
