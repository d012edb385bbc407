"""Tags of rules that name tactics and techniques of MITRE ATT&CK 18."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

FRAMEWORK, VERSION = "MITRE ATT&CK", "18"
_PREFIX = "attack."
_TECHNIQUE = re.compile(r"t\d{4}(\.\d{3})?")

# As tags spell them: number and name.
TACTICS = {
    "reconnaissance": ("TA0043", "Reconnaissance"),
    "resource-development": ("TA0042", "Resource Development"),
    "initial-access": ("TA0001", "Initial Access"),
    "execution": ("TA0002", "Execution"),
    "persistence": ("TA0003", "Persistence"),
    "privilege-escalation": ("TA0004", "Privilege Escalation"),
    "defense-evasion": ("TA0005", "Defense Evasion"),
    "credential-access": ("TA0006", "Credential Access"),
    "discovery": ("TA0007", "Discovery"),
    "lateral-movement": ("TA0008", "Lateral Movement"),
    "collection": ("TA0009", "Collection"),
    "command-and-control": ("TA0011", "Command and Control"),
    "exfiltration": ("TA0010", "Exfiltration"),
    "impact": ("TA0040", "Impact"),
}
# Those that rules here name; a sub-technique's name begins with its technique's.
TECHNIQUES = {
    "t1070": "Indicator Removal",
    "t1078.004": "Valid Accounts: Cloud Accounts",
    "t1098": "Account Manipulation",
    "t1098.001": "Account Manipulation: Additional Cloud Credentials",
    "t1110": "Brute Force",
    "t1111": "Multi-Factor Authentication Interception",
    "t1136.003": "Create Account: Cloud Account",
    "t1213": "Data from Information Repositories",
    "t1485": "Data Destruction",
    "t1489": "Service Stop",
    "t1496": "Resource Hijacking",
    "t1496.003": "Resource Hijacking: SMS Pumping",
    "t1531": "Account Access Removal",
    "t1538": "Cloud Service Dashboard",
    "t1552.001": "Unsecured Credentials: Credentials In Files",
    "t1556": "Modify Authentication Process",
    "t1556.006": "Modify Authentication Process: Multi-Factor Authentication",
    "t1557": "Adversary-in-the-Middle",
    "t1562.007": "Impair Defenses: Disable or Modify Cloud Firewall",
    "t1562.008": "Impair Defenses: Disable or Modify Cloud Logs",
    "t1565.001": "Data Manipulation: Stored Data Manipulation",
    "t1567": "Exfiltration Over Web Service",
    "t1657": "Financial Theft",
}


@dataclass(frozen=True)
class Named:
    """A tactic or technique; a technique that is not in TECHNIQUES has no name here."""

    uid: str
    name: str

    @property
    def is_sub_technique(self) -> bool:
        return "." in self.uid


def tactics(tags: Iterable[str]) -> list[Named]:
    """The tactics that tags name, each once, in their order. Older rules write blanks as underscores."""
    slugs = dict.fromkeys(slug.replace("_", "-") for slug in _names(tags))
    return [Named(*TACTICS[slug]) for slug in slugs if slug in TACTICS]


def techniques(tags: Iterable[str]) -> list[Named]:
    """The techniques and sub-techniques that tags name, each once, in their order."""
    codes = dict.fromkeys(code for code in _names(tags) if _TECHNIQUE.fullmatch(code))
    return [Named(code.upper(), TECHNIQUES.get(code, "")) for code in codes]


def _names(tags: Iterable[str]) -> list[str]:
    return [tag.lower().removeprefix(_PREFIX) for tag in tags if tag.lower().startswith(_PREFIX)]
