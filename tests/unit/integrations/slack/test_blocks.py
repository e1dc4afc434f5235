"""Cards show all that a yes is for, within Slack's bounds, and nothing in them is markup that others wrote."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integrations.slack.blocks import (
    APPROVE,
    EDIT,
    LONGEST_FACT,
    LONGEST_SHOWN,
    MOST_FACTS,
    REJECT,
    Card,
    HomeTask,
    card_blocks,
    edit_modal,
    home_view,
    list_blocks,
)

VALUE = {"draft": "8c1f6a3e-0000-4000-8000-000000000001", "digest": "0" * 64}


def buttons(card: Card) -> list[str]:
    return [one["action_id"] for block in card_blocks(card) if block["type"] == "actions" for one in block["elements"]]


def plain_text(blocks: list[dict[str, Any]]) -> str:
    return "".join(block["text"]["text"] for block in blocks if block.get("text", {}).get("type") == "plain_text")


@given(st.text(max_size=9000))
def test_the_whole_text_is_shown_in_pieces_that_slack_takes(text: str) -> None:
    blocks = card_blocks(Card("Mail", VALUE, text=text))
    assert "".join(plain_text(blocks).split()) == "".join(text.split())
    assert all(0 < len(block["text"]["text"]) <= 3000 for block in blocks if block["type"] == "section")


@pytest.mark.parametrize(
    "card",
    [
        Card("Mail", VALUE, text="x" * (LONGEST_SHOWN + 1)),
        Card("Mail", VALUE, facts=[("To", "a" * (LONGEST_FACT + 1))]),
        Card("Mail", VALUE, facts=[("Attached", "x")] * (MOST_FACTS + 1)),
        Card("Mail", VALUE, covers_all=False),
    ],
)
def test_what_is_not_wholly_shown_has_no_yes(card: Card) -> None:
    assert APPROVE not in buttons(card)
    assert EDIT not in buttons(card)
    assert REJECT in buttons(card)
    assert len(card_blocks(card)) <= 50
    assert "review page" in json.dumps(card_blocks(card))


def test_what_fits_can_be_approved_and_edited() -> None:
    assert buttons(Card("Mail", VALUE, text="x" * 3000, can_edit=True)) == [APPROVE, EDIT, REJECT]
    assert buttons(Card("Mail", VALUE, text="x" * 3001, can_edit=True)) == [APPROVE, REJECT]
    assert buttons(Card("Mail", VALUE, text="x" * LONGEST_SHOWN)) == [APPROVE, REJECT]


def test_a_decided_card_has_no_buttons() -> None:
    blocks = card_blocks(Card("Mail", VALUE, text="x", decided="Rejected <!here>."))
    assert [block["type"] for block in blocks] == ["section", "section", "context"]
    assert blocks[-1]["elements"][0]["text"] == "Rejected &lt;!here&gt;."


def test_headings_and_facts_are_no_markup() -> None:
    blocks = card_blocks(Card("<!channel> *x*", VALUE, facts=[("To", "<@U1>")], text="<!here>", why="<#C1>"))
    markdown = [block["text"]["text"] for block in blocks if block.get("text", {}).get("type") == "mrkdwn"]
    markdown += [one["text"] for block in blocks if block["type"] == "context" for one in block["elements"]]
    assert all("<" not in text for text in markdown)
    assert "To: <@U1>" in plain_text(blocks)


def test_forms_carry_their_text() -> None:
    form = edit_modal(VALUE, [("subject", "Subject", "", False), ("body", "Text", "Dear Ana", True)])
    assert json.loads(form["private_metadata"]) == VALUE
    subject, body = form["blocks"]
    assert "initial_value" not in subject["element"]
    assert (body["element"]["initial_value"], body["element"]["multiline"], body["optional"]) == (
        "Dear Ana",
        True,
        False,
    )


def test_the_home_tab_stays_within_a_hundred_blocks() -> None:
    tasks = [HomeTask(f"<{n}|>", "pending", "http://x/1", datetime(2026, 3, 4, tzinfo=UTC)) for n in range(500)]
    view = home_view([("a" * 500, "http://x/2")] * 100, tasks, 3, "http://x")
    assert len(view["blocks"]) <= 100
    assert "&lt;0¦&gt;" in json.dumps(view, ensure_ascii=False)
    assert all(len(block["text"]["text"]) <= 3000 for block in view["blocks"] if block["type"] == "section")


def test_an_empty_title_is_a_title() -> None:
    assert "(no title)" in json.dumps(list_blocks("x", [("  ", "http://x", "")]))
