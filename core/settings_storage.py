"""Settings of where the content of large files lies."""

import os
from typing import Literal

from pydantic import Field
from pydantic_settings import BaseSettings


class StorageSettings(BaseSettings):
    """By default every file lies in the database; see docs/guide/artifacts.md."""

    artifact_store: Literal["database", "supabase", "s3"] = Field(
        default="database",
        description="Where the content of large files goes: database, supabase (Storage of the project) or s3 (endpoint, region and "
        "keys by the AWS variables)",
    )
    artifact_store_bytes: int = Field(
        default=1_000_000,
        ge=1,
        le=20_000_000,
        description="Files from this size on go to the store; smaller ones to the database",
    )
    artifact_bucket: str = Field(
        default="artifacts",
        pattern=r"^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$",
        description="The private bucket that the store keeps files in",
    )
    artifact_downloads: Literal["auto", "through", "signed"] = Field(
        default="auto",
        description="How a file in the store is downloaded: through us, or from the store by an address signed for a minute; auto: "
        "signed on AWS Lambda, whose answers are small",
    )

    @property
    def hands_out_urls(self) -> bool:
        """Are downloads fetched from the store itself?"""
        if self.artifact_downloads == "auto":
            return "AWS_LAMBDA_FUNCTION_NAME" in os.environ
        return self.artifact_downloads == "signed"
