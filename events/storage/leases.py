"""Who holds a lease: a process of some machine, told apart from every other, and whether it still runs."""

from __future__ import annotations

import os
import secrets
import socket
from typing import Any

from events.storage.unreadable import is_of_the_row


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
    except (ProcessLookupError, OverflowError, ValueError):  # the latter two: no process can have such a number
        return True
    except OSError:
        return False
    return False


def release_gone(held: Any, **values: Any) -> None:
    """End the leases whose holders were processes of this machine that no longer run.

    Args:
        held: a queryset of the rows with a lease. Each is read by itself: one that cannot be read stays as it is.
        values: what else to set.
    """
    for pk in list(held.filter(lease_owner__startswith=f"{machine()}:").values_list("pk", flat=True)):
        row = held.filter(pk=pk)
        try:
            owner = row.values_list("lease_owner", flat=True).first()
        except Exception as error:
            if not is_of_the_row(error):
                raise
            continue
        if owner and owner_is_gone(owner):
            row.filter(lease_owner=owner).update(lease_until=None, **values)
