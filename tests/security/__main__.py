"""Attack a demo that runs on loopback with wapiti and sqlmap, as each role and not logged in.

    make demo                                        # in another terminal
    .venv/bin/python -m tests.security [--url http://127.0.0.1:8000] [--minutes 4] [--only sqlmap] [--role bob ...]

The scanners come into a scratch environment of their own (var/security/venv); nothing of them is pinned or imported.
They change the demo's data: throw `var/demo.sqlite3` away afterwards. What they report is under var/security; the exit
code is 1 if there is anything to look at.
"""

from __future__ import annotations

import argparse
import http.cookiejar
import ipaddress
import json
import re
import subprocess
import sys
import urllib.parse
import urllib.request
import venv
from pathlib import Path

HOME = Path(__file__).resolve().parents[2] / "var" / "security"
PACKAGES = ("wapiti3", "sqlmap")
PASSWORD = "audit-demo"
ROLES = ("nobody", "admin", "alice", "bob", "charlie", "audrey")
# All that ask nobody outside of this machine: ssrf, xxe and log4shell would.
MODULES = "cookieflags,crlf,csp,csrf,exec,file,http_headers,ldap,methods,permanentxss,redirect,sql,timesql,upload,xss"
NOT_TO_FOLLOW = ("/logout/", "/profile/password/", "/admin/logout/", "/admin/password_change/", "/accounts/new")
# Of the addresses that read a parameter, one for each way of reading it; * marks what is in the path.
TARGETS = (
    "/events/?search_text=a&event_type=USER_LOGIN&source=CD&account=demo0001&new=country",
    "/events/?user_email=a%40example.com&source_ip=192.0.2.1&source_country=GB&size=50&period=30d",
    "/events/?date_from=2026-01-01&date_to=2026-12-31&before=a&after=b",
    "/events/suggest?field=user_email&text=a",
    "/events/export.csv?search_text=a&columns=created_at&times=utc&size=1",
    "/accounts/?sort=name&health=ok",
    "/findings/?level=high&rule=a&state=open",
    "/accounts/demo0001*/events/",
    "/about/user/a*",
    "/events/a*/",
    "/api/v1/events?search_text=a&cursor=a&size=1",
    "/beta/audit/events?search_text=a&page=1&size=1",
    "/admin/events/auditevent/?q=a&o=1&p=1",
    "/login/?next=/events/",
)
EXPECTED = ("Secure Flag cookie",)  # the demo speaks plain HTTP on loopback; tests/middleware/test_private.py has HTTPS
WITHDRAWN = "does not seem to be injectable"  # what sqlmap guessed at first, as pages differ, and then took back
FOUND = re.compile(r"identified the following injection|appears to be .* injectable|is vulnerable", re.IGNORECASE)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.security", description="Attack the demo on this machine.")
    parser.add_argument("--url", default="http://127.0.0.1:8000", help="the demo; loopback only")
    parser.add_argument("--minutes", type=float, default=4, help="at most, for each scanner and role (default 4)")
    parser.add_argument("--only", choices=("wapiti", "sqlmap"), help="one of the two")
    parser.add_argument("--role", action="append", choices=ROLES, help="repeatable; without: each")
    options = parser.parse_args()
    url = options.url.rstrip("/")
    if not _is_loopback(url):
        parser.error("only a demo on this machine is attacked")
    programs = _programs()
    bad = []
    # All at first: scanners that guess at the login keep their address out of it for a while.
    logged_in = {role: _log_in(url, role) for role in options.role or ROLES}
    for role, cookies in logged_in.items():
        for name, run in (("wapiti", _wapiti), ("sqlmap", _sqlmap)):
            if options.only not in (None, name):
                continue
            print(f"== {name} as {role}", flush=True)
            found = run(programs / name, url, cookies, HOME / f"{name}-{role}", options.minutes * 60)
            bad += [f"{name} as {role}: {line}" for line in found]
    print("\n".join(bad) or "Nothing was found.")
    return bool(bad)


def _is_loopback(url: str) -> bool:
    host = urllib.parse.urlsplit(url).hostname or ""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _programs() -> Path:
    """The scanners' own environment, made once."""
    folder = HOME / "venv"
    if not (folder / "bin" / "wapiti").exists():
        venv.create(folder, with_pip=True, clear=True)
        subprocess.run([folder / "bin" / "pip", "install", "--quiet", *PACKAGES], check=True)
    return folder / "bin"


