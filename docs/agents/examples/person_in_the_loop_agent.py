"""An agent with a person in the loop: it asks what it does not know, and shows what it would do before it does it.

    STEWARD_URL=http://127.0.0.1:8765 STEWARD_AGENT_TOKEN=sta_... python docs/agents/examples/person_in_the_loop_agent.py

Both are shown on Steward's review page. Nothing waits here meanwhile: the work ends with the question, and comes again with
the answer, to this process or another of the same agent.
"""

import logging
import re
import sys
from pathlib import Path
from typing import Any

# Where steward_agent.py lies in a checkout. With a copy of it beside your agent you need no such line.
sys.path.append(str(Path(__file__).resolve().parents[3] / "cli"))
from steward_agent import Agent, Work


def quote(work: Work) -> object:
    """A quotation: ask for the price, show the whole, take it back or change it as the person says."""
    customer, price = str(work.input.get("customer") or work.text), price_of(work)
    if price is None:
        return work.ask(f"What may it cost for {customer}? A number is enough.", key="price")

    rounds = [one for one in work.parts if one.key.startswith("quotation")]
    if not rounds:
        return propose(work, {"customer": customer, "price": price}, 1)

    answer: dict[str, Any] | None = rounds[-1].output if rounds[-1].is_done else None
    match answer:
        case {"type": "accept" | "edit", "args": {"args": quotation}}:
            return {"sent": send(quotation), "quotation": quotation}
        case {"type": "response", "args": str(words)}:  # a person's words: what they want changed
            return propose(work, {"customer": customer, "price": price, "note": words}, len(rounds) + 1)
        case {"type": "ignore"}:
            return {"sent": False, "why": "A person did not want it"}
        case _:
            return work.fail(f"The question was not answered: {rounds[-1].reason}", is_retryable=False)


def price_of(work: Work) -> float | None:
    """From the input, else from what the person answered. None where neither says one."""
    answer = work.output_of("price") or {}
    found = re.search(r"\d+(\.\d+)?", str(work.input.get("price") or answer.get("args") or ""))
    return float(found[0]) if found else None


def propose(work: Work, quotation: dict[str, Any], number: int) -> object:
    """Show it; all four answers are allowed."""
    return work.interrupt(
        "send_quotation",
        quotation,
        description=f"A quotation for **{quotation['customer']}**. Accept it, edit it, say what is wrong, or ignore it.",
        key=f"quotation-{number}",
    )


def send(quotation: dict[str, Any]) -> bool:
    """Where your agent would send it. An effect of your own: Steward neither sees nor guards it."""
    logging.info("Sent to %s: %s", quotation["customer"], quotation["price"])
    return True


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    logging.getLogger("httpx").setLevel(logging.WARNING)
    Agent.from_env().run(quote)
