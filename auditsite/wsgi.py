"""The WSGI entry point."""

import os

from django.core.wsgi import get_wsgi_application

from auditsite.configuration import env

env.become_web_process()
os.umask(0o077)  # files that the site makes are for its own user's eyes only
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "auditsite.settings")

application = get_wsgi_application()
