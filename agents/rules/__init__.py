"""The built-in rules: what Steward knows without a language model. Pure functions, no network, no clock of their own."""
