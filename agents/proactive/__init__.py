"""Ahead of being asked: rules that look at calendar, mail and tasks, and say what is worth a person's notice.

`watch.watch(situation)` runs them all. They are pure: no model is asked, nothing is read or written.
"""
