"""Who may do what: a right for each address and method, from which docs/permissions.md is made.

`tests/scope/test_permissions.py` asks every pattern of the URLconf with every method as each of the roles. So an
address without a row here fails the suite, and so does one that lets in whom its right does not.
"""

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


@dataclass(frozen=True)
class Row:
    """What an address takes; a method without a right is refused."""

    get: Right | None = None
    post: Right | None = None

    @property
    def methods(self) -> tuple[str, ...]:
        """What it takes, as the header Allow has it."""
        return (*(("GET", "HEAD") if self.get else ()), *(("POST",) if self.post else ()))


def _gets(right: Right, *addresses: str) -> dict[str, Row]:
    return {name: Row(get=right) for name in addresses}


def _posts(right: Right, *addresses: str) -> dict[str, Row]:
    return {name: Row(post=right) for name in addresses}


def _both(right: Right, *addresses: str) -> dict[str, Row]:
    return {name: Row(get=right, post=right) for name in addresses}


def _events(kind: str) -> tuple[str, ...]:
    """Names of the addresses of one thing: `stream` and `edit` make `events:stream_edit`."""
    return tuple(f"events:{name}" for name in kind.split())


SITE: Mapping[str, Row] = {
    **_gets(ANYBODY, "asset", "healthz", "readyz", "events:api_document"),
    **_posts(ANYBODY, "csp_report"),
    **_both(ANYBODY, "account_login"),
    **_gets(ANYBODY, "account_inactive"),
    **_both(SET_UP, "welcome"),
    **_both(BY_LINK, "events:report_stop"),
    **_gets(SET_UP, *(f"sso:{name}" for name in ("openid", "openid_callback", "saml", "saml_finish", "saml_metadata"))),
    **_posts(SET_UP, "sso:saml_acs"),
    **_gets(MEASURES, "metrics"),
    **_gets(NOTHING, "admin_redirect", "admin_password_change_done"),
    # What allauth looks up by name, and nobody needs: they lead elsewhere, whatever the method.
    **_both(PEOPLE, "home", "admin_password_change", "account_logout", "account_change_password"),
    **_both(ONESELF, "account_signup", "account_reset_password", "account_set_password", "account_email"),
    **_both(ONESELF, "account_reauthenticate", "mfa_authenticate", "mfa_reauthenticate", "mfa_activate_totp"),
    **_both(ONESELF, "mfa_deactivate_totp", "mfa_generate_recovery_codes", "mfa_reauthenticate_webauthn"),
    **_both(ONESELF, "mfa_add_webauthn", "mfa_edit_webauthn", "mfa_remove_webauthn", "mfa_login_webauthn"),
    **_gets(ONESELF, "mfa_list_webauthn"),
    **_gets(ONESELF, "mfa_index", "mfa_view_recovery_codes", "mfa_download_recovery_codes"),
    **_gets(PEOPLE, *_events("list export export_page summary news suggest about session search_help")),
    **_gets(ONESELF, *_events("export_progress")),
    **_posts(PEOPLE, *_events("dismiss star")),
    **_both(
        PEOPLE,
        *_events("accounts display view_new review_new review_schedule_new alert_new alert_channel_new report_new"),
    ),
    **_gets(PEOPLE, *_events("findings suppressions rules rule views reviews review_schedules alerts alert_log")),
    **_gets(PEOPLE, *_events("reports api_reference activity")),
    **_gets(ACCOUNT, *_events("account account_list account_summary account_news account_suggest account_export")),
    **_gets(ACCOUNT, *_events("account_export_page event find seals finding review review_file")),
    **_posts(SYNC, *_events("sync check")),
    **_both(ADD_ACCOUNT, *_events("account_new")),
    **_posts(EVIDENCE, *_events("evidence")),
    **_posts(ACCOUNT_EVIDENCE, *_events("account_evidence")),
    **_gets(EVIDENCE, *_events("packs")),
    **_gets(ACCESS_LOG, *_events("access access_export")),
    **_gets(PACK, *_events("pack pack_file")),
    **_posts(DELETES_PACK, *_events("pack_delete")),
    **_posts(TRIAGE, *_events("triage")),
    **_both(TRIAGE_ONE, *_events("suppress")),
    **_posts(TRIAGE_ONE, *_events("suppression_end")),
    **_both(WRITE_RULES, *_events("rule_new rule_edit")),
    **_gets(WRITE_RULES, *_events("rule_trial")),
    **_posts(WRITE_RULES, *_events("rule_save rule_switch")),
    **_gets(RULE_TEXT, *_events("rule_version")),
    **_gets(SEES_VIEW, *_events("view")),
    **_both(CHANGES_VIEW, *_events("view_edit view_delete")),
    **_posts(CHANGES_VIEW, *_events("view_update")),
    **_both(UNSHARES, *_events("view_unshare")),
    **_gets(SEES_HELD, *_events("alert_channel report stream")),
    **_both(CHANGES_HELD, *_events("alert_edit alert_delete alert_channel_edit alert_channel_delete")),
    **_both(CHANGES_HELD, *_events("report_edit report_delete review_schedule_edit")),
    **_posts(CHANGES_HELD, *_events("alert_channel_test alert_channel_resume alert_channel_secret alert_retry")),
    **_posts(CHANGES_HELD, *_events("report_pause report_resume")),
    **_posts(SEES_HELD, *_events("report_preview report_receive")),
    **_gets(STREAMS, *_events("streams")),
    **_both(STREAMS, *_events("stream_new")),
    **_both(CHANGES_STREAM, *_events("stream_edit stream_delete")),
    **_posts(CHANGES_STREAM, *_events("stream_test stream_pause stream_resume stream_replay")),
    **_posts(SIGNED, *_events("review_retry review_discard")),
    **_gets(PEOPLE, "accounts:teams", "accounts:tokens", "accounts:others_tokens", "accounts:sessions"),
    **_posts(ONESELF, "accounts:session_end", "accounts:sessions_end"),
    **_both(PEOPLE, "accounts:token_new"),
    **_gets(TEAM_PAGE, "accounts:team"),
    **_gets(ACCOUNT_TOKENS, "accounts:account_tokens"),
    **_both(REVOKE, "accounts:token_revoke"),
    **_gets(PROGRAM, *_events("nexmo_events nexmo_event api_events api_accounts api_account api_findings api_finding")),
    **_gets(PROGRAM, *_events("api_views api_view_events api_token")),
    **_posts(
        _right(
            "token that acknowledges",
            "A program whose token may acknowledge, of a person who triages.",
            TOKEN,
            names.TRIAGE,
            nobody=TOKEN,
            token=NO,
        ),
        *_events("api_acknowledge"),
    ),
    **_both(
        _right("token, for nothing", "Other addresses of the API: not found.", TOKEN, nobody=TOKEN, token=HIDDEN),
        *_events("api_nothing nexmo_nothing"),
    ),
}

