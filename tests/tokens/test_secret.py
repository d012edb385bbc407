"""The text of tokens."""

from __future__ import annotations

from accounts.tokens import secret


def test_token_is_recognised_and_read_back() -> None:
    made = secret.make()

    assert secret._TOKEN.fullmatch(made.token)
    assert secret.split(made.token) == made
    assert secret.can_exist(made)


def test_each_token_is_another() -> None:
    made = [secret.make() for _ in range(200)]

    assert len({credentials.identifier for credentials in made}) == 200
    assert len({credentials.secret for credentials in made}) == 200


def test_one_wrong_letter_is_noticed_wherever_it_stands() -> None:
    made = secret.make()
    for at, letter in enumerate(made.secret):
        other = "x" if letter != "x" else "y"
        assert not secret.can_exist(made._replace(secret=made.secret[:at] + other + made.secret[at + 1 :])), at
    other = "b" if made.identifier[0] != "b" else "c"
    assert not secret.can_exist(made._replace(identifier=other + made.identifier[1:]))


def test_what_is_no_token_has_no_parts() -> None:
    token = secret.make().token
    for text in ("", "auditsite_", token[:-1], token + "x", token + "\n", f" {token}", token.replace("_", "-")):
        assert secret.split(text) is None, text


def test_secret_is_in_no_repr() -> None:
    made = secret.make()

    assert made.secret not in repr(made)
    assert made.secret not in f"{[made]}"
    assert made.identifier in repr(made)