def _log_in(url: str, role: str) -> list[http.cookiejar.Cookie]:
    """The cookies of somebody's session; none for nobody."""
    if role == "nobody":
        return []
    jar = http.cookiejar.CookieJar()
    opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(jar))
    with opener.open(f"{url}/login/", timeout=60) as answer:
        (token,) = re.findall(r'name="csrfmiddlewaretoken" value="(\w+)"', answer.read().decode())[:1]
    form = {"login": role, "password": PASSWORD, "csrfmiddlewaretoken": token}
    request = urllib.request.Request(
        f"{url}/login/", urllib.parse.urlencode(form).encode(), {"Referer": f"{url}/login/"}
    )
    with opener.open(request, timeout=60) as answer:
        if "/events/" not in answer.url:
            sys.exit(f"{role} cannot log in: is this the demo, with its password?")
    return list(jar)


def _wapiti(program: Path, url: str, cookies: list[http.cookiejar.Cookie], out: Path, seconds: float) -> list[str]:
    out.mkdir(parents=True, exist_ok=True)
    report, log = out / "report.json", out / "log.txt"
    report.unlink(missing_ok=True)
    command = [program, "-u", f"{url}/", "-m", MODULES, "-f", "json", "-o", report, "--flush-session", "--no-bugreport"]
    command += [
        "--store-session",
        out / "session",
        "--store-config",
        out / "config",
        "-d",
        "4",
        "--tasks",
        "2",
        "-t",
        "20",
    ]
    command += ["--max-links-per-page", "40", "--max-files-per-dir", "20", "--max-parameters", "12", "-v", "1"]
    command += ["--max-scan-time", str(seconds / 2), "--max-attack-time", str(seconds / 2 / len(MODULES.split(",")))]
    command += [part for path in NOT_TO_FOLLOW for part in ("-x", f"{url}{path}")]
    for path in TARGETS:
        command += ["-s", url + path.replace("*", "")]
    if cookies:
        command += ["--cookie-value", "; ".join(f"{cookie.name}={cookie.value}" for cookie in cookies)]
    with log.open("wb") as file:
        try:
            subprocess.run(command, stdout=file, stderr=file, timeout=3 * seconds + 120, check=False)
        except subprocess.TimeoutExpired:
            return [f"did not come to its end: {log}"]
    if not report.exists():
        return [f"made no report: {log}"]
    found = json.loads(report.read_text(encoding="utf-8"))
    kinds = {**found["vulnerabilities"], **found["anomalies"]}
    return [
        f"{kind}: {item['method']} {item['path']} {item['parameter'] or ''} {item['info']}"
        for kind, items in kinds.items()
        if kind not in EXPECTED
        for item in items
    ]


def _sqlmap(program: Path, url: str, cookies: list[http.cookiejar.Cookie], out: Path, seconds: float) -> list[str]:
    out.mkdir(parents=True, exist_ok=True)
    found = []
    for number, path in enumerate(TARGETS):
        log = out / f"{number}.txt"
        command = [
            program,
            "-u",
            url + path,
            "--batch",
            "--flush-session",
            "--output-dir",
            out / "sessions",
            "--timeout=20",
        ]
        command += ["--level=1", "--risk=1", "--dbms=sqlite", "--technique=BEU", "--retries=1"]
        command += ["--disable-coloring", "--skip-waf", "--drop-set-cookie", "--ignore-code=*", "--ignore-redirects"]
        if cookies:
            command.append("--cookie=" + "; ".join(f"{cookie.name}={cookie.value}" for cookie in cookies))
        with log.open("wb") as file:
            try:
                subprocess.run(command, stdout=file, stderr=file, timeout=seconds / len(TARGETS), check=False)
            except subprocess.TimeoutExpired:
                print(f"   {path}: cut off after {seconds / len(TARGETS):.0f} s", flush=True)
        told = log.read_text(encoding="utf-8", errors="replace")
        if (hit := FOUND.search(told)) and WITHDRAWN not in told:
            found.append(f"{path}: {hit[0]} ({log})")
    return found


if __name__ == "__main__":
    sys.exit(main())
