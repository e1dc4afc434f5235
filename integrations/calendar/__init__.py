"""Calendars: reading iCalendar files."""
