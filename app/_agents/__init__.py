"""What the doors for other people's agents share: how agents are shown, what they report, how they wait for work."""
