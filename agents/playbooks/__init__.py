"""Playbooks: named sets of task templates with edges."""
