"""Numbers of cards in what a task of the browser is given: covered as they come in, whatever way they come."""

from typing import Any

import pytest

from agents.browsing_masks import is_covered, without_cards
from core.database import Caller, Database
from core.postgres import pool_of
from tasks import functions

VISA = "4111 1111 1111 1111"


@pytest.mark.parametrize(
    "words",
    [
        "4111111111111111", VISA, "4111-1111-1111-1111", f"Pay with {VISA}, then go on", "378282246310005", "5555555555554444",
        "4111111111111112", "", "+49 30 1234567", "0000000000000000", "1" * 12, "1234567890123", "🏔 49 €",
    ],
)  # fmt: skip
async def test_the_database_covers_what_the_program_covers(database: Database, words: str) -> None:
    async with pool_of(database).connection() as connection:
        cursor = await connection.execute("select private.cover_cards(%s)", (words,))
        row = await cursor.fetchone()
    assert row == (without_cards(words),)


async def test_a_task_of_the_browser_keeps_no_card_and_other_tasks_keep_their_numbers(ana: Caller) -> None:
    steps: list[dict[str, Any]] = [{"do": "type", "target": "Card", "text": VISA}, {"do": "click", "target": "Pay"}]
    item = {"title": "Pay", "tool": "browser", "tool_input": {"steps": steps, "max_steps": 4, "goal": ""}}
    other = {"title": "Look", "tool": "web_search", "tool_input": {"query": VISA}}

    browsing, searching = await functions.create_tasks(ana, [item, other])

    kept = browsing.tool_input["steps"][0]["text"]
    assert (kept, is_covered(kept)) == ("•••• 1111", True)
    assert browsing.tool_input == {"steps": [{**steps[0], "text": kept}, steps[1]], "max_steps": 4, "goal": ""}
    assert searching.tool_input == {"query": VISA}
