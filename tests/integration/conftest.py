"""What tests on real parts have in common."""

from tests.one_router import share_routes

share_routes()
