"""Help as it is printed: sentences flow, examples stand on lines of their own."""

from collections.abc import Iterator

from typer.core import TyperCommand, TyperGroup
from typer.main import get_command
from typer.testing import CliRunner

from cli.main import app


def commands(of: TyperGroup) -> Iterator[TyperCommand]:
    for one in of.commands.values():
        if isinstance(one, TyperGroup):
            yield from commands(one)
        elif isinstance(one, TyperCommand):
            yield one


def test_no_line_of_help_ends_in_mid_sentence() -> None:
    group = get_command(app)
    assert isinstance(group, TyperGroup)
    found = list(commands(group))
    assert len(found) > 50
    for command in found:
        for paragraph in (command.help or "").split("\n\n"):
            _, *further = paragraph.split("\n")
            assert all(line.startswith("[dim]steward ") for line in further), command.name


def test_help_flows_as_wide_as_the_screen_and_examples_keep_their_lines() -> None:
    run = CliRunner(env={"COLUMNS": "400", "TERMINAL_WIDTH": "400", "NO_COLOR": "1"})
    assert "are paused and standing permissions stopped" in run.invoke(app, ["restore", "--help"]).stdout
    lines = [line.strip() for line in run.invoke(app, ["snooze", "--help"]).stdout.splitlines()]
    assert "steward snooze 3f2a tomorrow 9" in lines
