"""Pipelines: signed requests out, signed reports in."""
