"""A browser, as agents use one: a session per task, sealed state between runs."""

from collections.abc import Iterable
from typing import Any, Protocol
from uuid import UUID

from core.outside.browser import FilledForm, Look, PageFile, Submitted, Target


class BrowserSession(Protocol):
    """One task's page. Every method raises Refused (or one of its kinds), Temporary or Uncertain."""

    position: int
    """How many moves this page has behind it, as its user counts them; -1: it was just opened."""

    async def look(self) -> Look: ...

    async def screenshot(self) -> bytes:
        """What is visible, as JPEG of at most some hundred kilobytes; secrets are covered."""
        ...

    async def navigate(self, url: str) -> None:
        """Raises SiteNotAllowed for a site that was not named."""
        ...

    async def back(self) -> None: ...

    async def resolve(self, target: Target) -> Target:
        """The same thing by role and name too, so that it is found again when the page was opened anew."""
        ...

    async def click(self, target: Target) -> None:
        """Raises WouldSend where that would submit a form or send something."""
        ...

    async def type(self, target: Target, text: str) -> None: ...

    async def select(self, target: Target, choice: str) -> None: ...

    async def upload(self, target: Target, file: PageFile) -> None: ...

    async def download(self, target: Target) -> PageFile: ...

    async def wait(self, seconds: float, text: str = "") -> None:
        """Wait for a text to appear, at most so long; for the whole time where there is no text."""
        ...

    async def table(self, target: Target | None) -> list[dict[str, str]]:
        """The rows of a table by its headings; the first table where none is named."""
        ...

    async def text_of(self, target: Target) -> str: ...

    async def form_of(self, target: Target) -> FilledForm: ...

    async def submit(self, target: Target, digest: str) -> Submitted:
        """Send exactly the form with this digest, once.

        Raises FormChanged or Refused (nothing was sent), Temporary (nothing arrived), Uncertain (nobody knows).
        """
        ...

    async def by_hand(self, command: dict[str, Any]) -> None:
        """A person's own move: {do: click, x, y}, {do: type, text}, {do: press, key}, {do: navigate, url}, {do: back}."""
        ...

    async def allow(self, sites: Iterable[str]) -> None:
        """From now on these sites may be reached as well."""
        ...

    async def stored(self) -> str:
        """Cookies and stored data of the context, as JSON."""
        ...

    async def close(self) -> None: ...


class Browser(Protocol):
    """Opens sessions, and seals what is kept of them between runs."""

    async def session(self, task_id: UUID, sites: Iterable[str], *, stored: str | None = None) -> BrowserSession:
        """The living session of a task, else a new one with the stored state. Raises NotConnected, Temporary."""
        ...

    def seal(self, text: str) -> str: ...

    def unseal(self, sealed: str) -> str: ...

    async def secret(self, site: str, name: str) -> str:
        """A user name or password that a person stored for a site. Raises NotConnected."""
        ...
