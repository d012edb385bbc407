"""A tiny project with our Makefile, pinned packages of its own, and an index of wheels: installs without a network."""

from __future__ import annotations

import base64
import hashlib
import os
import subprocess
import sys
import zipfile
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
PATIENCE = 400  # seconds that one install may take on a machine that has other things to do
PINNED_FILES = ("requirements.txt", "requirements-deploy.txt", "requirements-dev.txt", "requirements-bench.txt")


class Project:
    """Nothing of the developer's pip settings applies: pip sees the wheels that `offer` made, and nothing else."""

    def __init__(self, path: Path, python: Path) -> None:
        self.path, self.python = path, python
        self.index = path / "index"
        self.venv = path / ".venv"
        if self.index.exists():
            return
        self.index.mkdir(parents=True)
        (path / "Makefile").write_text(MAKEFILE, encoding="utf-8")
        (path / "tests" / "install").mkdir(parents=True)
        for name in (*PINNED_FILES, "requirements-pins.txt", "requirements-supply.txt", "tests/install/oldest-pip.txt"):
            (path / name).touch()

    def offer(self, name: str, version: str, *, needs: Sequence[str] = ()) -> Path:
        """A wheel of a package with one module and one command, on offer from now on."""
        info = f"{name}-{version}.dist-info"
        needed = "".join(f"Requires-Dist: {need}\n" for need in needs)
        files = {
            f"{name}.py": f"def main():\n    print('{name} {version}')\n",
            f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
            f"Provides-Extra: toml\n{needed}",
            f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
            f"{info}/entry_points.txt": f"[console_scripts]\n{name} = {name}:main\n",
        }
        record = "".join(f"{file},sha256={_urlsafe(text)},{len(text)}\n" for file, text in files.items())
        wheel = self.index / f"{name}-{version}-py3-none-any.whl"
        with zipfile.ZipFile(wheel, "w") as archive:
            for file, text in {**files, f"{info}/RECORD": f"{record}{info}/RECORD,,\n"}.items():
                archive.writestr(file, text)
        return wheel

    def pin(self, *files: Path, pinned: str = "requirements.txt") -> None:
        """Pin exactly these files, with their hashes."""
        lines = []
        for file in files:
            name, version = file.name.removesuffix(".tar.gz").split("-")[:2]
            lines.append(f"{name}=={version} --hash=sha256:{hashlib.sha256(file.read_bytes()).hexdigest()}\n")
        (self.path / pinned).write_text("".join(lines), encoding="utf-8")

    def environment(self) -> dict[str, str]:
        return {
            "PATH": os.environ["PATH"],
            "HOME": str(self.path),
            "LC_ALL": "C.UTF-8",
            "PIP_CONFIG_FILE": os.devnull,
            "PIP_NO_INDEX": "1",
            "PIP_FIND_LINKS": str(self.index),
            "PIP_NO_CACHE_DIR": "1",
        }

    def command(self, *goals: str) -> list[str]:
        return ["make", f"PYTHON={self.python}", *goals]

    def make(self, *goals: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.command(*goals),
            cwd=self.path,
            env=self.environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=PATIENCE,
            check=False,
        )

    def run(self, name: str) -> str:
        """What the command of an installed package says."""
        done = subprocess.run(
            [self.venv / "bin" / name], stdout=subprocess.PIPE, text=True, timeout=PATIENCE, check=False
        )
        return done.stdout.strip()

    def site(self) -> Path:
        (found,) = self.venv.glob("lib/python*/site-packages")
        return found


def oldest_pip() -> str:
    """The version of tests/install/oldest-pip.txt that runs on this Python."""
    return "23.0" if sys.version_info < (3, 12) else "23.2"


def unpack_pip(environment: Path) -> None:
    """Put the pip that `make test` fetched into an environment without one."""
    (wheel,) = (Path(sys.prefix) / "oldest-pip").glob(f"pip-{oldest_pip()}-*.whl")
    subprocess.run(
        [environment / "bin" / "python", wheel / "pip", "install", "--quiet", "--no-index", wheel],
        env={"PATH": os.environ["PATH"], "PIP_CONFIG_FILE": os.devnull},
        timeout=PATIENCE,
        check=True,
    )


def _urlsafe(text: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()
