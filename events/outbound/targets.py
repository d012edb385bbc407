"""Where alerts may be sent: public addresses, and what ALERT_TARGETS names besides.

Decided of the very address that is then connected to, after names are resolved. Knows nothing of Django: the process
that runs apprise uses it too.
"""

from __future__ import annotations

import ipaddress
import re
import socket
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

# Towards public addresses. Plain HTTP is not among them: what an alert says is nobody else's business.
WEB_PORTS = frozenset({443, 8443})
MAIL_PORTS = frozenset({25, 465, 587, 2525})

_NAME = re.compile(
    r"(?=.{1,253}\Z)(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.)*[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
)

# Of the global IPv6 space: forms that carry an IPv4 address which somebody else's gateway would go on to, and
# documentation. All of them may lead anywhere.
_NOT_PUBLIC = tuple(
    ipaddress.ip_network(network)
    for network in (
        "2001::/23",  # Teredo, ORCHID and other special purposes
        "2001:db8::/32",
        "2002::/16",  # 6to4
        "3fff::/20",
        "64:ff9b::/96",  # NAT64
        "64:ff9b:1::/48",
        "192.0.0.0/24",
        "192.88.99.0/24",  # relays of 6to4
        "168.63.129.16/32",  # Azure's own services, as seen by its machines
        "100.64.0.0/10",
    )
)
_UNICAST_6 = ipaddress.ip_network("2000::/3")
_ISATAP = frozenset({0x00005EFE, 0x02005EFE})  # the middle of an interface's id; the rest is an IPv4 address


class Refused(OSError):
    """An address that alerts must not be sent to. Its text is for a person."""


class Unresolved(OSError):
    """A host's name that leads to no address, now."""


def is_public(address: Address) -> bool:
    """Whether an address is anybody's on the internet, and nothing but itself."""
    if any(address in network for network in _NOT_PUBLIC if network.version == address.version):
        return False
    if isinstance(address, ipaddress.IPv6Address) and (
        address not in _UNICAST_6 or (int(address) >> 32) & 0xFFFFFFFF in _ISATAP
    ):
        return False  # also what is mapped, compatible, local to link or site, unique local, multicast
    return address.is_global and not (address.is_multicast or address.is_reserved or address.is_unspecified)


@dataclass(frozen=True)
class Rule:
    """One entry of ALERT_TARGETS: a network or a host's name, and the port where only one is meant."""

    network: Network | None = None
    name: str = ""
    port: int | None = None

    def allows(self, host: str, address: Address, port: int) -> bool:
        """Whether an address that a host's name led to is meant."""
        if self.port not in (None, port):
            return False
        return self.name == host if self.network is None else address in self.network


def read_rule(text: str) -> Rule:
    """An entry such as `hooks.example.com`, `10.1.0.0/16`, `127.0.0.1:8025` or `[::1]:25`.

    Raises:
        ValueError: it is none of these.
    """
    whole = text.strip().lower()
    try:
        return Rule(ipaddress.ip_network(whole, strict=True))
    except ValueError:
        pass
    match = re.fullmatch(r"(?:\[(?P<bracketed>[0-9a-f:.]+)\]|(?P<host>[^:\[\]/]+))(?::(?P<port>\d{1,5}))?", whole)
    port = int(match["port"]) if match and match["port"] else None
    if not match or (port is not None and not 0 < port < 65536):
        raise ValueError(text)
    if match["bracketed"]:
        return Rule(ipaddress.ip_network(match["bracketed"]), port=port)
    host = normal(match["host"])
    if literal_address(host) is not None:
        return Rule(ipaddress.ip_network(host), port=port)  # in its usual spelling only: 1.2.3 is a slip
    if not _NAME.fullmatch(host) or host.replace(".", "").isdecimal():
        raise ValueError(text)
    return Rule(name=host, port=port)


@dataclass(frozen=True)
class Targets:
    """What may be connected to.

    Attributes:
        rules: beyond public addresses.
        ports: that public addresses are reached on; what a rule allows is reached on any, or on the rule's.
    """

    rules: tuple[Rule, ...] = ()
    ports: frozenset[int] = WEB_PORTS

    def allows(self, host: str, address: Address, port: int) -> bool:
        """Whether a connection to an address is allowed, which the host's name led to."""
        host = normal(host)
        if any(rule.allows(host, address, port) for rule in self.rules):
            return True
        return port in self.ports and is_public(address)

    def may_be_plain(self, host: str, port: int) -> bool:
        """Whether a host that is reached without encryption can be meant at all: rules alone allow that."""
        literal = literal_address(host)
        return any(
            rule.port in (None, port)
            and (rule.name == normal(host) if rule.network is None else literal is None or literal in rule.network)
            for rule in self.rules
        )

    def resolve(self, host: str, port: int) -> list[tuple[Any, ...]]:
        """The places to connect to, as `socket.getaddrinfo` gives them: only those that are allowed.

        Raises:
            Refused: none is.
            Unresolved: the name leads nowhere.
        """
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            raise Unresolved(str(error)) from None
        allowed = [place for place in found if self.allows_place(host, place[4])]
        if not allowed:
            raise Refused(f"{host}:{port}")
        return allowed

    def allows_place(self, host: str, place: Any) -> bool:
        """The same for what a socket connects to."""
        try:
            address = ipaddress.ip_address(str(place[0]).partition("%")[0])
        except (ValueError, IndexError, TypeError):
            return False
        return self.allows(host, address, int(place[1]))


def read_targets(texts: Iterable[str], ports: frozenset[int] = WEB_PORTS) -> Targets:
    """The targets that a list of entries allows. Raises ValueError."""
    return Targets(tuple(read_rule(text) for text in texts), ports)


def normal(host: str) -> str:
    """A host's name in the one spelling that is compared."""
    host = host.strip().lower().strip("[]")
    return host[:-1] if host.endswith(".") else host


def literal_address(host: str) -> Address | None:
    """The address that a host is, in whatever spelling a resolver reads without asking anybody (127.1, 0x7f000001)."""
    text = normal(host)
    try:
        return ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        pass
    try:
        return ipaddress.IPv4Address(socket.inet_aton(text)) if re.fullmatch(r"[0-9a-fx.]+", text) else None
    except (OSError, ValueError):
        return None
