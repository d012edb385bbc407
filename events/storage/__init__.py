"""What lies below the models: the chain, triggers, search index and transactions."""
