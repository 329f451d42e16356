"""Calls a function and prints how often, as the interpreter's own hooks saw it."""

import gc
import json
import sys

calls = []
lines = []
collections = 0


def profiled(frame, event, _):
    if event == "call" and frame.f_code.co_name == "counted":
        calls.append("%s %d" % (frame.f_code.co_name, frame.f_lineno))


def traced(frame, event, _):
    if frame.f_code.co_name != "counted":
        return None
    if event == "line":
        lines.append(frame.f_lineno)
    return traced


def collected(phase, _):
    global collections
    collections += phase == "start"


def counted(n):
    value = n * n
    value += 1
    return value


gc.callbacks.append(collected)
sys.setprofile(profiled)
sys.settrace(traced)
for number in range(20):
    counted(number)
sys.settrace(None)
sys.setprofile(None)
gc.collect()
import colorsys  # noqa: E402, F401

try:
    import this_module_is_not_there  # noqa: F401
except ImportError:
    pass
print(json.dumps(calls))
print(json.dumps(lines))
print(json.dumps(collections))
