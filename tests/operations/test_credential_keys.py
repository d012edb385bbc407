"""Which key each stored secret is under, moving them to another key, and what is told of those that cannot be read."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from cryptography.fernet import Fernet
from django.core.checks import run_checks
from django.core.management import CommandError, call_command
from django.db import connection

from accounts import rotation
from accounts.encryption import SecretUnreadable, decrypt, encrypt, key_id, key_ids, named_key
from accounts.fields import EncryptedTextField
from accounts.models import NexmoAccount
from events.models import Channel, Stream

PLACE, FACTORS = "accounts.NexmoAccount.api_secret", "mfa.Authenticator.data"
OLD_FORM = "gAAAA"  # how values of versions before key ids begin


def run(*args: str) -> str:
    out = io.StringIO()
    call_command("rotate_credential_keys", *args, stdout=out, stderr=io.StringIO())
    return out.getvalue()


@pytest.fixture
def renew(settings: Any) -> Callable[..., tuple[str, str]]:
    """Puts a new key in front, or in place of all; returns old and new key."""

    def put(*, keep: bool = True) -> tuple[str, str]:
        old, new = settings.CREDENTIAL_KEYS[0], Fernet.generate_key().decode()
        settings.CREDENTIAL_KEYS = [new, *(settings.CREDENTIAL_KEYS if keep else ())]
        return old, new

    return put


def stored(api_key: str = "demo0001") -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT api_secret FROM accounts_nexmoaccount WHERE api_key = %s", [api_key])
        return str(cursor.fetchone()[0])


def store(text: str, api_key: str = "demo0001") -> None:
    with connection.cursor() as cursor:
        cursor.execute("UPDATE accounts_nexmoaccount SET api_secret = %s WHERE api_key = %s", [text, api_key])


def test_a_value_names_its_key_and_says_nothing_about_it(settings: Any) -> None:
    value = encrypt("secret", PLACE)
    assert named_key(value) == key_ids()[0] == key_id(settings.CREDENTIAL_KEYS[0])
    assert key_id(settings.CREDENTIAL_KEYS[0]) not in settings.CREDENTIAL_KEYS[0]
    assert decrypt(value, PLACE) == "secret"


def test_a_value_without_an_id_is_read_as_before(settings: Any) -> None:
    other = Fernet.generate_key().decode()
    token = Fernet(other).encrypt(b"secret").decode()
    settings.CREDENTIAL_KEYS = [*settings.CREDENTIAL_KEYS, other]
    assert decrypt(token, PLACE) == "secret"


def test_a_value_is_opened_by_the_key_it_names_alone(settings: Any) -> None:
    _name, _mark, token = encrypt("secret", PLACE).partition(":")
    for wrong in (f"00000000:{token}", "no token at all", f"{key_ids()[0]}:", ":", f"{key_ids()[0]}:gAAAAé"):
        with pytest.raises(SecretUnreadable):
            decrypt(wrong, PLACE)


def test_a_value_counts_in_its_own_place_alone() -> None:
    value = encrypt("secret", PLACE)
    for copied in (value, value.partition(":")[2]):  # without its id too
        with pytest.raises(SecretUnreadable):
            decrypt(copied, FACTORS)


@pytest.mark.django_db
@pytest.mark.parametrize("table", ["stream", "channel"])
def test_an_api_secret_copied_to_a_destination_is_not_sent(cast: Any, table: str) -> None:
    """Who can write to the database alone has the site send nothing to an address of theirs."""
    mine = {"name": "mine", "owner": cast["alice"], "address": "https://x.example/", "shown": "x.example"}
    row = (
        Stream.objects.create(kind="splunk", secret="own", **mine)
        if table == "stream"
        else Channel.objects.create(kind="webhook", secret="own", **mine)
    )
    with connection.cursor() as cursor:
        cursor.execute(f"UPDATE events_{table} SET secret = %s", [stored()])
    with pytest.raises(SecretUnreadable):
        str(type(row).objects.get(pk=row.pk).secret)


@pytest.mark.django_db
def test_an_api_secret_copied_to_the_recovery_codes_is_not_shown(cast: Any) -> None:
    codes = Authenticator.objects.create(
        user=cast["alice"], type="recovery_codes", data={"migrated_codes": [stored()], "used_mask": 0}
    )
    with pytest.raises(SecretUnreadable):
        RecoveryCodes(codes).get_unused_codes()


@pytest.mark.django_db
def test_rotation_moves_everything_to_the_first_key(
    cast: Any, settings: Any, renew: Callable[..., tuple[str, str]]
) -> None:
    secret = encrypt("JBSWY3DPEHPK3PXP", FACTORS)
    factor = Authenticator.objects.create(user=cast["alice"], type="totp", data={"secret": secret})
    codes = Authenticator.objects.create(
        user=cast["bob"],
        type="recovery_codes",
        data={"migrated_codes": [encrypt(code, FACTORS) for code in "12"], "used_mask": 0},
    )
    channel = Channel.objects.create(
        name="hook", kind="webhook", owner=cast["alice"], address="https://x.example/hunter2", shown="x.example"
    )
    _, new = renew()
    before = run("--count")
    assert f"Key {key_id(new)} (first of CREDENTIAL_KEYS): 0 value(s)." in before

    told = run()

    assert "9 value(s) re-encrypted." in told
    assert f"Key {key_id(new)} (first of CREDENTIAL_KEYS): 9 value(s)." in told
    assert "the others can be taken out" in told
    settings.CREDENTIAL_KEYS = [new]
    assert {account.api_secret for account in NexmoAccount.objects.all()} == {
        f"sandbox-secret-000{number}" for number in range(1, 6)
    }
    factor.refresh_from_db()
    codes.refresh_from_db()
    assert decrypt(factor.data["secret"], FACTORS) == "JBSWY3DPEHPK3PXP"
    assert [decrypt(code, FACTORS) for code in codes.data["migrated_codes"]] == ["1", "2"]
    assert codes.data["used_mask"] == 0
    assert Channel.objects.get(pk=channel.pk).address == "https://x.example/hunter2"
    assert "0 value(s) re-encrypted." in run()


@pytest.mark.django_db
def test_rotation_gives_values_of_earlier_versions_their_id(cast: Any, settings: Any) -> None:
    store(Fernet(settings.CREDENTIAL_KEYS[0]).encrypt(b"from before").decode())
    assert "1 value(s) are not yet under the first key" in run("--count")
    assert stored().startswith(OLD_FORM)
    assert "1 value(s) re-encrypted." in run()
    assert named_key(stored()) == key_ids()[0]
    assert NexmoAccount.objects.get(api_key="demo0001").api_secret == "from before"


@pytest.mark.django_db
def test_rotation_that_was_broken_off_goes_on(
    cast: Any, settings: Any, renew: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    renew()
    monkeypatch.setattr(rotation, "BATCH", 2)
    whole = rotation.rotate

    def broken_off() -> Iterator[int]:
        steps = whole()
        yield next(steps)
        raise KeyboardInterrupt

    monkeypatch.setattr(rotation, "rotate", broken_off)
    with pytest.raises(CommandError, match=r"2 value\(s\) were re-encrypted.*Run it again"):
        run()
    assert "3 value(s) are not yet" in run("--count")
    first = stored()
    monkeypatch.setattr(rotation, "rotate", whole)
    assert "3 value(s) re-encrypted." in run()
    assert stored() == first  # what was done is not done again


@pytest.mark.django_db
def test_what_no_key_opens_is_named_and_left(cast: Any, settings: Any, renew: Any) -> None:
    broken = f"{key_ids()[0]}:gAAAAbroken"
    store(broken)
    old, new = renew()
    with pytest.raises(CommandError, match=r"\(demo0001\)") as error:
        run()
    assert "gAAAA" not in str(error.value)
    assert "demo0002" not in str(error.value)
    assert stored() == broken
    assert named_key(stored("demo0002")) == key_id(new)
    assert old not in str(error.value)


@pytest.mark.django_db
def test_the_check_says_what_lacks(cast: Any, settings: Any, renew: Any) -> None:
    def told() -> list[str]:
        return [str(each.id) for each in run_checks(databases=["default"]) if str(each.id).startswith("accounts.W")]

    assert told() == []
    _, newer = renew()
    assert told() == ["accounts.W002"]
    run()
    assert told() == []
    renew(keep=False)
    assert told() == ["accounts.W001"]
    (problem,) = (each for each in run_checks(databases=["default"]) if each.id == "accounts.W001")
    assert "(demo0001)" in problem.msg
    assert key_id(newer) in problem.msg
    assert not [each for each in run_checks() if each.id == "accounts.W001"]  # without --database: no table is read


def test_every_model_with_an_encrypted_field_is_rotated() -> None:
    """By the field, so that a new model is covered; these are what there is today."""
    models = {place.model for place in rotation.places()}
    assert {NexmoAccount, Channel, Stream, Authenticator} <= models
    for place in rotation.places():
        assert place.members or all(
            isinstance(place.model._meta.get_field(name), EncryptedTextField) for name in place.columns
        )
