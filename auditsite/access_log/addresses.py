"""Which path leaves what entry in the access log: the one table of it.

A view is named once. What reads or changes something has its action; what has none says why. A path that is not here
fails a test (tests/access/test_addresses.py). The admin's pages follow from their names.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from accounts.access.words import Action, Kind, kind_of_model
from events.filters.parameters import KNOWN


@dataclass(frozen=True)
class Rule:
    """What answers of a path mean.

    Attributes:
        kind: what it is about.
        get: what an answered GET is; None: nothing that is kept.
        post: what an answered POST is. It counts as done where its answer leads on to another page; one that shows a
            form again does not.
        shows: a POST is done although its answer is a page.
        failed: what a POST is whose answer shows the form again.
        polled: htmx asks for a part of it again and again: not kept while the session has an entry of the page.
        part: of a list of events: not kept while the session has an entry of the list with this filter;
            where it is polled too, however long ago, and without a filter that of any list.
        anybody: also where nobody is logged in.
        why: why a GET, or the path, leaves no entry.
    """

    kind: Kind = Kind.OTHER
    get: Action | None = None
    post: Action | None = None
    shows: bool = False
    failed: Action | None = None
    polled: bool = False
    part: bool = False
    anybody: bool = False
    why: str = ""


def _lists(kind: Kind, post: Action | None = None) -> Rule:
    return Rule(kind, get=Action.LISTED, post=post)


def _opens(kind: Kind, post: Action | None = None, *, polled: bool = False) -> Rule:
    return Rule(kind, get=Action.OPENED, post=post, polled=polled)


def _form(kind: Kind, post: Action) -> Rule:
    return Rule(kind, post=post, why="an empty form, or a question before the deed")


def _deed(kind: Kind, post: Action, *, shows: bool = False) -> Rule:
    return Rule(kind, post=post, shows=shows, why="takes POST only")


def _of_list(*, polled: bool = False) -> Rule:
    return Rule(Kind.EVENT, get=Action.LISTED, part=True, polled=polled)


def _none(why: str) -> Rule:
    return Rule(why=why)


_PART = "a part of a page that has its own entry"
_SIGNALS = "allauth and Django tell of what is done here (accounts/access/signals.py)"
_MOVED = "leads on to a page that has its own entry"
_SSO = "leads to the provider or back; logins and refusals are told by signals"
_HELP = "the same for everybody"
_STATE = "figures about the site, none about accounts"
_NOTHING = "always 404"

RULES: dict[str, Rule] = {
    "home": _none(_MOVED),
    # Events, and what is read of them.
    "events:list": _lists(Kind.EVENT),
    "events:account_list": _lists(Kind.EVENT),
    "events:event": _opens(Kind.EVENT),
    "events:find": _none(_MOVED),
    "events:about": _opens(Kind.EVENT),
    "events:session": _opens(Kind.EVENT),
    "events:summary": _of_list(),
    "events:account_summary": _of_list(),
    "events:news": _of_list(polled=True),
    "events:account_news": _of_list(polled=True),
    "events:suggest": _of_list(polled=True),
    "events:account_suggest": _of_list(polled=True),
    "events:search_help": _none(_HELP),
    "events:dismiss": _none("a line that its reader does not want to see"),
    "events:display": _none("how pages look, for oneself"),
    "events:check": _deed(Kind.EVENT, Action.TESTED, shows=True),
    "events:export": Rule(Kind.EVENT, get=Action.EXPORT_BEGUN),
    "events:account_export": Rule(Kind.EVENT, get=Action.EXPORT_BEGUN),
    "events:export_page": _of_list(),
    "events:account_export_page": _of_list(),
    "events:export_progress": _none(_PART),
    # What is taken away as proof.
    "events:evidence": _deed(Kind.EVIDENCE, Action.REQUESTED),
    "events:account_evidence": _deed(Kind.EVIDENCE, Action.REQUESTED),
    "events:packs": _lists(Kind.EVIDENCE),
    "events:pack": _opens(Kind.EVIDENCE, polled=True),
    "events:pack_file": Rule(Kind.EVIDENCE, get=Action.EXPORT_BEGUN),
    "events:pack_delete": _deed(Kind.EVIDENCE, Action.DELETED),
    "events:seals": Rule(Kind.SEAL, get=Action.DOWNLOADED),
    "events:reviews": _lists(Kind.REVIEW),
    "events:review_new": Rule(Kind.REVIEW, get=Action.OPENED, post=Action.REQUESTED),
    "events:review": _opens(Kind.REVIEW, polled=True),
    "events:review_file": Rule(Kind.REVIEW, get=Action.DOWNLOADED),
    "events:review_retry": _deed(Kind.REVIEW, Action.REQUESTED),
    "events:review_discard": _deed(Kind.REVIEW, Action.DELETED),
    "events:review_schedules": _lists(Kind.SCHEDULE),
    "events:review_schedule_new": _form(Kind.SCHEDULE, Action.CREATED),
    "events:review_schedule_edit": _form(Kind.SCHEDULE, Action.CHANGED),
    # Findings and the rules that make them.
    "events:findings": _lists(Kind.FINDING),
    "events:finding": _opens(Kind.FINDING),
    "events:triage": _deed(Kind.FINDING, Action.CHANGED),
    "events:suppress": _form(Kind.SUPPRESSION, Action.CREATED),
    "events:suppressions": _lists(Kind.SUPPRESSION),
    "events:suppression_end": _deed(Kind.SUPPRESSION, Action.CHANGED),
    "events:rules": _lists(Kind.RULE),
    "events:rule": _opens(Kind.RULE),
    "events:rule_version": _opens(Kind.RULE),
    "events:rule_new": _form(Kind.RULE, Action.TESTED),
    "events:rule_edit": _form(Kind.RULE, Action.TESTED),
    "events:rule_trial": _opens(Kind.RULE, polled=True),
    "events:rule_save": _deed(Kind.RULE, Action.CHANGED),
    "events:rule_switch": _deed(Kind.RULE, Action.CHANGED),
    # Views, alerts, reports, streams.
    "events:views": _lists(Kind.VIEW),
    "events:view": _none(_MOVED),
    "events:view_new": _form(Kind.VIEW, Action.CREATED),
    "events:view_edit": _form(Kind.VIEW, Action.CHANGED),
    "events:view_update": _deed(Kind.VIEW, Action.CHANGED),
    "events:view_delete": _form(Kind.VIEW, Action.DELETED),
    "events:view_unshare": _form(Kind.VIEW, Action.CHANGED),
    "events:star": _none("which views stand first, for oneself"),
    "events:alerts": _lists(Kind.ALERT),
    "events:alert_log": _lists(Kind.ALERT),
    "events:alert_retry": _deed(Kind.ALERT, Action.REQUESTED),
    "events:alert_new": _form(Kind.ALERT, Action.CREATED),
    "events:alert_edit": _form(Kind.ALERT, Action.CHANGED),
    "events:alert_delete": _form(Kind.ALERT, Action.DELETED),
    "events:alert_channel_new": _form(Kind.CHANNEL, Action.CREATED),
    "events:alert_channel": _opens(Kind.CHANNEL, polled=True),
    "events:alert_channel_edit": _form(Kind.CHANNEL, Action.CHANGED),
    "events:alert_channel_test": _deed(Kind.CHANNEL, Action.TESTED),
    "events:alert_channel_resume": _deed(Kind.CHANNEL, Action.CHANGED),
    "events:alert_channel_secret": _deed(Kind.CHANNEL, Action.SECRET_SHOWN, shows=True),
    "events:alert_channel_delete": _form(Kind.CHANNEL, Action.DELETED),
    "events:reports": _lists(Kind.REPORT),
    "events:report": _opens(Kind.REPORT),
    "events:report_new": _form(Kind.REPORT, Action.CREATED),
    "events:report_edit": _form(Kind.REPORT, Action.CHANGED),
    "events:report_preview": _deed(Kind.REPORT, Action.TESTED),
    "events:report_pause": _deed(Kind.REPORT, Action.CHANGED),
    "events:report_resume": _deed(Kind.REPORT, Action.CHANGED),
    "events:report_receive": _deed(Kind.REPORT, Action.CHANGED),
    "events:report_delete": _form(Kind.REPORT, Action.DELETED),
    "events:report_stop": Rule(
        Kind.REPORT, post=Action.CHANGED, shows=True, anybody=True, why="a question before the deed"
    ),
    "events:streams": _lists(Kind.STREAM),
    "events:stream": _opens(Kind.STREAM, polled=True),
    "events:stream_new": _form(Kind.STREAM, Action.CREATED),
    "events:stream_edit": _form(Kind.STREAM, Action.CHANGED),
    "events:stream_test": _deed(Kind.STREAM, Action.TESTED),
    "events:stream_pause": _deed(Kind.STREAM, Action.CHANGED),
    "events:stream_resume": _deed(Kind.STREAM, Action.CHANGED),
    "events:stream_replay": _deed(Kind.STREAM, Action.REQUESTED),
    "events:stream_delete": _form(Kind.STREAM, Action.DELETED),
    # This log.
    "events:access": _lists(Kind.ACCESS_LOG),
    "events:access_export": Rule(Kind.ACCESS_LOG, get=Action.EXPORT_BEGUN),
    "events:activity": _lists(Kind.ACCESS_LOG),
    # Accounts, teams, tokens.
    "events:accounts": Rule(Kind.ACCOUNT, get=Action.LISTED, post=Action.SYNCED, polled=True),
    "events:account": _opens(Kind.ACCOUNT, polled=True),
    "events:account_new": _form(Kind.ACCOUNT, Action.CREATED),
    "events:sync": _deed(Kind.ACCOUNT, Action.SYNCED),
    "accounts:teams": _lists(Kind.TEAM),
    "accounts:team": _opens(Kind.TEAM),
    "accounts:tokens": _lists(Kind.TOKEN),
    "accounts:others_tokens": _lists(Kind.TOKEN),
    "accounts:account_tokens": _lists(Kind.TOKEN),
    "accounts:token_new": _form(Kind.TOKEN, Action.CREATED),
    "accounts:token_revoke": _form(Kind.TOKEN, Action.DELETED),
    "accounts:sessions": _lists(Kind.SESSION),
    "accounts:session_end": _none(_SIGNALS),
    "accounts:sessions_end": _none(_SIGNALS),
    # The API.
    "events:api_events": _lists(Kind.EVENT),
    "events:api_view_events": _lists(Kind.EVENT),
    "events:api_accounts": _lists(Kind.ACCOUNT),
    "events:api_account": _opens(Kind.ACCOUNT),
    "events:api_findings": _lists(Kind.FINDING),
    "events:api_finding": _opens(Kind.FINDING),
    "events:api_acknowledge": _deed(Kind.FINDING, Action.CHANGED, shows=True),
    "events:api_views": _lists(Kind.VIEW),
    "events:api_token": _none("what a program asks about its own token"),
    "events:api_reference": _none(_HELP),
    "events:api_document": _none(_HELP),
    "events:api_nothing": _none(_NOTHING),
    "events:nexmo_events": _lists(Kind.EVENT),
    "events:nexmo_event": _opens(Kind.EVENT),
    "events:nexmo_nothing": _none(_NOTHING),
    # Logins.
    "account_login": _none(_SIGNALS),
    "account_logout": _none(_SIGNALS),
    "account_inactive": _none("says that a login is switched off"),
    "account_reauthenticate": Rule(
        Kind.SESSION, post=Action.CONFIRMED, failed=Action.CONFIRM_FAILED, why="an empty form"
    ),
    "account_change_password": _none(_SIGNALS),
    "account_signup": _none(_MOVED),
    "account_reset_password": _none(_MOVED),
    "account_set_password": _none(_MOVED),
    "account_email": _none(_MOVED),
    "mfa_index": _none("which second factors one has oneself"),
    "mfa_authenticate": _none(_SIGNALS),
    "mfa_reauthenticate": Rule(Kind.FACTOR, post=Action.CONFIRMED, failed=Action.CONFIRM_FAILED, why="an empty form"),
    "mfa_activate_totp": _none(_SIGNALS),
    "mfa_deactivate_totp": _none(_SIGNALS),
    "mfa_view_recovery_codes": Rule(Kind.FACTOR, get=Action.SECRET_SHOWN),
    "mfa_download_recovery_codes": Rule(Kind.FACTOR, get=Action.SECRET_SHOWN),
    "mfa_generate_recovery_codes": _none(_SIGNALS),
    "mfa_list_webauthn": _none("which second factors one has oneself"),
    "mfa_add_webauthn": _none(_SIGNALS),
    "mfa_edit_webauthn": _form(Kind.FACTOR, Action.CHANGED),
    "mfa_remove_webauthn": _none(_SIGNALS),
    "mfa_login_webauthn": _none(_SIGNALS),
    "mfa_reauthenticate_webauthn": Rule(
        Kind.FACTOR, post=Action.CONFIRMED, failed=Action.CONFIRM_FAILED, why="what a passkey is asked"
    ),
    "sso:openid": _none(_SSO),
    "sso:openid_callback": _none(_SSO),
    "sso:saml": _none(_SSO),
    "sso:saml_acs": _none(_SSO),
    "sso:saml_finish": _none(_SSO),
    "sso:saml_metadata": _none(_HELP),
    "welcome": Rule(Kind.PERSON, post=Action.CREATED, anybody=True, why="an empty form"),
    # The site itself.
    "healthz": _none(_STATE),
    "readyz": _none(_STATE),
    "metrics": _none(_STATE),
    "asset": _none(_HELP),
    "csp_report": _none("what browsers report is counted and logged (middleware/headers.py)"),
    "admin_redirect": _none(_NOTHING),
    "admin_password_change": _none(_MOVED),
    "admin_password_change_done": _none(_NOTHING),
    "admin:index": _none("a list of what the admin has pages for"),
    "admin:app_list": _none("a list of what the admin has pages for"),
    "admin:login": _none(_MOVED),
    "admin:logout": _none(_SIGNALS),
    "admin:password_change": _none(_MOVED),
    "admin:password_change_done": _none(_NOTHING),
    "admin:autocomplete": _none(_PART),
    "admin:jsi18n": _none(_HELP),
    "admin:view_on_site": _none(_NOTHING),
}

# Of an object's pages in the admin, by the end of their names. Other ends are buttons on an object's page.
_ADMIN = {
    "changelist": (Action.LISTED, Action.CHANGED, ""),
    "history": (Action.OPENED, None, ""),
    "change": (Action.OPENED, Action.CHANGED, ""),
    "add": (None, Action.CREATED, "an empty form"),
    "delete": (None, Action.DELETED, "a question before the deed"),
    "password_change": (None, Action.PASSWORD_CHANGED, "an empty form"),
    "test": (None, Action.TESTED, "takes POST only"),
    "hand_over": (None, Action.CHANGED, "a question before the deed"),
}


@lru_cache(maxsize=1_024)
def rule_for(view: str) -> Rule | None:
    """The rule of a view, by its name; None where there is none."""
    if (rule := RULES.get(view)) is not None:
        return rule
    site, _, name = view.partition(":")
    parts = name.split("_", 2)
    if site != "admin" or len(parts) != 3:
        return None
    get, post, why = _ADMIN.get(parts[2], (None, Action.CHANGED, "takes POST only"))
    return Rule(kind_of_model(parts[1]), get=get, post=post, why=why)


# Of an address's query only these are kept: filters, and where in a list somebody was. What else may stand there, such
# as where to go next, may hold secrets; so may all of single sign-on's, whose `state` is not that of a finding.
KEPT = frozenset(KNOWN) - {"job", "announced"} | frozenset(
    ("state", "severity", "rule", "assignee", "channel", "person", "action", "kind", "at", "q", "p", "before", "cursor")
    + ("via", "address", "until")
)
_KEPT_BY_SITE = {"events": KEPT, "accounts": frozenset(("q", "p", "person")), "admin": frozenset(("q", "p"))}


def kept_of(view: str) -> frozenset[str]:
    """The names that are kept of the query of a view's address; none of logins and what else is no list."""
    return _KEPT_BY_SITE.get(view.partition(":")[0], frozenset()) if ":" in view else frozenset()
