"""Tables, percentiles, ratios by round, targets met and missed."""

from benchmarks.harness.report import Report, Target, p50, p99, ratios


def test_a_target_is_met_on_its_own_side_and_at_its_bound() -> None:
    assert Target("slow", 1.05, 1.05).is_met
    assert not Target("slow", 1.06, 1.05).is_met
    assert Target("fast", 0.5, 0.5, at_least=True).is_met
    assert not Target("fast", 0.49, 0.5, at_least=True).is_met


def test_a_missed_target_says_so_in_words_and_in_json() -> None:
    target = Target("click over a raw round", 14.19, 3)
    assert target.line() == "  MISSED  click over a raw round: 14.2, at most 3"
    assert target.as_json() == {"name": "click over a raw round", "value": 14.19, "at_most": 3, "met": False}


def test_one_in_a_hundred_exceeds_the_p99() -> None:
    values = [float(n) for n in range(1, 1001)]
    assert p99(values) == 991.0
    assert p99([3.0, 1.0, 2.0]) == 3.0
    assert p50([3.0, 1.0, 2.0]) == 2.0


def test_a_round_that_was_slow_for_both_sides_does_not_move_the_ratio() -> None:
    assert ratios([1.0, 10.0, 1.0], [2.0, 20.0, 2.0]) == 0.5


def test_columns_stand_below_one_another_and_targets_below_the_table() -> None:
    report = Report("Speed", ("", "ms"), [["Steward", "1.5"], ["a", "10.25"]], [Target("t", 1, 2)])
    assert report.text().splitlines() == [
        "",
        "Speed",
        "            ms",
        "Steward    1.5",
        "a        10.25",
        "  met     t: 1, at most 2",
    ]


def test_json_holds_figures_and_targets() -> None:
    report = Report("Speed", ("",), figures={"p50_ms": 1.5}, targets=[Target("t", 1, 2)])
    assert report.as_json() == {
        "p50_ms": 1.5,
        "targets": [{"name": "t", "value": 1, "at_most": 2, "met": True}],
    }
