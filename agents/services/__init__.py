"""What tools need from the outside world: one Protocol per kind of service, made of the nouns of `core.outside`."""
