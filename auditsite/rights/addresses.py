"""Who may do what: a right for each address and method, from which docs/permissions.md is made.

`tests/scope/test_permissions.py` asks every pattern of the URLconf with every method as each of the roles. So an
address without a row here fails the suite, and so does one that lets in whom its right does not.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from auditsite.rights import who as rights

if TYPE_CHECKING:
    from collections.abc import Mapping

    from auditsite.rights.who import Right


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
    **_gets(rights.ANYBODY, "asset", "healthz", "readyz", "events:api_document"),
    **_posts(rights.ANYBODY, "csp_report"),
    **_both(rights.ANYBODY, "account_login"),
    **_gets(rights.ANYBODY, "account_inactive"),
    **_both(rights.SET_UP, "welcome"),
    **_both(rights.BY_LINK, "events:report_stop"),
    **_gets(
        rights.SET_UP,
        *(f"sso:{name}" for name in ("openid", "openid_callback", "saml", "saml_finish", "saml_metadata")),
    ),
    **_posts(rights.SET_UP, "sso:saml_acs"),
    **_gets(rights.MEASURES, "metrics"),
    **_gets(rights.NOTHING, "admin_redirect", "admin_password_change_done"),
    # What allauth looks up by name, and nobody needs: they lead elsewhere, whatever the method.
    **_both(rights.PEOPLE, "home", "admin_password_change", "account_logout", "account_change_password"),
    **_both(rights.ONESELF, "account_signup", "account_reset_password", "account_set_password", "account_email"),
    **_both(rights.ONESELF, "account_reauthenticate", "mfa_authenticate", "mfa_reauthenticate", "mfa_activate_totp"),
    **_both(rights.ONESELF, "mfa_deactivate_totp", "mfa_generate_recovery_codes", "mfa_reauthenticate_webauthn"),
    **_both(rights.ONESELF, "mfa_add_webauthn", "mfa_edit_webauthn", "mfa_remove_webauthn", "mfa_login_webauthn"),
    **_gets(rights.ONESELF, "mfa_list_webauthn"),
    **_gets(rights.ONESELF, "mfa_index", "mfa_view_recovery_codes", "mfa_download_recovery_codes"),
    **_gets(rights.PEOPLE, *_events("list export export_page summary news suggest about session search_help")),
    **_gets(rights.ONESELF, *_events("export_progress")),
    **_posts(rights.PEOPLE, *_events("dismiss star")),
    **_both(
        rights.PEOPLE,
        *_events("accounts display view_new review_new review_schedule_new alert_new alert_channel_new report_new"),
    ),
    **_gets(
        rights.PEOPLE, *_events("findings suppressions rules rule views reviews review_schedules alerts alert_log")
    ),
    **_gets(rights.PEOPLE, *_events("reports api_reference activity")),
    **_gets(
        rights.ACCOUNT, *_events("account account_list account_summary account_news account_suggest account_export")
    ),
    **_gets(rights.ACCOUNT, *_events("account_export_page event find seals finding review review_file")),
    **_posts(rights.SYNC, *_events("sync check")),
    **_both(rights.ADD_ACCOUNT, *_events("account_new")),
    **_posts(rights.EVIDENCE, *_events("evidence")),
    **_posts(rights.ACCOUNT_EVIDENCE, *_events("account_evidence")),
    **_gets(rights.EVIDENCE, *_events("packs")),
    **_gets(rights.ACCESS_LOG, *_events("access access_export")),
    **_gets(rights.PACK, *_events("pack pack_file")),
    **_posts(rights.DELETES_PACK, *_events("pack_delete")),
    **_posts(rights.TRIAGE, *_events("triage")),
    **_both(rights.TRIAGE_ONE, *_events("suppress")),
    **_posts(rights.TRIAGE_ONE, *_events("suppression_end")),
    **_both(rights.WRITE_RULES, *_events("rule_new rule_edit")),
    **_gets(rights.WRITE_RULES, *_events("rule_trial")),
    **_posts(rights.WRITE_RULES, *_events("rule_save rule_switch")),
    **_gets(rights.RULE_TEXT, *_events("rule_version")),
    **_gets(rights.SEES_VIEW, *_events("view")),
    **_both(rights.CHANGES_VIEW, *_events("view_edit view_delete")),
    **_posts(rights.CHANGES_VIEW, *_events("view_update")),
    **_both(rights.UNSHARES, *_events("view_unshare")),
    **_gets(rights.SEES_HELD, *_events("alert_channel report stream")),
    **_both(rights.CHANGES_HELD, *_events("alert_edit alert_delete alert_channel_edit alert_channel_delete")),
    **_both(rights.CHANGES_HELD, *_events("report_edit report_delete review_schedule_edit")),
    **_posts(rights.CHANGES_HELD, *_events("alert_channel_test alert_channel_resume alert_channel_secret alert_retry")),
    **_posts(rights.CHANGES_HELD, *_events("report_pause report_resume")),
    **_posts(rights.SEES_HELD, *_events("report_preview report_receive")),
    **_gets(rights.STREAMS, *_events("streams")),
    **_both(rights.STREAMS, *_events("stream_new")),
    **_both(rights.CHANGES_STREAM, *_events("stream_edit stream_delete")),
    **_posts(rights.CHANGES_STREAM, *_events("stream_test stream_pause stream_resume stream_replay")),
    **_posts(rights.SIGNED, *_events("review_retry review_discard")),
    **_gets(rights.PEOPLE, "accounts:teams", "accounts:tokens", "accounts:others_tokens", "accounts:sessions"),
    **_posts(rights.ONESELF, "accounts:session_end", "accounts:sessions_end"),
    **_both(rights.PEOPLE, "accounts:token_new"),
    **_gets(rights.TEAM_PAGE, "accounts:team"),
    **_gets(rights.ACCOUNT_TOKENS, "accounts:account_tokens"),
    **_both(rights.REVOKE, "accounts:token_revoke"),
    **_gets(
        rights.PROGRAM,
        *_events("nexmo_events nexmo_event api_events api_accounts api_account api_findings api_finding"),
    ),
    **_gets(rights.PROGRAM, *_events("api_views api_view_events api_token")),
    **_posts(
        rights.ACKNOWLEDGES,
        *_events("api_acknowledge"),
    ),
    **_both(
        rights.PROGRAM_NOTHING,
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


_RECORDS = _model(rights.STAFF, rights.NO_ONE, rights.NO_ONE, rights.NO_ONE)

MODELS: Mapping[str, Mapping[str, Row]] = {
    "accounts_nexmoaccount": _model(rights.STAFF, rights.STAFF_ACCOUNT, rights.STAFF_ACCOUNT, rights.STAFF_ACCOUNT),
    "accounts_apitoken": _model(rights.SUPERUSERS, rights.NO_ONE, rights.NO_ONE, rights.NO_ONE),
    "auth_group": _model(rights.SUPERUSERS, rights.SUPERUSERS, rights.SUPERUSERS, rights.SUPERUSERS),
    "auth_user": _model(rights.SUPERUSERS, rights.SUPERUSERS, rights.SUPERUSERS, rights.SUPERUSERS),
    "mfa_authenticator": _model(rights.SUPERUSERS, rights.NO_ONE, rights.NO_ONE, rights.SUPERUSERS),
    "socialaccount_socialaccount": _model(rights.SUPERUSERS, rights.SUPERUSERS, rights.NO_ONE, rights.SUPERUSERS),
    "events_auditevent": _RECORDS,
    "events_eventtype": _RECORDS,
    "events_syncrun": _RECORDS,
    "events_discrepancy": _RECORDS,
    "events_removal": _RECORDS,
    "events_seal": _RECORDS,
    "events_reviewstatement": _RECORDS,
    "events_legalhold": _model(rights.SUPERUSERS, rights.SUPERUSERS, rights.SUPERUSERS, rights.NO_ONE),
    "events_savedview": _model(rights.ONLY_SUPERUSERS, rights.NO_ONE, rights.NO_ONE, rights.ONLY_SUPERUSERS),
    "events_ownrule": _model(rights.SUPERUSERS, rights.SUPERUSERS, rights.SUPERUSERS, rights.SUPERUSERS),
    "events_report": _model(rights.ONLY_SUPERUSERS, rights.NO_ONE, rights.NO_ONE, rights.NO_ONE),
    "events_stream": {
        **_model(rights.STAFF_STREAMS, rights.NO_ONE, rights.NO_ONE, rights.NO_ONE),
        "history": Row(rights.STREAM_HISTORY, rights.STREAM_HISTORY),
    },
}

ADMIN: Mapping[str, Row] = {
    **{f"admin:{model}_{page}": row for model, pages in MODELS.items() for page, row in pages.items()},
    **_both(rights.STAFF, "admin:index", "admin:app_list", "admin:login"),
    **_gets(rights.STAFF, "admin:jsi18n"),
    **_posts(rights.STAFF, "admin:logout"),
    **_both(rights.PEOPLE, "admin:password_change"),
    **_gets(rights.NOTHING, "admin:password_change_done", "admin:view_on_site"),
    # Patterns without a name, by their addresses: an object's own leads to the page on which it is changed.
    **_both(rights.STAFF, *(f"/admin/{model.replace('_', '/', 1)}/<object_id>/" for model in MODELS)),
    **_gets(
        rights.ADMIN_NOTHING,
        "/admin/(?P<url>.*)$",
    ),
    **_gets(rights.SUPERUSERS, "admin:autocomplete"),
    **_both(rights.SUPERUSERS, "admin:auth_user_password_change"),
    **_both(rights.ONLY_SUPERUSERS, "admin:auth_user_hand_over"),
    **_posts(rights.STAFF_ACCOUNT, "admin:accounts_nexmoaccount_test", "admin:accounts_nexmoaccount_switch_off"),
    **_posts(rights.SUPERUSERS, "admin:auth_user_switch_off", "admin:auth_user_end_sessions"),
    **_posts(rights.RELEASES, "admin:events_legalhold_release"),
}
TABLE: Mapping[str, Row] = {**SITE, **ADMIN}
