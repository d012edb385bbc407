"""Run by a test in a process of its own, on PostgreSQL with a pool: use connections in many ways, then print whose
they are. Argument: the database's name."""

import json
import os
import sys
import threading
import time

os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"

import django

django.setup()

from django.conf import settings
from django.db import connection
from django.test import Client

from accounts.models import NexmoAccount
from events.operations import tasks
from events.sync.pool import room_for

connection.settings_dict["NAME"] = settings.DATABASES["default"]["NAME"] = sys.argv[1]
settings.ALLOWED_HOSTS.append("testserver")
found = {"size": connection.pool.max_size}

# What requests leave behind.
for _ in range(20):
    Client().get("/readyz")
    Client().get("/login/")
# What the queue's tasks leave behind, in more threads than the pool has connections.
NexmoAccount.objects.update(is_active=False)
connection.close()
threads = [threading.Thread(target=tasks.sync_if_due.func, args=(pk,)) for pk in range(1, 31)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
deadline = time.monotonic() + 60
while True:  # the pool takes them back, and makes new ones, in threads of its own
    stats = connection.pool.get_stats()
    found["lent"] = stats["pool_size"] - stats["pool_available"]
    if not found["lent"] or time.monotonic() > deadline:
        break
    time.sleep(0.05)
found["most"] = stats["pool_size"]
# A fork: the child makes a connection of its own, and the parent's goes on.
with connection.cursor() as cursor:
    cursor.execute("SELECT pg_backend_pid()")
    mine = cursor.fetchone()
reader, writer = os.pipe()
child = os.fork()
with connection.cursor() as cursor:
    cursor.execute("SELECT pg_backend_pid()")
    pid = cursor.fetchone()
if child == 0:
    os.write(writer, str(pid[0]).encode())
    os._exit(0)
os.waitpid(child, 0)
found["same in parent"] = pid == mine
found["other in child"] = os.read(reader, 20).decode() != str(mine[0])
with connection.cursor() as cursor:
    cursor.execute("SELECT 1")
# More threads than settings foresee.
room_for(40)
found["room"] = connection.pool.max_size
print(json.dumps(found))
connection.close()
connection.close_pool()
