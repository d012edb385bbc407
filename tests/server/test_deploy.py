"""The examples for running it, and what the documents say: every setting and command named there exists."""

from __future__ import annotations

import configparser
import re
import shutil
import subprocess
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml
from django.conf import settings
from django.core.management import get_commands
from django.test import Client

from auditsite.configuration import env, secret_files
from auditsite.server import web_worker
from auditsite.server.supervisor import PATIENCE
from tests.tools import skips
from tests.tools.processes import ROOT

MOST_EXPOSED = 2.0  # of 10, as `systemd-analyze security` says
DEPLOY = ROOT / "docs" / "deploy"
UNITS = sorted(DEPLOY.glob("*.service"))
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")), *sorted(DEPLOY.iterdir())]
# Variables that are not settings of the site: where they are read from, and what other programs read.
NOT_OURS = {"ENV_FILE", "AUDITSITE_HOME", "PATH", "PYTHONUNBUFFERED", "PYTHONDONTWRITEBYTECODE"}
IMAGES = {"PYTHON_IMAGE", "POSTGRES_IMAGE", "CADDY_IMAGE"}
COMPOSE_OWN = {"SITE_HOST", "POSTGRES_PASSWORD"} | IMAGES
EXACT = re.compile(r"docker\.io/library/[a-z]+(:\d+\.\d+(\.\d+)?-[a-z-]+|@sha256:[0-9a-f]{64})")


def compose() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
    return found


def unit(path: Path) -> configparser.ConfigParser:
    parser = configparser.ConfigParser(strict=False, interpolation=None)
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read_string(path.read_text())
    return parser


