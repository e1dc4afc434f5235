"""Thinking and doing: agents, their prompts, and the built-in rules that answer without a model."""
