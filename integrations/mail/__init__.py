"""Mail: reading files, composing, the local outbox, SMTP."""
