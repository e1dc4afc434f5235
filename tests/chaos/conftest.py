"""The model server, for tests of failures."""

from tests.emulators.model_server import model_server

__all__ = ["model_server"]
