"""The plan document: 61 stages, each a task of one tree."""
