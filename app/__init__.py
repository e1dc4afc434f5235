"""The doors people and programs use; folders are URLs."""