def instructions() -> list[tuple[str, str]]:
    text = re.sub(r"\\\n", " ", (DEPLOY / "Containerfile").read_text())
    lines = [line.strip() for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    return [(name, rest) for name, _, rest in (line.partition(" ") for line in lines)]


def test_all_examples_are_there() -> None:
    assert {path.name for path in DEPLOY.iterdir()} == {
        "Caddyfile",
        "Containerfile",
        "auditsite-web.service",
        "auditsite-worker.service",
        "compose.yaml",
        "nginx.conf",
        "prometheus-rules.yaml",
    }


# --- settings and commands ------------------------------------------------------------------------------------------


def test_settings_of_the_compose_file_exist() -> None:
    services = compose()["services"]
    ours = {name for name in ("migrate", "web", "worker") for name in services[name]["environment"]}
    assert ours <= set(env.SETTINGS)
    assert {"DATABASE_URL", "ALLOWED_HOSTS", "TRUST_PROXY"} <= ours
    text = (DEPLOY / "compose.yaml").read_text()
    assert set(re.findall(r"\$\{(\w+)", text)) == COMPOSE_OWN
    required = {name for name, setting in env.SETTINGS.items() if setting.default is None}
    assert all(name in text for name in required), "its head names what must be given"


@pytest.mark.parametrize("path", UNITS, ids=lambda path: path.name)
def test_settings_of_the_units_exist(path: Path) -> None:
    values = re.findall(r"^Environment=(\w+)=", path.read_text(), re.MULTILINE)
    assert values
    assert set(values) <= set(env.SETTINGS) | NOT_OURS


def test_settings_of_the_image_exist() -> None:
    values = {name for what, rest in instructions() if what == "ENV" for name in re.findall(r"(\w+)=", rest)}
    assert "ENV_FILE" in values
    assert values <= set(env.SETTINGS) | NOT_OURS


def test_settings_of_the_documents_exist() -> None:
    text = (ROOT / "docs" / "operating.md").read_text()
    named = set(re.findall(r"`([A-Z][A-Z_]{3,})(?:=[^`]*)?`", text)) | set(
        re.findall(r"^    ([A-Z][A-Z_]{3,})=", text, re.MULTILINE)
    )
    assert len(named) > 12
    assert named <= set(env.SETTINGS) | secret_files.variables(env.FROM_FILES) | NOT_OURS | IMAGES


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_commands_of_the_documents_exist(path: Path) -> None:
    if path.is_dir() or path.suffix == ".png":
        return
    named = set(re.findall(r"manage\.py,? ([a-z_]+)", path.read_text()))
    assert named <= set(get_commands()) | {"help"}


@pytest.mark.parametrize("path", [path for path in DOCUMENTS if path.suffix == ".md"], ids=lambda path: path.name)
def test_links_of_the_documents_lead_somewhere(path: Path) -> None:
    for link in re.findall(r"\]\(([^)#:]+)[)#]", path.read_text()):
        assert (path.parent / link).exists(), link


# --- the examples themselves ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", UNITS, ids=lambda path: path.name)
def test_units_run_as_their_own_user_and_may_do_little(path: Path, gunicorn: ModuleType) -> None:
    service = unit(path)["Service"]
    assert service["User"] == "auditsite"
    assert service["NoNewPrivileges"] == "yes"
    assert service["ProtectSystem"] == "strict"
    assert service["ReadWritePaths"] == "/opt/auditsite/var"
    assert service["CapabilityBoundingSet"] == ""
    assert int(service["TimeoutStopSec"]) > gunicorn.graceful_timeout
    assert unit(path)["Install"]["WantedBy"] == "multi-user.target"


def test_gunicorn_is_started_in_the_same_way_everywhere(gunicorn: ModuleType) -> None:
    wanted = "-c python:auditsite.gunicorn auditsite.wsgi --bind "
    assert wanted in unit(DEPLOY / "auditsite-web.service")["Service"]["ExecStart"]
    (command,) = (rest for what, rest in instructions() if what == "CMD")
    assert wanted in " ".join(re.findall(r'"([^"]+)"', command))
    supervisor = (ROOT / "auditsite" / "server" / "supervisor.py").read_text()
    assert "--config=python:auditsite.gunicorn" in supervisor
    assert "--workers" not in supervisor
    assert gunicorn.graceful_timeout < PATIENCE, "else the supervisor ends what gunicorn still answers"


def test_only_the_worker_is_given_the_key_that_signs() -> None:
    services = compose()["services"]
    assert [name for name in services if "seal.env" in services[name].get("env_file", ())] == ["worker"]
    files = {path.name: unit(path)["Service"].get("EnvironmentFile", "") for path in UNITS}
    assert files == {"auditsite-web.service": "", "auditsite-worker.service": "-/etc/auditsite/seal.env"}


def test_image_runs_as_nobody_in_particular_and_holds_no_settings() -> None:
    found = instructions()
    assert [rest for what, rest in found if what == "USER"] == ["10001:10001"]
    assert "HEALTHCHECK" in {what for what, _ in found}
    copied = [rest.split()[0] for what, rest in found if what in ("COPY", "ADD") and not rest.startswith("--from")]
    assert all((ROOT / name).exists() for name in copied)
    allowed = set(re.findall(r"^!(\S+)", (ROOT / ".dockerignore").read_text(), re.MULTILINE))
    assert set(copied) == allowed, "what is not copied does not even go to whoever makes the image"
    assert "--require-hashes" in str(found)


def test_containers_are_read_only_and_without_rights() -> None:
    services = compose()["services"]
    assert len(services) == 5
    for name in services:
        assert services[name]["read_only"] is True, name
        assert services[name]["cap_drop"] == ["ALL"], name
        assert "no-new-privileges:true" in services[name]["security_opt"], name
        assert set(services[name].get("cap_add", ())) <= ({"NET_BIND_SERVICE"} if name == "proxy" else set()), name
    user = services["db"]["user"]
    assert f"uid={user.partition(':')[0]}," in str(services["db"]["tmpfs"]), "its socket's directory is its own"
    assert services["db"]["networks"] == ["inside"]
    assert compose()["networks"]["inside"]["internal"] is True
    assert [name for name, service in services.items() if "ports" in service] == ["proxy"]
    assert services["worker"]["command"] == ["python", "manage.py", "worker"]


def test_images_are_named_exactly_and_can_be_pinned_by_digest() -> None:
    text = (DEPLOY / "compose.yaml").read_text()
    defaults = dict(re.findall(r"\$\{(\w+_IMAGE):-([^}]+)\}", text))
    assert defaults.keys() == IMAGES
    assert all(EXACT.fullmatch(image) for image in defaults.values()), defaults
    named = [service["image"] for service in compose()["services"].values()]
    assert {image for image in named if not image.startswith("${")} == {"auditsite"}, "which is built here"
    found = instructions()
    assert ("ARG", f"PYTHON_IMAGE={defaults['PYTHON_IMAGE']}") in found
    assert {rest.split()[0] for what, rest in found if what == "FROM"} == {"${PYTHON_IMAGE}"}
    assert all(name in (ROOT / "docs" / "operating.md").read_text() for name in IMAGES)


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason=skips.NO_SYSTEMD)
@pytest.mark.parametrize("path", UNITS, ids=lambda path: path.name)
def test_units_are_rated_as_safe_by_systemd_itself(path: Path) -> None:
    command = ["systemd-analyze", "security", "--offline=true", "--no-pager", f"--threshold={int(MOST_EXPOSED * 10)}"]
    rated = subprocess.run([*command, str(path)], capture_output=True, text=True, check=False, timeout=60)
    (exposure,) = re.findall(r"exposure level for \S+: ([\d.]+)", rated.stdout)
    assert float(exposure) < MOST_EXPOSED
    assert rated.returncode == 0


