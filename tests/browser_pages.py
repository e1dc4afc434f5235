"""The pages of a process, closed as they are after a restart."""

from integrations.browser.sessions import Sessions, sessions_of_this_process


async def close_pages(sessions: Sessions | None = None) -> None:
    """Close every page of this process, or of these sessions; the browser stays."""
    living = (sessions or sessions_of_this_process(None))._living  # pyright: ignore[reportPrivateUsage]
    while living:
        _, (session, _) = living.popitem()
        await session.close()
