"""Databases that are asked, and tables whose rows are changed."""
