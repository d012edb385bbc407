"""What was found, and what people do with it: the inbox, triage, suppressions, marks beside events."""
