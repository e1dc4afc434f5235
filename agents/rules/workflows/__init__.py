"""Results by rules."""
