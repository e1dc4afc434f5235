"""Slack: its Web API as the house speaks of chat, and the texts and blocks of its messages."""
