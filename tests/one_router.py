"""The routes of the application, made once a run: they say nothing of a house, and making them is most of making one."""

from functools import cache
from typing import Any, cast

from fastapi import APIRouter, FastAPI
from starlette.routing import BaseRoute

from app import main

_leading: dict[int, tuple[APIRouter, BaseRoute]] = {}


def _leading_into(router: APIRouter) -> BaseRoute:
    """The route that leads into the router; it works out once what lies there."""
    if id(router) not in _leading:
        application = FastAPI()
        application.include_router(router)
        _leading[id(router)] = router, application.routes[-1]
    return _leading[id(router)][1]


class SharingRoutes(FastAPI):
    """An application that shares what it includes with the others of this process."""

    def include_router(self, router: APIRouter, **_: Any) -> None:
        self.router.routes.append(_leading_into(router))


def share_routes() -> None:
    """From now on each application has the same routes; what it is about lies in its `state`."""
    if main.FastAPI is FastAPI:
        main.FastAPI = cast("Any", SharingRoutes)
        main.build_router = cache(main.build_router)
