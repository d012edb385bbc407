"""What a person is shown of syncing: states, coverage, freshness."""
