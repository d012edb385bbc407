"""Every path of the site leaves an entry in the access log or says why not."""

from __future__ import annotations

import pytest

from accounts.access.words import Kind, kind_of_model
from auditsite.access_log.addresses import KEPT, RULES, kept_of, rule_for
from tests.tools.scope import names


def test_every_path_has_an_action_or_a_reason() -> None:
    without = []
    for name in {name for name in names() if name and not name.endswith(":")}:
        rule = rule_for(name)
        if rule is None or not (rule.get or rule.why):
            without.append(name)

    assert without == []


def test_table_names_paths_that_there_are() -> None:
    assert set(RULES) - set(names()) == set()


@pytest.mark.parametrize(
    ("name", "get", "post", "kind"),
    [
        ("admin:auth_user_changelist", "listed", "changed", Kind.PERSON),
        ("admin:auth_user_password_change", None, "password_changed", Kind.PERSON),
        ("admin:accounts_nexmoaccount_test", None, "tested", Kind.ACCOUNT),
        ("admin:accounts_nexmoaccount_switch_off", None, "changed", Kind.ACCOUNT),
        ("admin:events_auditevent_change", "opened", "changed", Kind.EVENT),
        ("admin:events_unheard_of_thing", None, "changed", Kind.OTHER),
    ],
)
def test_admins_pages_follow_from_their_names(name: str, get: str | None, post: str | None, kind: Kind) -> None:
    rule = rule_for(name)

    assert rule is not None
    assert (rule.get, rule.post, rule.kind) == (get, post, kind)


def test_unknown_models_are_others() -> None:
    assert kind_of_model("cat") is Kind.OTHER


def test_nothing_that_may_hold_a_secret_is_kept_of_a_query() -> None:
    assert KEPT.isdisjoint(("next", "token", "code", "job", "password", "csrfmiddlewaretoken", "SAMLRequest"))


@pytest.mark.parametrize("view", ["sso:openid_callback", "sso:saml_acs", "account_login", "mfa_authenticate"])
def test_nothing_is_kept_of_the_query_of_a_login(view: str) -> None:
    assert kept_of(view) == frozenset()
    assert "state" in kept_of("events:findings")