# --- the admin --------------------------------------------------------------------------------------------------------

PAGES = ("changelist", "add", "history", "change", "delete")


def _model(sees: Right, adds: Right, changes: Right, deletes: Right) -> dict[str, Row]:
    """The five pages of a model in the admin."""
    return {
        "changelist": Row(sees, sees),
        "add": Row(adds, adds),
        "history": Row(sees, sees),
        "change": Row(sees, changes),
        "delete": Row(deletes, deletes),
    }


_RECORDS = _model(STAFF, NO_ONE, NO_ONE, NO_ONE)

MODELS: Mapping[str, Mapping[str, Row]] = {
    "accounts_nexmoaccount": _model(STAFF, STAFF_ACCOUNT, STAFF_ACCOUNT, STAFF_ACCOUNT),
    "accounts_apitoken": _model(SUPERUSERS, NO_ONE, NO_ONE, NO_ONE),
    "auth_group": _model(SUPERUSERS, SUPERUSERS, SUPERUSERS, SUPERUSERS),
    "auth_user": _model(SUPERUSERS, SUPERUSERS, SUPERUSERS, SUPERUSERS),
    "mfa_authenticator": _model(SUPERUSERS, NO_ONE, NO_ONE, SUPERUSERS),
    "socialaccount_socialaccount": _model(SUPERUSERS, SUPERUSERS, NO_ONE, SUPERUSERS),
    "events_auditevent": _RECORDS,
    "events_eventtype": _RECORDS,
    "events_syncrun": _RECORDS,
    "events_discrepancy": _RECORDS,
    "events_removal": _RECORDS,
    "events_seal": _RECORDS,
    "events_reviewstatement": _RECORDS,
    "events_legalhold": _model(SUPERUSERS, SUPERUSERS, SUPERUSERS, NO_ONE),
    "events_savedview": _model(ONLY_SUPERUSERS, NO_ONE, NO_ONE, ONLY_SUPERUSERS),
    "events_ownrule": _model(SUPERUSERS, SUPERUSERS, SUPERUSERS, SUPERUSERS),
    "events_report": _model(ONLY_SUPERUSERS, NO_ONE, NO_ONE, NO_ONE),
    "events_stream": {
        **_model(STAFF_STREAMS, NO_ONE, NO_ONE, NO_ONE),
        "history": Row(STREAM_HISTORY, STREAM_HISTORY),
    },
}

ADMIN: Mapping[str, Row] = {
    **{f"admin:{model}_{page}": row for model, pages in MODELS.items() for page, row in pages.items()},
    **_both(STAFF, "admin:index", "admin:app_list", "admin:login"),
    **_gets(STAFF, "admin:jsi18n"),
    **_posts(STAFF, "admin:logout"),
    **_both(PEOPLE, "admin:password_change"),
    **_gets(NOTHING, "admin:password_change_done", "admin:view_on_site"),
    # Patterns without a name, by their addresses: an object's own leads to the page on which it is changed.
    **_both(STAFF, *(f"/admin/{model.replace('_', '/', 1)}/<object_id>/" for model in MODELS)),
    **_gets(
        _right(
            "staff, for nothing",
            "Other addresses of the admin: not found.",
            NO,
            account_admin=HIDDEN,
            auditor=HIDDEN,
            superuser=HIDDEN,
        ),
        "/admin/(?P<url>.*)$",
    ),
    **_gets(SUPERUSERS, "admin:autocomplete"),
    **_both(SUPERUSERS, "admin:auth_user_password_change"),
    **_both(ONLY_SUPERUSERS, "admin:auth_user_hand_over"),
    **_posts(STAFF_ACCOUNT, "admin:accounts_nexmoaccount_test", "admin:accounts_nexmoaccount_switch_off"),
    **_posts(SUPERUSERS, "admin:auth_user_switch_off", "admin:auth_user_end_sessions"),
    **_posts(RELEASES, "admin:events_legalhold_release"),
}
TABLE: Mapping[str, Row] = {**SITE, **ADMIN}
