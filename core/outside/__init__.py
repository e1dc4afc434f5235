"""What agents and integrations speak of to each other: nouns of the outside world, and what can go wrong out there."""
