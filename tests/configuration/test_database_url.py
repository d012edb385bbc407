"""DATABASE_URL: paths as they are written, sockets, and passwords that must be escaped."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import environ
import pytest

from auditsite.configuration import database_url


def parse(url: str, base: Path = Path("/")) -> dict[str, Any]:
    return database_url.parse(url, environ.Env(), base)


@pytest.mark.parametrize("name", ["a+b", "a#b", "a?b", "a b", "a%b", "a&b=c", "ä", "100%"])
def test_path_is_taken_as_written(tmp_path: Path, name: str) -> None:
    (tmp_path / name).mkdir()

    config = parse(f"sqlite:///{tmp_path}/{name}/x+y.sqlite3", tmp_path.parent)

    assert config["NAME"] == f"{tmp_path}/{name}/x+y.sqlite3"


def test_percent_escapes_are_decoded_and_relative_paths_are_the_projects(tmp_path: Path) -> None:
    assert parse("sqlite:///var/a%3Fb%20c.sqlite3", tmp_path)["NAME"] == f"{tmp_path}/var/a?b c.sqlite3"
    assert (tmp_path / "var").is_dir()


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("sqlite://x.sqlite3", "three slashes"),
        ("sqlite:x.sqlite3", "three slashes"),
        ("sqlite:///", "names no file"),
        ("sqlite:////nosuch/", "names no file"),
        ("sqlite:////tmp", "names a directory"),
        ("sqlite:////nosuch/dir/x", "names a file in /nosuch/dir, and there is no such directory"),
        ("sqlite:////tmp/x.sqlite3?timeout=20", "takes no options"),
        ("sqlite:////tmp/x.sqlite3?", None),
        ("mysql://u@h/x", "cannot be read"),
        ("", "cannot be read"),
        ("/var/x.sqlite3", "cannot be read"),
        ("postgres:x", "cannot be read"),
        ("postgres://host", "names no database"),
        ("postgres://host/", "names no database"),
        ("postgres://host:port/x", "port that is not a number"),
        ("postgres://host:70000/x", "port that is not a number"),
    ],
)
def test_what_points_to_nothing_is_refused(url: str, why: str | None, tmp_path: Path) -> None:
    if why is None:
        assert parse(url, tmp_path)["NAME"] == url.removeprefix("sqlite:///")
        return
    with pytest.raises(ValueError, match=why):
        parse(url, tmp_path)


@pytest.mark.parametrize(
    ("url", "host", "port", "name"),
    [
        ("postgres://%2Fvar%2Frun%2Fpostgresql/x", "/var/run/postgresql", "", "x"),
        ("postgres://me:pw@%2fvar%2fRun/x", "/var/Run", "", "x"),
        ("postgresql://me@%2Fvar%2Frun:5433/x?sslmode=disable", "/var/run", 5433, "x"),
        ("postgres:////var/run/postgresql/x", "/var/run/postgresql", "", "x"),
        ("postgres:///x", "", "", "x"),
        ("postgres://host:5433/x", "host", 5433, "x"),
        ("postgres://me@[2001:db8::1]:5433/x", "2001:db8::1", 5433, "x"),
        ("postgres://me:pw@a:1,b:2/x", "a,b", "1,2", "x"),
    ],
)
def test_servers_and_sockets(url: str, host: str, port: int | str, name: str) -> None:
    config = parse(url)

    assert (config["HOST"], config["PORT"], config["NAME"]) == (host, port, name)
    assert config["ENGINE"] == "django.db.backends.postgresql"


@pytest.mark.parametrize("password", ["a+b", "a:b", "a%2Fb%3Fc%23d%5Be%5D%40", "p@ss", "a&b=c", "a%25b", "ä"])
def test_password_arrives_as_written_or_escaped(password: str) -> None:
    from urllib.parse import unquote

    config = parse(f"postgres://me:{password}@host/x")

    assert (config["USER"], config["PASSWORD"], config["HOST"]) == ("me", unquote(password), "host")


@pytest.mark.parametrize(
    "password",
    ["12?abc", "12/abc", "12#abc", "a?b", "a/b", "a#b", "a[b", "a]b", "a%b", "a%", "?x=y", "/", "#", "1/2?3#4"],
)
def test_password_that_must_be_escaped_is_refused_with_how_and_not_repeated(password: str) -> None:
    with pytest.raises(ValueError, match="must be escaped: .* as %2F") as caught:
        parse(f"postgres://hunter:{password}zz@host/db")

    assert "hunter" not in str(caught.value)
    assert "zz" not in str(caught.value)


def test_options_are_kept_and_a_user_in_them_may_hold_an_at() -> None:
    config = parse("postgres://host/x?user=me@server&options=-c+jit%3Doff&connect_timeout=3")

    assert config["OPTIONS"] == {"user": "me@server", "options": "-c jit=off", "connect_timeout": 3}
