"""A month of a made-up person's mail and meetings, lived through in minutes: `make simulate`."""
