"""Stores of large files: Supabase Storage and S3; both fulfil `core.objects.ObjectStore`."""
