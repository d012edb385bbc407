"""The paths of events and of the accounts they belong to."""

from __future__ import annotations

from django.urls import include, path, register_converter
from django.urls.converters import StringConverter

from events.views import (
    access_log,
    account_list,
    account_new,
    accounts,
    alert_channels,
    alerts,
    api_events,
    api_findings,
    api_nexmo,
    api_reference,
    detail,
    entity,
    evidence,
    export,
    export_page,
    findings,
    integrity,
    lists,
    news,
    notable,
    preferences,
    reports,
    review_schedules,
    reviews,
    rule_editor,
    rules,
    saved,
    search_help,
    session,
    streams,
    suggest,
    summary,
    suppressions,
)
from events.wording.segments import from_segment, to_segment


class AnyText(StringConverter):
    """Any text at all, as it is: what other people's programs ask for."""

    regex = "(?s:.+)"


class EventIdConverter(AnyText):
    """Any text at all: Nexmo promises nothing of its ids, and a page must be able to link to each."""

    def to_python(self, value: str) -> str:
        return from_segment(value)

    def to_url(self, value: str) -> str:
        return to_segment(value)


register_converter(AnyText, "any_text")
register_converter(EventIdConverter, "event_id")

app_name = "events"

# For programs. Addresses with and without a slash at the end: a redirect would make some of them forget their token.
_FOR_NEXMOS_CLIENTS = [
    path("audit/events", api_nexmo.events, name="nexmo_events"),
    path("audit/events/<any_text:event_id>", api_nexmo.event, name="nexmo_event"),
    path("<any_text:rest>", api_nexmo.nothing, name="nexmo_nothing"),
]
_API = [
    *(
        path(f"v1/{route}{slash}", view, name=f"api_{name}")
        for route, view, name in (
            ("events", api_events.events, "events"),
            ("accounts", api_events.accounts, "accounts"),
            ("accounts/<str:api_key>", api_events.account, "account"),
            ("findings", api_findings.findings, "findings"),
            ("findings/<int:number>", api_findings.finding, "finding"),
            ("findings/<int:number>/acknowledge", api_findings.acknowledgement, "acknowledge"),
            ("views", api_events.views, "views"),
            ("views/<any_text:name>/events", api_events.events_of_view, "view_events"),
            ("token", api_events.token, "token"),
        )
        for slash in ("", "/")
    ),
    path("", api_reference.reference, name="api_reference"),
    path("openapi.json", api_reference.document, name="api_document"),
    path("<any_text:rest>", api_events.nothing, name="api_nothing"),
]

