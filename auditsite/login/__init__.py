"""How people get in, and how the first one does.

Every session names `auditsite.login.Backend` as what let its person in: under another name it would count no more, and
an upgrade would log everybody out. It reads models, so that whatever is here is imported once the apps are loaded.
"""

from auditsite.login.backend import Backend

Backend.__module__ = __name__  # allauth makes the name of this

__all__ = ["Backend"]
