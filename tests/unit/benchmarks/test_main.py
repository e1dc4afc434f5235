"""What `make bench` takes on its command line."""

from pathlib import Path

import pytest

import benchmarks
from benchmarks.__main__ import NAMES, WITH_EMULATORS, read_options
from benchmarks.growth import sizes
from benchmarks.harness.processes import split


def test_without_a_name_everything_is_measured() -> None:
    names, options = read_options([])
    assert names == list(NAMES)
    assert options.rows == 1_000_000


def test_some_are_measured_in_the_order_given() -> None:
    names, options = read_options(["live", "growth", "--rows", "100000", "--rounds", "1"])
    assert names == ["live", "growth"]
    assert (options.rows, options.rounds) == (100_000, 1)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["nothere"], "there is no benchmark 'nothere'; there are: tasks, makespan"),
        (["--rounds", "0"], "'0' is not a whole number from 1"),
        (["--rows", "many"], "'many' is not a whole number from 1"),
        (["--rows", "٣"], "'٣' is not a whole number from 1"),
    ],
)
def test_anything_else_is_told(arguments: list[str], told: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        read_options(arguments)
    assert end.value.code == 2
    assert told in capsys.readouterr().err


def test_every_name_is_a_measurement() -> None:
    from importlib import import_module

    assert all(callable(import_module(f"benchmarks.{name}").measure) for name in NAMES)


def test_tables_grow_tenfold_up_to_the_largest() -> None:
    assert sizes(1_000_000) == [10_000, 100_000, 1_000_000]
    assert sizes(999_999) == [10_000, 100_000]
    assert sizes(1) == [10_000]


def test_shares_are_whole_and_even() -> None:
    assert split(10, 4) == [3, 3, 2, 2]
    assert split(2, 4) == [1, 1, 0, 0]


def test_what_needs_the_node_packages_is_known() -> None:
    folder = Path(benchmarks.__file__).parent
    assert {name for name in NAMES if "from tests.emulators" in (folder / f"{name}.py").read_text()} == WITH_EMULATORS