@pytest.mark.parametrize("name", ["nginx.conf", "Caddyfile"])
def test_proxies_are_whole_and_close_the_figures_to_the_outside(name: str) -> None:
    text = re.sub(r"(?m)(^|\s)#.*$", "", (DEPLOY / name).read_text())
    assert text.count("{") == text.count("}")
    assert "127.0.0.1:8000" in text
    assert re.search(r"/metrics \{?\s*(return |respond )?404", text)
    if name == "nginx.conf":
        assert "X-Forwarded-Proto $scheme" in text
        assert "X-Forwarded-For $remote_addr" in text, "what the client sent is overwritten"
        assert "Host $http_host;" in text, "with its port"


def seconds(text: str) -> int:
    return int(text[:-1]) * {"s": 1, "m": 60}[text[-1]]


def test_nginx_limits_time_and_size(gunicorn: ModuleType) -> None:
    text = re.sub(r"(?m)(^|\s)#.*$", "", (DEPLOY / "nginx.conf").read_text())
    values = dict(re.findall(r"^\s+(\w+) ([^;{]+);", text, re.MULTILINE))
    assert seconds(values["client_header_timeout"]) <= web_worker.HEAD_WITHIN
    assert seconds(values["client_body_timeout"]) <= web_worker.BODY_WITHIN
    assert seconds(values["send_timeout"]) <= 60
    assert values["client_max_body_size"] == "1m"
    assert web_worker.MAX_BODY == settings.DATA_UPLOAD_MAX_MEMORY_SIZE == 1 << 20
    count, size = re.fullmatch(r"(\d+) (\d+)k", values["large_client_header_buffers"]).groups()  # type: ignore[union-attr]
    assert int(size) * 1024 > web_worker.MAX_LINE, "so that the site's own page says what to do"
    assert int(count) > 1
    assert {"limit_conn", "limit_req", "proxy_connect_timeout", "proxy_read_timeout"} <= values.keys()
    assert "keepalive_timeout 4s" in text
    assert gunicorn.keepalive > 4, "else nginx sends to connections that are being closed"


