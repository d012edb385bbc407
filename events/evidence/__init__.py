"""The evidence pack: events that an outsider can check, with a verifier that needs nothing of ours."""
