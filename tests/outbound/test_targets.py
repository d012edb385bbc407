"""Where alerts may go: public addresses, and what a setting names."""

from __future__ import annotations

import ipaddress
import socket
from typing import Any

import pytest

from events.outbound import targets
from events.outbound.targets import (
    Refused,
    Targets,
    Unresolved,
    is_public,
    literal_address,
    read_rule,
    read_targets,
)

PUBLIC = ("8.8.8.8", "1.1.1.1", "2001:4860:4860::8888", "2606:4700::1111")
NOT_PUBLIC = (
    *("127.0.0.1", "127.8.8.8", "0.0.0.0", "10.0.0.1", "172.16.0.1", "192.168.1.1", "100.64.0.1", "198.18.0.1"),
    *("169.254.169.254", "100.100.100.200", "168.63.129.16", "192.0.0.192", "192.0.2.1", "203.0.113.9"),
    *("224.0.0.1", "239.1.1.1", "240.0.0.1", "255.255.255.255", "192.88.99.1"),
    *("::", "::1", "fe80::1", "fec0::1", "fc00::1", "fd00:ec2::254", "ff02::1", "2001:db8::1", "3fff::1"),
    *("::ffff:8.8.8.8", "::ffff:127.0.0.1", "::8.8.8.8", "64:ff9b::808:808", "64:ff9b:1::7f00:1"),
    *("2002:7f00:1::", "2002:808:808::1", "2001:0:808:808::1", "2606:4700::5efe:7f00:1", "2606:4700::200:5efe:7f00:1"),
)


@pytest.mark.parametrize("address", PUBLIC)
def test_public_addresses_are_allowed_on_ports_of_encrypted_web(address: str) -> None:
    allows = Targets().allows
    parsed = ipaddress.ip_address(address)
    assert is_public(parsed)
    assert allows("x.example", parsed, 443)
    assert not allows("x.example", parsed, 80)
    assert not allows("x.example", parsed, 22)


@pytest.mark.parametrize("address", NOT_PUBLIC)
def test_all_other_addresses_are_not(address: str) -> None:
    parsed = ipaddress.ip_address(address)
    assert not is_public(parsed)
    assert not Targets().allows("x.example", parsed, 443)


@pytest.mark.parametrize(
    ("rule", "host", "address", "port", "allowed"),
    [
        ("10.0.0.0/8", "x", "10.2.3.4", 9999, True),
        ("10.0.0.0/8", "x", "11.2.3.4", 9999, False),
        ("127.0.0.1:8025", "x", "127.0.0.1", 8025, True),
        ("127.0.0.1:8025", "x", "127.0.0.1", 8026, False),
        ("chat.internal", "Chat.Internal.", "192.168.3.3", 80, True),
        ("chat.internal", "other.internal", "192.168.3.3", 80, False),
        ("chat.internal:8443", "chat.internal", "192.168.3.3", 8443, True),
        ("[::1]:25", "x", "::1", 25, True),
        ("::1", "x", "::1", 25, True),
    ],
)
def test_rules_allow_what_they_name_and_nothing_else(
    rule: str, host: str, address: str, port: int, allowed: bool
) -> None:
    assert read_targets([rule]).allows(host, ipaddress.ip_address(address), port) is allowed


@pytest.mark.parametrize(
    "text", ["", "10.0.0.1/8", "http://x", "a b", "x:0", "x:99999", "1.2.3", "-x", "*.example.com"]
)
def test_what_is_no_rule_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        read_rule(text)


@pytest.mark.parametrize("text", ["127.1", "0x7f000001", "2130706433", "0177.0.0.1", "127.0.0.1", "[::1]", "::1%lo"])
def test_addresses_are_known_in_every_spelling(text: str) -> None:
    literal = literal_address(text)
    assert literal
    assert literal.is_loopback


@pytest.mark.parametrize("text", ["example.com", "beef.cafe", "x"])
def test_names_are_no_addresses(text: str) -> None:
    assert literal_address(text) is None


def _answering(*addresses: str) -> Any:
    def answer(host: str, port: int, **_: Any) -> list[Any]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in addresses]

    return answer


def test_name_is_judged_by_what_it_leads_to(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(targets.socket, "getaddrinfo", _answering("169.254.169.254"))
    with pytest.raises(Refused):
        Targets().resolve("harmless.example.com", 443)


def test_of_several_addresses_only_the_allowed_ones_are_connected_to(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(targets.socket, "getaddrinfo", _answering("10.0.0.1", "8.8.8.8"))
    assert [place[4] for place in Targets().resolve("x.example.com", 443)] == [("8.8.8.8", 443)]


def test_name_that_leads_nowhere_is_not_the_same_as_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any, **__: Any) -> Any:
        raise socket.gaierror

    monkeypatch.setattr(targets.socket, "getaddrinfo", fail)
    with pytest.raises(Unresolved):
        Targets().resolve("x.example.com", 443)
