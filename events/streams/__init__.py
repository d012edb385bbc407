"""Events and findings, sent on to other systems as they arrive."""
