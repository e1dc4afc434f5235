"""Back-ups: one file that holds a house, and a house made out of it again."""
