"""A bare FastAPI answer, served as Steward's web tier is: what any request costs at least.

python -m benchmarks.sides.bare PORT
"""

import json
import sys

import uvicorn
from fastapi import FastAPI

app = FastAPI()


@app.api_route("/", methods=["GET", "POST"])
async def hello() -> dict[str, str]:
    """The same few bytes for everybody."""
    return {"hello": "world"}


class Bare(uvicorn.Server):
    """Says so once it serves."""

    async def startup(self, sockets: object = None) -> None:
        await super().startup(None)
        print(json.dumps({"ready": True}), flush=True)


if __name__ == "__main__":
    Bare(uvicorn.Config(app, port=int(sys.argv[1]), log_config=None, access_log=False, lifespan="off")).run()
