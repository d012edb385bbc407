"""The permissions that the site asks for, under the names that Django knows them by. docs/permissions.md says which
addresses each opens; `accounts.roles` and the migrations say which roles hold it."""

from __future__ import annotations

ADD_ACCOUNTS = "accounts.add_nexmoaccount"
CHANGE_ACCOUNTS = "accounts.change_nexmoaccount"
VIEW_ALL_ACCOUNTS = "accounts.view_all_accounts"
VIEW_SENSITIVE = "accounts.view_sensitive"
SHORTEN_RETENTION = "accounts.shorten_retention"
EXPORT_EVIDENCE = "accounts.export_evidence"
VIEW_ACCESS_LOG = "access.view_accessentry"
TRIAGE = "events.triage_finding"
MANAGE_STREAMS = "events.manage_stream"
WRITE_RULES = "events.change_ownrule"
VIEW_HOLDS = "events.view_legalhold"
ADD_HOLDS = "events.add_legalhold"
CHANGE_HOLDS = "events.change_legalhold"
CHANGE_TEAMS = "auth.change_group"
ADD_TEAMS = "auth.add_group"
