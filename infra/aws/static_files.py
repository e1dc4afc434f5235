"""Puts the static files into the bucket of the edge: `python infra/aws/static_files.py s3://<StaticBucket>`.

The same files that the product serves by itself, under the same names, with the same types and how long they may be kept.
"""

import sys
from pathlib import Path

if __name__ == "__main__":
    # From here the packages of the repository are found, and `app` is not the file beside this one.
    sys.path[0] = str(Path(__file__).resolve().parents[2])

import re

from app.main import MEDIA_TYPES
from app.templating import STATIC, asset_bytes

BUCKET = re.compile(r"s3://([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])/?")
# Pages name each file with the hash of its content (?v=), which the edge's cache tells apart; an old page may still ask
# for what has changed since, so a browser asks again after a while.
CACHE = "public, max-age=300, stale-while-revalidate=86400"


def upload(bucket: str) -> list[str]:
    """Every static file, uploaded; their names."""
    from integrations.aws.clients import client

    s3 = client("s3")
    try:
        names = sorted([path.name for path in STATIC.iterdir() if path.suffix in MEDIA_TYPES] + ["htmx.js"])
        for name in names:
            s3.put_object(
                Bucket=bucket,
                Key=f"static/{name}",
                Body=asset_bytes(name),
                ContentType=MEDIA_TYPES[Path(name).suffix],
                CacheControl=CACHE,
            )
    finally:
        s3.close()
    return names


def main(arguments: list[str]) -> int:
    """The exit code: 0, or 2 where the bucket is not named."""
    match = BUCKET.fullmatch(arguments[0]) if len(arguments) == 1 else None
    if match is None:
        print("error: name the bucket: python infra/aws/static_files.py s3://<StaticBucket>", file=sys.stderr)
        return 2
    for name in upload(match[1]):
        print(f"static/{name}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
