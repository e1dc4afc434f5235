"""The stores of large files that the settings give."""

from core.errors import Unavailable
from core.objects import Contents, ObjectStore
from core.settings import Settings


def contents_from(settings: Settings) -> Contents:
    """Which store takes what is large, and how each is reached; none is opened before it is needed."""

    def supabase() -> ObjectStore:
        if not settings.supabase_url or not settings.supabase_secret_key:
            raise Unavailable(
                "Supabase Storage is not set up",
                hint="Set SUPABASE_URL and SUPABASE_SECRET_KEY, or another STEWARD_ARTIFACT_STORE.",
            )
        from integrations.storage.supabase import SupabaseStore

        return SupabaseStore(
            settings.supabase_url,
            settings.supabase_secret_key.get_secret_value(),
            settings.artifact_bucket,
            public_url=settings.supabase_public_url,
        )

    def s3() -> ObjectStore:
        from integrations.storage.s3 import S3Store

        return S3Store(settings.artifact_bucket)

    return Contents(
        {"supabase": supabase, "s3": s3},
        settings.artifact_store,
        settings.artifact_store_bytes,
        settings.hands_out_urls,
    )
