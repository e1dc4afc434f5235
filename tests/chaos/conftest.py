"""What tests of failures stand on: the model server, and worker processes to be struck."""

from pathlib import Path

import pytest

from app.house import House
from tests.chaos.others import Others
from tests.emulators.model_server import model_server
from tests.gate import allow_own_acts

__all__ = ["model_server"]


@pytest.fixture
async def others(house: House, tmp_path: Path) -> Others:
    """Worker processes on the database of this test."""
    await allow_own_acts(house.database, "note", "shout")
    return Others(house, tmp_path)
