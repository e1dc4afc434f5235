"""Tables: reading tasks from CSV."""
