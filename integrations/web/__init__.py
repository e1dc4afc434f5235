"""The web: guarded requests, pages as text, search."""
