"""Who holds a lease: a process of some machine, told apart from every other, and whether it still runs."""

from __future__ import annotations

import os
import secrets
import socket


def machine() -> str:
    """This machine, down to the process ids that mean something here: containers may share a host's name."""
    try:
        namespace = os.readlink("/proc/self/ns/pid")
    except OSError:
        namespace = ""
    return f"{socket.gethostname()[-40:]}{namespace.removeprefix('pid')}".replace(":", "")


def new_owner() -> str:
    """A name for one holder of one lease."""
    return f"{machine()}:{os.getpid()}:{secrets.token_hex(4)}"


def owner_is_gone(owner: str) -> bool:
    """Whether the holder was a process of this machine that no longer runs."""
    host, _, rest = owner.partition(":")
    pid = rest.partition(":")[0]
    if host != machine() or not pid.isdecimal():
        return False
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return True
    except OSError:
        return False
    return False
