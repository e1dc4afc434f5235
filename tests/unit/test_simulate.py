"""The made-up month: the same seed gives the same, each has its 600 mails and 120 events, and wants what is in it."""

import re

import pytest

from tests.simulate.__main__ import read_words
from tests.simulate.month import make_month
from tests.simulate.person import NEVER_WRITTEN, in_own_words

SEEDS = (1, 2, 3, 2026)
GERMAN = re.compile(r"\b(?:Hallo|Gruß|ich|und|der|die|das|wurde|nicht|Sie)\b")


@pytest.mark.parametrize("seed", SEEDS)
def test_a_month_is_whole_and_the_same_each_time(seed: int) -> None:
    month = make_month(seed)
    assert month == make_month(seed)
    assert month != make_month(seed + 1)
    assert (month.mails, month.events) == (600, 120)
    assert [one.at for one in month.arrivals] == sorted(one.at for one in month.arrivals)
    ids = [one.mail.message_id for one in month.arrivals if one.mail]
    assert len(set(ids)) == len(ids)
    known = {one.entry.uid for one in month.arrivals if one.entry} | {
        one.mail.thread_key for one in month.arrivals if one.mail
    }
    for want in month.wants:
        assert want.begins < want.ends
        assert all(part in known or part.startswith("2026-") for part in want.about.split("+"))
    kinds = {one.kind for one in month.wants if not one.is_open}
    assert kinds == {
        "agenda",
        "brief",
        "follow_up",
        "rsvp",
        "conflict",
        "travel",
        "unanswered",
        "promise",
        "time_proposal",
    }


def test_a_quarter_is_german_and_much_quotes_changes_and_is_cancelled() -> None:
    month = make_month(1)
    mails = [one.mail for one in month.arrivals if one.mail]
    entries = [one for one in month.arrivals if one.entry]
    german = [one for one in mails if GERMAN.search(one.text.partition("\n> ")[0])]
    assert 0.2 < len(german) / len(mails) < 0.3
    assert sum("\n> " in one.text for one in mails) > 50
    assert sum(one.entry is not None and one.entry.status == "cancelled" for one in entries) == 3
    assert sum(one.calendar == "team" for one in entries) == 5


def test_the_person_writes_as_they_do() -> None:
    body = f"Hello Ana,\n\nThe plan is ready. {NEVER_WRITTEN}\n\nBest regards,\nRobin Vega\n"
    assert in_own_words(body, "Ana") == "Hi Ana,\n\nThe plan is ready.\n\nBest,\nRobin\n"
    group = "Hello Ben, Jonas and Lena,\n\nThe plan is ready.\n\nBest regards,\nRobin Vega\n"
    assert in_own_words(group, "").startswith("Hi Ben, Jonas and Lena,\n")
    assert in_own_words("Hello,\n\nYes.\n", "") == "Hi,\n\nYes.\n"
    assert (
        in_own_words("Guten Tag,\n\nJa.\n\nViele Grüße\nRobin Vega\n", "Ana and Ben")
        == "Hallo Ana und Ben,\n\nJa.\n\nGruß\nRobin\n"
    )
    mine = in_own_words(body, "Ana")
    assert in_own_words(mine, "Ana") == mine


def test_the_command_line(capsys: pytest.CaptureFixture[str]) -> None:
    given = read_words(["--seed", "7", "--days", "2", "--no-control"])
    assert (given.seed, given.days, given.no_control) == (7, 2, True)
    assert (read_words([]).seed, read_words([]).days, read_words([]).no_control) == (1, 30, False)
    for words in (["--days", "0"], ["--days", "31"], ["--seed", "first"], ["--what"], ["12"]):
        with pytest.raises(SystemExit) as ended:
            read_words(words)
        assert ended.value.code == 2
        assert words[-1] in capsys.readouterr().err
