"""Google: signing in, the client, Gmail and Calendar."""
