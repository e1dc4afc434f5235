"""A document that code renders from earlier sections: stored as Markdown under the name the plan's facts give it."""

import re

from pydantic import ConfigDict, Field

from agents.playbooks.document.stage import Section

HEADING = re.compile(r"^(#{1,5}) ", re.MULTILINE)


class Rendered(Section):
    """One Markdown text, stored as `markdown`."""

    model_config = ConfigDict(extra="forbid", serialize_by_alias=True)

    text: str = Field(alias="markdown")

    def shallow(self) -> str | None:
        return None if self.text.strip() else "there is nothing in it"

    def markdown(self) -> str:
        return self.text


def deeper(markdown: str) -> str:
    """The same text with its headings one level lower, to stand below a heading of level 3."""
    return HEADING.sub(r"#\1 ", markdown)
