"""What the demo runs on: its own database, keys and queue under var/, and the sandbox in place of Nexmo."""

from __future__ import annotations

import os
from datetime import UTC, date, datetime, timedelta

from auditsite.configuration import env, home, secret_files

PORT = env.port("PORT", 8000)
SANDBOX_PORT = env.port("SANDBOX_PORT", 8801)
CATCHER_PORT = env.port("CATCHER_PORT", PORT + 2)  # where caught mails and webhooks are shown, and webhooks taken
SMTP_PORT = env.port("SMTP_PORT", PORT + 3)
PORTS = {"PORT": PORT, "SANDBOX_PORT": SANDBOX_PORT, "CATCHER_PORT": CATCHER_PORT, "SMTP_PORT": SMTP_PORT}
SITE, SANDBOX, CATCHER = (f"http://127.0.0.1:{port}" for port in (PORT, SANDBOX_PORT, CATCHER_PORT))
DIRECTORY = env.BASE_DIR / "var"
KEYS = DIRECTORY / "demo.env"
START = DIRECTORY / "demo-start.txt"
ATTACKS = DIRECTORY / "demo-attacks.ndjson"  # what the sandbox lists beside its history
MARK = "AUDITSITE_DEMO"  # tells the settings that this is the demo, which has a page of its own
YEARS_BACK = timedelta(days=730)


def use_demo_environment() -> None:
    """Point the settings at the demo, whatever `.env` or the environment say. Call before Django is set up."""
    if not KEYS.exists():
        home.write_first_env_file(KEYS)
    os.environ.update(env.read_env_file(KEYS))
    for name in secret_files.variables(env.FROM_FILES) - env.FROM_FILES:
        os.environ.pop(name, None)
    os.environ.update(
        ENV_FILE=str(KEYS),
        DEBUG="false",
        ALLOWED_HOSTS="localhost,127.0.0.1,[::1]",
        HTTPS="false",
        TRUST_PROXY="false",
        DATABASE_URL="sqlite:///var/demo.sqlite3",
        QUEUE_URL="sqlite:///var/demo-queue.sqlite3",
        NEXMO_AUDIT_URL=f"{SANDBOX}/beta/audit",
        NEXMO_REQUESTS_PER_SECOND="0",
        NEXMO_DATE_STYLE="zulu",
        # Short, so that nobody waits; and so different that one sees when an account is watched.
        SYNC_INTERVAL="30s",
        WATCH_INTERVAL="5s",
        WATCH_REQUESTS_PER_HOUR="800",
        EVENT_TIME_ZONE="UTC",
        SEAL_CHANNELS=str(DIRECTORY / "demo-seals.ndjson"),
        DETECTION_RULES="",
        SITE_URL=SITE,
        ALERT_TARGETS=f"127.0.0.1:{CATCHER_PORT},127.0.0.1:{SMTP_PORT}",
        ALERT_MAIL_SERVER=f"smtp://127.0.0.1:{SMTP_PORT}",
        ALERT_MAIL_FROM="auditsite@example.com",
        LOG_LEVEL="WARNING",
        LOG_FORMAT="line",
        CACHE_URL="database",
        DATABASE_POOL="auto",
        METRICS_TOKEN="",
        WEB_PROCESSES="2",
        WEB_THREADS="4",
        **{MARK: "true"},
    )


def history_start() -> date:
    """The first day of the sandbox's history: fixed at the first start, so that later starts only add to it."""
    if START.exists():
        try:
            return date.fromisoformat(START.read_text(encoding="ascii").strip())
        except ValueError:
            pass  # somebody edited it: begin a new history
    start = datetime.now(UTC).date() - YEARS_BACK
    START.parent.mkdir(exist_ok=True)
    START.write_text(f"{start}\n", encoding="ascii")
    return start
