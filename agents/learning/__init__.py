"""Learning from a person's own edits, words and mails: what changed, what it says of their taste, how that is applied. Pure."""
