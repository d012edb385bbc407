"""The rights of the site: who, and with which permission. `addresses.py` says which address takes which."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from accounts import permissions as names

if TYPE_CHECKING:
    from collections.abc import Mapping

# In the order of the columns. The others see an account because it is shared with a team that they are in.
ROLES = {
    "anonymous": "nobody logged in",
    "token": "a program with an API token of the owner",
    "stranger": "logged in, and in no team with the account",
    "member": "in the account's team, without a role",
    "responder": "in the team, role Responders",
    "account admin": "in the team, role Account admins, may use the admin",
    "owner": "the person that an account, view, channel, stream ... belongs to, in no team and without a role",
    "auditor": "role Auditors, may use the admin",
    "superuser": "superuser",
}


class Answer(StrEnum):
    """What a role gets."""

    YES = "yes"
    TEAM = "team's"  # what belongs to a team; what belongs to a person is not found
    OWN = "own"  # what belongs to the reader; what belongs to a team is not found
    HIDDEN = "404"  # as if there were no such thing
    NO = "403"  # that it exists is no secret
    LOGIN = "log in"
    TOKEN = "401"  # noqa: S105 - a status


YES, TEAM, OWN, HIDDEN, NO, LOGIN, TOKEN = Answer


@dataclass(frozen=True)
class Right:
    """Who may do something.

    Attributes:
        title: what it is called in the table of addresses.
        words: who, in a sentence.
        permission: the permission that it takes, besides seeing the account or thing.
        answers: what each role gets.
        may_be_absent: whether it depends on the site's or the reader's set-up whether there is anything at all.
    """

    title: str
    words: str
    answers: Mapping[str, Answer] = field(repr=False)
    permission: str = ""
    may_be_absent: bool = False


def _right(
    title: str,
    words: str,
    others: Answer,
    permission: str = "",
    *,
    nobody: Answer = LOGIN,
    token: Answer | None = None,
    may_be_absent: bool = False,
    **answers: Answer,
) -> Right:
    """A right by what most logged-in people get, and who gets something else."""
    told = dict.fromkeys(ROLES, others) | {"anonymous": nobody, "token": nobody if token is None else token}
    told |= {role.replace("_", " "): answer for role, answer in answers.items()}
    return Right(title, words, told, permission, may_be_absent)


ANYBODY = _right("anybody", "Needs no login.", YES, nobody=YES)
BY_LINK = _right(
    "anybody with the link", "Needs no login, but the signed link of a mail; otherwise not found.", YES, nobody=YES
)
SET_UP = _right(
    "anybody, where set up", "Needs no login; not found where it is not set up.", YES, nobody=YES, may_be_absent=True
)
PEOPLE = _right("people", "Whoever is logged in; shows only what that person may see.", YES)
ONESELF = _right(
    "oneself", "Whoever is logged in, about themselves; not found where there is nothing.", YES, may_be_absent=True
)
PROGRAM = _right(
    "token",
    "A program with an API token, which sees no more than its owner does; nobody's login.",
    TOKEN,
    nobody=TOKEN,
    token=YES,
)
MEASURES = _right(
    "metrics",
    "Who sees all accounts, or a program with `METRICS_TOKEN`.",
    TOKEN,
    names.VIEW_ALL_ACCOUNTS,
    nobody=TOKEN,
    auditor=YES,
    superuser=YES,
)
NOTHING = _right("nobody", "Not found for anybody: Django's own address, which would tell too much.", HIDDEN)

ACCOUNT = _right("sees the account", "The account's owner, its teams, and who sees all accounts.", YES, stranger=HIDDEN)
SYNC = _right(
    "syncs the account",
    "The account's owner, its teams, and superusers: auditors change nothing.",
    YES,
    stranger=HIDDEN,
    auditor=NO,
)
ADD_ACCOUNT = _right("adds accounts", "Account admins.", NO, names.ADD_ACCOUNTS, account_admin=YES, superuser=YES)
ACCOUNT_TOKENS = _right(
    "sees the account's tokens",
    "The account's owner, and who sees all accounts.",
    HIDDEN,
    owner=YES,
    auditor=YES,
    superuser=YES,
)
REVOKE = _right(
    "revokes the token",
    "Its person, owners of accounts that it reads, and superusers.",
    HIDDEN,
    owner=YES,
    superuser=YES,
)
TEAM_PAGE = _right("sees the team", "Its members, and who sees all accounts.", YES, stranger=HIDDEN, owner=HIDDEN)

EVIDENCE = _right("takes evidence", "Auditors.", NO, names.EXPORT_EVIDENCE, auditor=YES, superuser=YES)
ACCESS_LOG = _right("reads the access log", "Auditors.", NO, names.VIEW_ACCESS_LOG, auditor=YES, superuser=YES)
ACCOUNT_EVIDENCE = _right(
    "takes evidence of the account",
    "Auditors who see the account.",
    NO,
    names.EXPORT_EVIDENCE,
    stranger=HIDDEN,
    auditor=YES,
    superuser=YES,
)
PACK = _right(
    "has the pack",
    "Who asked for it and still sees all accounts in it; and who sees all accounts.",
    HIDDEN,
    names.EXPORT_EVIDENCE,
    auditor=YES,
    superuser=YES,
)
DELETES_PACK = _right(
    "deletes the pack",
    "Who asked for it, and superusers; to other auditors it is not found.",
    HIDDEN,
    names.EXPORT_EVIDENCE,
    auditor=YES,
    superuser=YES,
)

TRIAGE = _right(
    "triages",
    "Responders and account admins, of findings in accounts that they see.",
    NO,
    names.TRIAGE,
    responder=YES,
    account_admin=YES,
    superuser=YES,
)
TRIAGE_ONE = _right(
    "triages the account's",
    "The same for one finding or suppression.",
    NO,
    names.TRIAGE,
    stranger=HIDDEN,
    responder=YES,
    account_admin=YES,
    superuser=YES,
)
WRITE_RULES = _right("writes rules", "Who sees all accounts and may write rules.", NO, names.WRITE_RULES, superuser=YES)
RULE_TEXT = _right(
    "reads own rules",
    "Who sees all accounts: such a text may name any of them.",
    HIDDEN,
    names.VIEW_ALL_ACCOUNTS,
    auditor=YES,
    superuser=YES,
)

SEES_VIEW = _right(
    "sees the view",
    "Its owner and the team that it is shared with, if they see the accounts that it names.",
    HIDDEN,
    owner=OWN,
    member=TEAM,
    responder=TEAM,
    account_admin=TEAM,
)
CHANGES_VIEW = _right("changes the view", "Its owner.", HIDDEN, owner=OWN)
UNSHARES = _right("unshares the view", "Members of its team who may change teams.", HIDDEN, names.CHANGE_TEAMS)
SEES_HELD = _right(
    "sees it",
    "The person or the team that it belongs to; superusers see every team's.",
    HIDDEN,
    owner=OWN,
    member=TEAM,
    responder=TEAM,
    account_admin=TEAM,
    superuser=TEAM,
)
CHANGES_HELD = _right(
    "changes it",
    "Its owner; a team's: members who may triage findings.",
    HIDDEN,
    names.TRIAGE,
    owner=OWN,
    responder=TEAM,
    account_admin=TEAM,
    superuser=TEAM,
)
STREAMS = _right("has streams", "Who may manage streams.", NO, names.MANAGE_STREAMS, account_admin=YES, superuser=YES)
CHANGES_STREAM = _right(
    "changes the stream",
    "Its owner, or its team's members, who may manage streams.",
    HIDDEN,
    names.MANAGE_STREAMS,
    account_admin=TEAM,
    superuser=TEAM,
)
SIGNED = _right("signed it", "Who asked for the signature, until it is signed.", HIDDEN, owner=YES)

STAFF = _right(
    "staff",
    "Who may use the admin, which is a tick on a person's page: no role opens it. Shows only what that person may see.",
    NO,
    account_admin=YES,
    auditor=YES,
    superuser=YES,
)
STAFF_ACCOUNT = _right(
    "manages accounts",
    "Account admins who may use the admin, of their own accounts; superusers, of all.",
    NO,
    names.CHANGE_ACCOUNTS,
    account_admin=YES,
    superuser=YES,
)
STAFF_STREAMS = _right(
    "has streams, staff",
    "Who may use the admin and manage streams, of those that they see on the site.",
    NO,
    names.MANAGE_STREAMS,
    account_admin=YES,
    superuser=YES,
)
STREAM_HISTORY = _right(
    "sees the stream, staff",
    "The same; to others it is not found.",
    NO,
    names.MANAGE_STREAMS,
    account_admin=YES,
    auditor=HIDDEN,
    superuser=YES,
)
SUPERUSERS = _right(
    "superusers", "Superusers, and staff whom they gave that permission of Django's.", NO, superuser=YES
)
ONLY_SUPERUSERS = _right("superusers alone", "Superusers, whatever permission others have.", NO, superuser=YES)
RELEASES = _right(
    "releases holds", "Superusers, and staff who may change holds.", NO, names.CHANGE_HOLDS, superuser=YES
)
NO_ONE = _right("no one", "Nobody: records are kept as they are.", NO)
ACKNOWLEDGES = _right(
    "token that acknowledges",
    "A program whose token may acknowledge, of a person who triages.",
    TOKEN,
    names.TRIAGE,
    nobody=TOKEN,
    token=NO,
)
PROGRAM_NOTHING = _right(
    "token, for nothing", "Other addresses of the API: not found.", TOKEN, nobody=TOKEN, token=HIDDEN
)
ADMIN_NOTHING = _right(
    "staff, for nothing",
    "Other addresses of the admin: not found.",
    NO,
    account_admin=HIDDEN,
    auditor=HIDDEN,
    superuser=HIDDEN,
)
