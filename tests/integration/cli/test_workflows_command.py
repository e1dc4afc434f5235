"""Workflows in the terminal: listed, worded, switched, reset; and what is wrong is said."""

from tests.integration.cli.conftest import Steward


def test_workflows_in_the_terminal(steward: Steward) -> None:
    listed = steward("workflows")
    assert "email" in listed.stdout
    assert "the built-in rules do not read instructions" in listed.stderr
    words = "Three sentences at most.\nAlways a date – für Ana 📅"
    made = steward.json("workflows", "set", "email", words)
    assert (made["instructions"], made["is_active"]) == (words, True)
    shown = steward("workflows", "show", "email").stdout
    assert "Always a date – für Ana" in shown
    assert shown.count("Three sentences at most.") == 1
    assert "what would help" in steward("workflows", "show", "call").stdout
    assert "yours: Three sentences" in steward("workflows", "set", "email", words).stdout
    assert steward.json("workflows", "off", "email")["is_active"] is False
    assert "yours, off" in steward("workflows").stdout
    assert steward.json("workflows", "on", "email")["is_active"] is True
    assert "Instructions: built in" in steward("workflows", "reset", "email").stdout
    assert steward.json("workflows")["items"][0]["version"] == ""
    for arguments, problem in (
        (("set", "email"), "needs your words"),
        (("show",), "needs a kind"),
        (("list", "email"), "takes nothing more"),
        (("reset", "email", "x"), "Only set takes a text"),
        (("set", "dance", "x"), "no kind of task 'dance'"),
        (("on", "email"), "no words"),
        (("set", "email", "x" * 4001), "at most 4000 characters"),
    ):
        refused = steward("workflows", *arguments)
        assert refused.returncode != 0
        assert problem in refused.stderr
