"""The access log: who logged in, read, took away and changed what, from where.

`note` is what other code says of a request; `record` writes an entry. Which paths need an entry is declared in
`auditsite/access_log/addresses.py`, and `write.py` there writes it before the answer leaves. Entries are chained and
proved by `events/archive/access_chain.py`. docs/access-log.md says what it means.
"""
