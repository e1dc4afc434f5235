"""Nouns of web pages: what a page shows, a form as it is filled in, what came of sending it, what was refused.

Refused
├── SiteNotAllowed      a site that nobody named; a person is asked first
├── WouldSend           this would send something: that takes a person's yes to the filled form
├── FormChanged         the form is not the one that was shown any more
└── NoSuchElement       the page has nothing by that reference or name
"""

from dataclasses import dataclass, field
from hashlib import sha256

import orjson

from core.outside.errors import Refused

MASK = "•••"


class SiteNotAllowed(Refused):
    """A site that nobody named. `site` is its host, with the port where that is an unusual one."""

    type = "site-not-allowed"
    title = "This site was not named"

    def __init__(self, site: str) -> None:
        super().__init__(f"The site {site} was not named for this task", hint="Allow it, or name it in `allow`.")
        self.site = site


class WouldSend(Refused):
    """This would send something to the site."""

    type = "would-send"
    title = "This would send something"


class FormChanged(Refused):
    """The form is not the one that was shown."""

    type = "form-changed"
    title = "The form has changed"


class NoSuchElement(Refused):
    """The page has nothing by that reference or name, or it cannot be used."""

    type = "no-such-element"
    title = "There is no such thing on the page"


@dataclass(frozen=True)
class Target:
    """Something on a page: by its `ref` in the last look, or by role and name (`nth` from 0 among equals)."""

    ref: str = ""
    role: str = ""
    name: str = ""
    nth: int = 0

    def in_words(self) -> str:
        return " ".join(part for part in (self.role, f'"{self.name}"' if self.name else self.ref) if part)


@dataclass(frozen=True)
class Look:
    """A page as it stands: `text` is its outline with refs, passwords masked, cut to a bound.

    `refused` lists what the page tried and was not let do since the last look.
    """

    url: str
    title: str
    text: str
    refused: tuple[str, ...] = ()


@dataclass(frozen=True)
class FormField:
    """One field as it would be sent. `value` is masked where it is a secret."""

    label: str
    name: str
    kind: str
    value: str
    is_hidden: bool = False


@dataclass(frozen=True)
class FilledForm:
    """A form as it would be sent: from which page, where to, with what. `text` is what it says around its fields."""

    page_url: str
    target_url: str
    method: str
    button: str
    fields: tuple[FormField, ...]
    text: str = ""
    has_password: bool = False
    is_search: bool = False

    @property
    def digest(self) -> str:
        """Hex over everything that a yes is for. Where a script sends to is only known once it was tried."""
        target_url = "" if self.method == "script" else self.target_url
        kept = [self.page_url, target_url, self.method, self.button, self.text]
        fields = [[f.label, f.name, f.kind, f.value] for f in self.fields]
        return sha256(orjson.dumps([*kept, fields])).hexdigest()


@dataclass(frozen=True)
class Submitted:
    """What the site answered to a form: HTTP status, and the page that came after."""

    status: int
    url: str
    title: str
    said: tuple[str, ...] = ()


@dataclass(frozen=True)
class PageFile:
    """A file that came down from a page, or goes up to it."""

    name: str
    media_type: str
    content: bytes = field(repr=False)
