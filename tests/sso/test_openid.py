"""Logging in by OpenID Connect, at a real provider on this machine."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.test import Client

from tests.sso.conftest import Provider, ceremony, user_of

# What the provider is made of warns of its own future.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")
People = get_user_model().objects


def test_first_login_makes_a_person_with_what_the_groups_give(provider: Provider, cast: dict[str, Any]) -> None:
    page = Client().get("/login/?next=/findings/")
    assert 'href="/sso/openid/?next=%2Ffindings%2F"' in page.content.decode()

    client, answer = ceremony(provider, provider.person(), page="/findings/")

    assert (answer.status_code, answer["Location"]) == (302, "/findings/")
    person = People.get(username="dora")
    assert user_of(client) == str(person.pk)
    assert [team.name for team in person.groups.all()] == ["Messaging team"]
    assert not (person.has_usable_password() or person.is_staff or person.is_superuser)
    assert b"demo0001" in client.get("/accounts/").content, "the account that the team shares"
