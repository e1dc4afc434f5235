"""The door the queue uses: the worker and its jobs."""
