"""The signs of states, so that no colour has to say them alone: SVG paths in a field of 12 by 12."""

MARKS = {
    "pending": "M6 2.2a3.8 3.8 0 1 1 0 7.6a3.8 3.8 0 1 1 0-7.6z",  # a ring
    "queued": "M6 2.2a3.8 3.8 0 1 1 0 7.6a3.8 3.8 0 1 1 0-7.6z M6 3.6V6l1.8 1.2",  # a clock
    "in_progress": "M3.2 1.8v8.4L10.2 6z",  # on its way
    "blocked": "M2.4 2.4h7.2v7.2H2.4z",  # a square
    "paused": "M3.6 2v8M8.4 2v8",  # two bars
    "completed": "M1.8 6.4l2.9 2.9L10.3 3",  # a tick
    "failed": "M2.6 2.6l6.8 6.8M9.4 2.6l-6.8 6.8",  # a cross
    "cancelled": "M2 6h8",  # a dash
    "superseded": "M2 6h8",
}
