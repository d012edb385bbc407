"""Everything in the Django admin: what the archive holds, read-only; holds; own detection rules; reports; streams; and
accounts, teams and people of `accounts.admin` with what only `events` knows about them."""

from __future__ import annotations

from events.admin import account, hold, people, records, reports, rules, streams

__all__ = ["account", "hold", "people", "records", "reports", "rules", "streams"]
