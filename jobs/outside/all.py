"""Every service of an installation, gathered from the modules of this folder."""

from collections.abc import Callable, Mapping

from core.database import Caller
from jobs.outside import browser, calendar, code, mail, records, remote, slack, tickets, web
from jobs.outside.lending import is_lent
from jobs.outside.world import Given, Service, World

GATHERED: tuple[Callable[[Given], Mapping[type, Service]], ...] = (
    mail.services,
    calendar.services,
    slack.services,
    web.services,
    tickets.services,
    code.services,
    records.services,
    browser.services,
    remote.services,
)


def connected_world(given: Given) -> World:
    """The outside world that the settings and the connected accounts make."""

    async def lent(caller: Caller, what: str) -> bool:
        return await is_lent(given, caller, what)

    return World({need: service for gather in GATHERED for need, service in gather(given).items()}, lent)
