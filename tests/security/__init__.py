"""Bounded runs of well-known scanners against the demo on this machine (docs/security.md). Not part of the suite."""
