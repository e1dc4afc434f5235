"""The outside world of an installation: which service fulfils which Protocol of `agents.services`, wired here.

Each module of this folder has `services(given)`; the real libraries are imported when a service is first opened.
"""
