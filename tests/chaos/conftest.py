"""What tests of failures stand on: the model server, and worker processes to be struck."""

from pathlib import Path

import pytest

from app.house import House
from tests.chaos.others import Others
from tests.emulators.model_server import model_server

__all__ = ["model_server"]


@pytest.fixture
def others(house: House, tmp_path: Path) -> Others:
    """Worker processes on the database of this test."""
    return Others(house, tmp_path)
