"""The reviewed recipe and the pinned text of each model's circuit."""
