"""Some 200 search terms of every kind, in part taken from the events themselves."""

from __future__ import annotations

import hashlib
from itertools import chain

from tests.benchmarks import vocabulary as words
from tests.benchmarks.generator import Story, staff


def search_terms(total: int) -> dict[str, list[str]]:
    """Kind of term -> terms, for an archive of `total` events."""
    story = Story(total)
    sampled = [story.event(number) for number in range(total // 40, total, max(1, total // 20))]
    tokens = [hashlib.sha256(f"absent {number}".encode()).hexdigest() for number in range(16)]
    return {
        "common": [
            words.COMMON, "customer", "number", "example.com", "NUMBER_UPDATED", "dashboard", "https://", "renewed",
            "carrier", "confirmed", "the change", "routing", "office hours", "context", "webhooks", "GB", "198.18.",
            "2025-", "demo0001", "CALLBACK",
        ],
        "medium": [
            words.MEDIUM, "reseller", "yearly", "porting desk", "awaiting reply", "duty manager", "second look",
            "SETTLEMENT", "annex", "demo0015", "AUTORELOAD_UPDATE", "IP_WHITELIST", "2024-02-1", "USER_STATUS",
            "Internal service", "yearly settlement", "look. Ticket", "reseller. P", "APP_ENABLE", "limits",
        ],
        "rare": [
            "counsel", "quarantine", "Escalated", "lifted", "ESIM_ACTIVATE", "Support desk", "SPAMMER", '"IS"',
            '"MT"', "counsel: quarantine", "NUMBER_USER_CANCELED", "AUTORELOAD_DISABLE", "Esim act", "demo0018",
        ],
        "only old": [
            words.OLD, "Imported from", "2023-11-0", "2023-11-05", "2023-11-09T1", "legacy", "PORTAL.", "2023-12-2",
            "from the legacy", "2023-11-2",
        ],
        "one event": [words.NEEDLE, words.NEEDLE.upper(), f"Reference {words.NEEDLE}", words.NEEDLE[3:9]]
        + [event["id"] for event in sampled[:12]]
        + [event["id"][9:] for event in sampled[12:16]],
        "part of an id": [event["id"][:8] for event in sampled[:6]] + [event["id"][-12:] for event in sampled[6:12]],
        "absent": [words.ABSENT, "xyzzy plugh", "qqqq", "never-to-be-found", "zzz"]
        + [token[:12] for token in tokens[:8]]
        + [f"{token[:8]}-{token[8:12]}" for token in tokens[8:]],
        "absent phrase of common letters": [
            words.ABSENT_PHRASE, "callback number set", "carrier customer", "office number", "change confirmed the",
            "renewed callback", "hours of the office", "number the carrier", "dashboard customer", "updated number",
        ],
        "one or two letters": [
            "a", "x", "q", "z", "9", "é", "ü", "日", "ab", "zq", "7f", "qx", "GB", "no", "zz", "ß", "è",
        ],
        "quotes and signs": [
            '"', '\\"annex', "'", "100%", "agreed_upon", "C:\\contracts", "%", "_", "%%%", "___", "a_b", "\\", "';--",
            "* OR *", "NEAR(", "(", '"annex B"', "100% of", "{", "callback*",
        ],
        "not ASCII": [
            "Zürich", "ZÜRICH", "zürich", "Außenstelle", "AUSSENSTELLE", "Prüfung", "日本", "日本 予約",
            "更新 しました", "予約の", "café", "Prüfung durch die",
        ],
        "phrase": [
            "Customer callback set", "set for the renewed number", "confirmed the change in writing",
            "the duty manager after", "office hours of the branch", "Ticket raised with the porting desk",
            "Belongs to the yearly settlement", "in writing. Routing", "number. The carrier", "callback set for the",
        ],
        "address": ["198.18.100.1", "198.18.0.1", "198.19.7.2", "198.18.114.1", "2001:db8:", "203.0.113.7", "10.0.0.1"]
        + [event["source_ip"] for event in sampled[:8]],
        "person": [staff(account)[-1] for account in range(0, 20, 2)]
        + [staff(1)[0], "@quillfern-parcel", "nobody@example.com", "ada.abara", "user_id\":10010"],
    }  # fmt: skip


def count(terms: dict[str, list[str]]) -> int:
    return sum(1 for _ in chain.from_iterable(terms.values()))
