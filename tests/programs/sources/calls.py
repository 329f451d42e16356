# Counts its own calls of a function that is written in C; runs threads, recursion, exceptions and callbacks.
import json
import os
import re
import sys
import threading


def fibonacci(n):
    return n if n < 2 else fibonacci(n - 1) + fibonacci(n - 2)


calls = 0


def profile(frame, event, argument):
    global calls
    calls += event == "c_call" and argument is os.getppid


sys.setprofile(profile)
for _ in range(100):
    os.getppid()
sys.setprofile(None)
results = []
threads = [threading.Thread(target=lambda n=n: results.append(fibonacci(n))) for n in range(4, 8)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
try:
    {}["missing"]
except KeyError as error:
    print("caught", error)
print(sorted(results), json.dumps(re.findall(r"\w+", "to be or not to be")), sum(map(fibonacci, range(5))))
print(calls)
sys.exit(7)
