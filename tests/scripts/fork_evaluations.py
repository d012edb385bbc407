"""Run by a test in a process of its own: for each line on standard input, fork a child that evaluates what is left.

Prints each child's process id, so that the test can kill it; children are reaped at once. Arguments: the database's
name, and the seed of the rules.
"""

import os
import signal
import sys
from random import Random

os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"

import django

django.setup()

from django.conf import settings
from django.db import connection

from events.detection.evaluation import follow
from tests.detection.archives import random_rules

connection.settings_dict["NAME"] = settings.DATABASES["default"]["NAME"] = sys.argv[1]
rules = random_rules(Random(sys.argv[2]))
follow.BATCH = 3
signal.signal(signal.SIGCHLD, signal.SIG_IGN)
for _ in sys.stdin:
    child = os.fork()
    if child == 0:
        follow.follow(rules=rules)
        os._exit(0)
    print(child, flush=True)
