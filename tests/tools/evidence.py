"""Evidence packs: taken apart, put together again, signed anew, and checked."""

from __future__ import annotations

import hashlib
import io
import json
import tempfile
import zipfile
from pathlib import Path
from typing import Any

from events.archive import seals
from events.evidence import verify_evidence


def files_of(pack: Path | bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(pack) if isinstance(pack, bytes) else pack) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def zip_of(files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def signed(files: dict[str, bytes], **changes: Any) -> dict[str, bytes]:
    """The files with a manifest that fits them, signed with the SEAL_KEY of the moment."""
    manifest = json.loads(files["manifest.json"]) | changes
    rest = {name: content for name, content in files.items() if not name.startswith("manifest.")}
    manifest["files"] = {name: hashlib.sha256(content).hexdigest() for name, content in rest.items()}
    manifest["sizes"] = {name: len(content) for name, content in rest.items()}
    text = json.dumps(manifest)
    return rest | {"manifest.json": text.encode(), "manifest.sig": seals.sign(text).encode()}


def check(pack: dict[str, bytes] | bytes, public_key: str | None = None) -> dict[str, Any]:
    """What the verifier makes of a pack. Raises verify_evidence.Fault."""
    with tempfile.NamedTemporaryFile(suffix=".zip") as file:
        file.write(pack if isinstance(pack, bytes) else zip_of(pack))
        file.flush()
        return verify_evidence.verify(file.name, public_key, lambda line: None)
