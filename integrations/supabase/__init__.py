"""Supabase's services beside the database: people sign in there."""
