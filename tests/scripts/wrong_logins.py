"""Run by a test in a process of its own: log in as bob with a wrong password, so many times; prints how often that was
refused as too often. Arguments: the database's name, how many times."""

import os
import sys

os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"

import django

django.setup()

from django.conf import settings
from django.db import connection
from django.test import Client

connection.settings_dict["NAME"] = settings.DATABASES["default"]["NAME"] = sys.argv[1]
settings.ALLOWED_HOSTS.append("testserver")
pages = [Client().post("/login/", {"login": "bob", "password": "wrong"}) for _ in range(int(sys.argv[2]))]
print(sum(page.status_code == 429 or b"Too many" in page.content for page in pages))