def test_caddy_limits_time_and_size(gunicorn: ModuleType) -> None:
    values = dict(re.findall(r"^\s+(\w+) (\w+)$", (DEPLOY / "Caddyfile").read_text(), re.MULTILINE))
    assert seconds(values["read_header"]) <= web_worker.HEAD_WITHIN
    assert seconds(values["read_body"]) <= web_worker.BODY_WITHIN
    assert seconds(values["idle"]) <= 60
    assert values["max_size"] == "1MB"
    assert int(values["max_header_size"].removesuffix("KB")) * 1000 > web_worker.MAX_LINE
    assert int(values["keepalive"].removesuffix("s")) < gunicorn.keepalive
    assert "response_header_timeout" in values


def test_units_and_containers_limit_what_they_take(gunicorn: ModuleType) -> None:
    for path in UNITS:
        service = unit(path)["Service"]
        assert service["MemoryMax"].endswith("G")
        assert int(service["TasksMax"]) >= 64 * 2
        assert int(service["LimitNOFILE"]) > 2 * gunicorn.worker_connections
    for name, service in compose()["services"].items():
        assert service["mem_limit"], name
        assert service["pids_limit"], name


def test_site_listens_on_loopback_only() -> None:
    binds = re.findall(r"--bind (\S+)", (DEPLOY / "auditsite-web.service").read_text())
    binds += re.findall(r"--bind=([\d.]+):", (ROOT / "auditsite" / "server" / "supervisor.py").read_text())
    assert [bind.partition(":")[0] for bind in binds] == ["127.0.0.1", "127.0.0.1"]
    assert "ports" not in compose()["services"]["web"], "the container's is reached by the proxy only"


def test_server_limits_time_and_size(gunicorn: ModuleType) -> None:
    assert gunicorn.worker_class == f"{web_worker.__name__}.{web_worker.BufferingWorker.__name__}"
    assert gunicorn.threads > settings.EXPORTS_AT_ONCE
    assert gunicorn.limit_request_field_size >= web_worker.MAX_LINE
    assert gunicorn.sendfile is False, "else answers go past the worker's outlet"
    assert web_worker.MAX_LINE >= 2_000 * 12 + 1_000, "the search box takes 2,000 characters"


def test_pinned_file_of_servers_holds_no_host_or_path_and_the_same_versions() -> None:
    def pins(name: str) -> dict[str, str]:
        text = (ROOT / name).read_text()
        assert "://" not in text
        assert "/opt/" not in text
        return dict(re.findall(r"^([a-z0-9._-]+)(?:\[[^]]*\])?==([^ ;\\]+)", text, re.MULTILINE))

    runtime, deploy, development = map(pins, ("requirements.txt", "requirements-deploy.txt", "requirements-dev.txt"))
    assert {"psycopg", "psycopg-pool", "redis"} <= deploy.keys()
    assert runtime.items() <= deploy.items() <= development.items()


# --- alerts ---------------------------------------------------------------------------------------------------------


def test_alerts_ask_for_figures_that_exist(db: None, settings: Any, cast: Any) -> None:
    settings.METRICS_TOKEN = "a-token-of-the-tests-0123456789"
    client = Client(headers={"authorization": f"Bearer {settings.METRICS_TOKEN}"})
    client.get("/healthz")
    told = client.get("/metrics").content.decode()
    (group,) = yaml.safe_load((DEPLOY / "prometheus-rules.yaml").read_text())["groups"]
    text = (ROOT / "docs" / "operating.md").read_text()
    figures = {
        name for rule in group["rules"] for name in re.findall(r"auditsite_\w+", re.sub('"[^"]*"', "", rule["expr"]))
    }
    documented = set(re.findall(r"`(auditsite_\w+)`", text))

    assert len(group["rules"]) > 5
    assert all(rule["annotations"]["summary"] for rule in group["rules"])
    for name in figures | documented:
        assert re.search(rf"^# TYPE {name.removesuffix('_bucket').removesuffix('_count')} ", told, re.MULTILINE), name
    families = set(re.findall(r"^# TYPE (auditsite_\w+) (?!gauge\b.*_created)", told, re.MULTILINE))
    assert {name for name in families if not name.endswith("_created")} <= documented
