"""Events and findings sent on to other systems as they are archived: read, formatted, delivered, and how far it got."""
