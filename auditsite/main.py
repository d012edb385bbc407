"""The commands' common beginning: `manage.py` in a source tree, `auditsite` where the package is installed."""

from __future__ import annotations

import io
import os
import sys


def main() -> None:
    """Run the command that the arguments name. Ends the process with a sentence where Auditsite cannot start."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(line_buffering=True)  # progress is to be seen as it happens, also through a pipe
    os.umask(0o077)  # the archive, the queue and exports are for this user's eyes only
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "auditsite.settings")
    try:
        from django.core.exceptions import ImproperlyConfigured
        from django.core.management import execute_from_command_line
    except ImportError:
        sys.exit("Django is not installed here. Use `.venv/bin/python manage.py ...`; `make run` makes the .venv.")
    try:
        from auditsite.configuration import home

        home.prepare(sys.argv[1:])
        if sys.argv[1:2] == ["runserver"]:
            from auditsite.configuration.env import become_web_process

            become_web_process()
        if sys.argv[1:2] == ["demo"]:
            from auditsite.demo.environment import use_demo_environment

            use_demo_environment()
        # Read the settings now, so that a bad one is told in a sentence and not in a traceback.
        from django.conf import settings

        _ = settings.SECRET_KEY
        execute_from_command_line(sys.argv)
    except ImproperlyConfigured as error:
        sys.exit(f"Auditsite cannot start: {error}")
