"""Preferences in the terminal: written, tried, switched, deleted; and what is wrong is said."""

from app.house import House
from jobs.learning import learn
from tests.conftest import NOW
from tests.integration.cli.conftest import Steward


async def test_a_preference_in_the_terminal(steward: Steward, house: House) -> None:
    assert "There are no preferences yet" in steward("preferences").stdout
    rule = '{"type": "sign_off", "text": "Best, Robin"}'
    made = steward.json("preferences", "add", "--rule", rule, "--for", "ana@example.com")
    short = made["id"][:8]
    assert made["statement"] == "End with “Best, Robin” in mails to ana@example.com"
    assert f"{short}  End with “Best, Robin”" in steward("preferences").stdout
    assert "Not tried yet" in steward("preferences", "show", short).stdout
    switched = steward("preferences", "activate", short)
    assert ": active" in switched.stdout
    assert "There is no past draft in its scope" in switched.stderr
    assert steward.json("preferences", "off", short)["state"] == "off"
    assert "Nothing new to learn" in steward("preferences", "look").stdout
    assert await learn(house.caller, at=NOW) == []
    assert steward.json("preferences", "delete", short) == {"id": made["id"], "deleted": True}
    for words, problem in (
        (("add",), "needs your words"),
        (("show",), "needs the id"),
        (("list", "x"), "takes nothing more"),
        (("off", "zzzz"), "No preferences have an id"),
        (("add", "--rule", "{"), "no JSON"),
        (("add", "--rule", "[]"), "is an object"),
        (("add", "--rule", '{"type": "dance"}'), "rule.type is one of"),
        (("add", "Be brief", "--for", "Reply!"), "is no kind of task"),
        (("list", "--for", "reply"), "go with add"),
    ):
        refused = steward("preferences", *words)
        assert refused.returncode != 0
        assert problem in refused.stderr
