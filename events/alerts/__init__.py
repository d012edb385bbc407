"""Telling people and machines what was found: who wants to hear of what, through which channel, and what was sent."""
