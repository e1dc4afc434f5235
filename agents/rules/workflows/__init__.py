"""Results that the built-in rules make. Each module has `decide(context, now)`; none invents a fact, and each says what it lacks."""
