"""A generic agent: it takes whatever fits its capabilities, says how it goes, and gives back what it found.

    STEWARD_URL=http://127.0.0.1:8765 STEWARD_AGENT_TOKEN=sta_... python docs/agents/examples/generic_agent.py

`--until-idle` ends it when there is no work. Put your own thinking where `count_words` is.
"""

import logging
import sys
from pathlib import Path

# Where steward_agent.py lies in a checkout. With a copy of it beside your agent you need no such line.
sys.path.append(str(Path(__file__).resolve().parents[3] / "cli"))
from steward_agent import Agent, Work


def count_words(work: Work) -> object:
    """What this agent can: how often each word stands in `input.text`, else in the instructions, else in the task itself."""
    if not isinstance(work.input.get("text", ""), str):
        # Nobody can do this as it is asked, however often it is tried: a person has to say it otherwise.
        return work.blocked("input.text is no text", on="person", unblocked_by="Give the task a text in input.text")
    words = work.text.split()
    counts: dict[str, int] = {}
    for done, word in enumerate(words, start=1):
        work.check()  # raises Paused or Stopped where a person said so; leave it to the client
        counts[word.casefold()] = counts.get(word.casefold(), 0) + 1
        if done % 1000 == 0:
            work.progress(100 * done / len(words), f"{done} of {len(words)} words")
    return {"words": len(words), "counts": counts}


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    logging.getLogger("httpx").setLevel(logging.WARNING)
    Agent.from_env().run(count_words, until_idle="--until-idle" in sys.argv)
