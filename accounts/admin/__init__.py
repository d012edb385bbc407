"""Accounts, teams, people and API tokens in the Django admin.

`events.admin` registers accounts, teams and people, with what only it knows: sync health, what the archive keeps of
somebody, actions that talk to Nexmo. `accounts` itself does not know that events exist.
"""

from __future__ import annotations

from accounts.admin.account import NexmoAccountAdmin
from accounts.admin.base import EnglishLog, ExplainedDeletion, ObjectActions
from accounts.admin.person import PersonAdmin
from accounts.admin.team import TeamAdmin
from accounts.admin.token import ApiTokenAdmin

__all__ = [
    "ApiTokenAdmin",
    "EnglishLog",
    "ExplainedDeletion",
    "NexmoAccountAdmin",
    "ObjectActions",
    "PersonAdmin",
    "TeamAdmin",
]
