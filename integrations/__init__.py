"""One folder per outside service; nothing here knows tasks or agents."""
