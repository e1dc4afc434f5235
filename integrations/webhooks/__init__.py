"""Webhooks, signed in both directions after Standard Webhooks."""
