"""The queue, its tasks, backup, metrics and demo data."""