urlpatterns = [
    path("beta/", include(_FOR_NEXMOS_CLIENTS)),
    path("api/", include(_API)),
    path("events/", lists.event_list, name="list"),
    path("events/export.<str:kind>", export.export, name="export"),
    path("events/export", export_page.export_page, name="export_page"),
    path("events/export/progress", export_page.progress, name="export_progress"),
    path("events/summary", summary.summary, name="summary"),
    path("events/news", news.news, name="news"),
    path("events/suggest", suggest.suggest, name="suggest"),
    path("events/worth-a-look/dismiss", notable.dismiss_line, name="dismiss"),
    path("events/evidence.zip", evidence.evidence, name="evidence"),
    path("events/<event_id:event_id>/", detail.find, name="find"),
    path("access/", access_log.access_log, name="access"),
    path("access/export.<str:kind>", access_log.export_access_log, name="access_export"),
    path("profile/activity/", access_log.own_activity, name="activity"),
    path("profile/display", preferences.preferences, name="display"),
    path("evidence/", evidence.pack_list, name="packs"),
    path("evidence/<uuid:pk>/", evidence.pack_page, name="pack"),
    path("evidence/<uuid:pk>/pack.zip", evidence.pack_file, name="pack_file"),
    path("evidence/<uuid:pk>/delete", evidence.pack_delete, name="pack_delete"),
    path("reviews/", reviews.overview, name="reviews"),
    path("reviews/new", reviews.new, name="review_new"),
    path("reviews/schedules/", review_schedules.history, name="review_schedules"),
    path("reviews/schedules/new", review_schedules.new, name="review_schedule_new"),
    path("reviews/schedules/<int:pk>/edit", review_schedules.edit, name="review_schedule_edit"),
    path("reviews/<uuid:pk>/", reviews.page, name="review"),
    path("reviews/<uuid:pk>/review.ndjson", reviews.file, name="review_file"),
    path("reviews/<uuid:pk>/retry", reviews.retry, name="review_retry"),
    path("reviews/<uuid:pk>/discard", reviews.discard, name="review_discard"),
    path("findings/", findings.finding_list, name="findings"),
    path("findings/triage", findings.triage_findings, name="triage"),
    path("findings/suppressions/", suppressions.suppression_list, name="suppressions"),
    path("findings/suppressions/<int:pk>/end", suppressions.suppression_end, name="suppression_end"),
    path("findings/<int:number>/", findings.finding_page, name="finding"),
    path("findings/<int:number>/suppress", suppressions.suppress_like, name="suppress"),
    path("help/search/", search_help.search_help, name="search_help"),
    path("rules/", rules.overview, name="rules"),
    path("rules/new", rule_editor.new, name="rule_new"),
    path("rules/trial/<int:pk>/", rule_editor.trial, name="rule_trial"),
    path("rules/trial/<int:pk>/save", rule_editor.save, name="rule_save"),
    path("rules/<uuid:uid>/", rules.rule_page, name="rule"),
    path("rules/<uuid:uid>/edit", rule_editor.edit, name="rule_edit"),
    path("rules/<uuid:uid>/switch", rules.switch, name="rule_switch"),
    path("rules/<uuid:uid>/versions/<int:number>/", rules.version_page, name="rule_version"),
    path("views/", saved.overview, name="views"),
    path("views/new", saved.new, name="view_new"),
    path("views/star", saved.star, name="star"),
    path("views/<int:pk>/", saved.follow, name="view"),
    path("views/<int:pk>/edit", saved.edit, name="view_edit"),
    path("views/<int:pk>/update", saved.update, name="view_update"),
    path("views/<int:pk>/delete", saved.delete, name="view_delete"),
    path("views/<int:pk>/unshare", saved.unshare, name="view_unshare"),
    path("reports/", reports.overview, name="reports"),
    path("reports/new", reports.new, name="report_new"),
    path("reports/<int:pk>/", reports.page, name="report"),
    path("reports/<int:pk>/edit", reports.edit, name="report_edit"),
    path("reports/<int:pk>/preview", reports.preview, name="report_preview"),
    path("reports/<int:pk>/pause", reports.pause, name="report_pause"),
    path("reports/<int:pk>/resume", reports.resume, name="report_resume"),
    path("reports/<int:pk>/receive", reports.receive, name="report_receive"),
    path("reports/<int:pk>/delete", reports.delete, name="report_delete"),
    path("reports/stop/<str:token>", reports.stop, name="report_stop"),
    path("streams/", streams.overview, name="streams"),
    path("streams/new", streams.new, name="stream_new"),
    path("streams/<int:pk>/", streams.page, name="stream"),
    path("streams/<int:pk>/edit", streams.edit, name="stream_edit"),
    path("streams/<int:pk>/test", streams.test, name="stream_test"),
    path("streams/<int:pk>/pause", streams.pause, name="stream_pause"),
    path("streams/<int:pk>/resume", streams.resume, name="stream_resume"),
    path("streams/<int:pk>/replay", streams.replay, name="stream_replay"),
    path("streams/<int:pk>/delete", streams.delete, name="stream_delete"),
    path("alerts/", alerts.overview, name="alerts"),
    path("alerts/log", alerts.delivery_log, name="alert_log"),
    path("alerts/log/<int:pk>/retry", alerts.retry, name="alert_retry"),
    path("alerts/new", alerts.new, name="alert_new"),
    path("alerts/<int:pk>/edit", alerts.edit, name="alert_edit"),
    path("alerts/<int:pk>/delete", alerts.delete, name="alert_delete"),
    path("alerts/channels/new", alert_channels.new, name="alert_channel_new"),
    path("alerts/channels/<int:pk>/", alert_channels.page, name="alert_channel"),
    path("alerts/channels/<int:pk>/edit", alert_channels.edit, name="alert_channel_edit"),
    path("alerts/channels/<int:pk>/test", alert_channels.test, name="alert_channel_test"),
    path("alerts/channels/<int:pk>/resume", alert_channels.resume, name="alert_channel_resume"),
    path("alerts/channels/<int:pk>/secret", alert_channels.secret, name="alert_channel_secret"),
    path("alerts/channels/<int:pk>/delete", alert_channels.delete, name="alert_channel_delete"),
    path("about/<str:kind>/<event_id:value>", entity.entity_page, name="about"),
    path("session/<str:kind>/<event_id:value>", session.session_page, name="session"),
    path("accounts/", account_list.account_list, name="accounts"),
    path("accounts/new", account_new.new, name="account_new"),
    path("accounts/<str:api_key>/", accounts.account_page, name="account"),
    path("accounts/<str:api_key>/sync/", accounts.sync, name="sync"),
    path("accounts/<str:api_key>/seals.ndjson", integrity.seals_file, name="seals"),
    path("accounts/<str:api_key>/events/", lists.event_list, name="account_list"),
    path("accounts/<str:api_key>/events/summary", summary.summary, name="account_summary"),
    path("accounts/<str:api_key>/events/news", news.news, name="account_news"),
    path("accounts/<str:api_key>/events/suggest", suggest.suggest, name="account_suggest"),
    path("accounts/<str:api_key>/events/export.<str:kind>", export.export, name="account_export"),
    path("accounts/<str:api_key>/events/export", export_page.export_page, name="account_export_page"),
    path("accounts/<str:api_key>/events/evidence.zip", evidence.evidence, name="account_evidence"),
    path("accounts/<str:api_key>/events/<event_id:event_id>/check", integrity.check, name="check"),
    path("accounts/<str:api_key>/events/<event_id:event_id>/", detail.event_page, name="event"),
]
