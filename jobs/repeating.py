"""What time alone brings about: snoozed tasks come back, series go on, and what repeats by itself begins."""

from core.clock import Clock
from core.database import Database
from tasks.repeating import continue_ended, start_due_occurrences
from tasks.snoozing import wake_snoozed_tasks


async def bring_back(database: Database, clock: Clock) -> None:
    """One look at every tenant, by the house's clock. A second one finds nothing left to do."""
    await wake_snoozed_tasks(database, clock.now())
    await continue_ended(database, clock)
    await start_due_occurrences(database, clock)
