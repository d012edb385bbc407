"""The rule language: Sigma version 2, read, checked and evaluated. Nothing here knows of Django or the archive.

`read` makes rules from YAML, `rule` says what a rule is, `fields` which fields events have, `windows` finds what
correlations ask for in hits that somebody else has read.
"""
