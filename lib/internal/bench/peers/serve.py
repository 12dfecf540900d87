# SPDX-License-Identifier: Apache-2.0
"""Times the work that the Go program asks for, one request a line on stdin, one answer a line on stdout.

    {"item": "sgemm_1024", "seconds": 0.2,
     "variant": "",                                       the way to do it; if empty, the fastest
     "folder": "/tmp/x"}                                  files of the item; all on one line
    {"variant": "out=", "batches": [0.0081, 0.0082]}      seconds for one run, a mean for each batch
    {"error": "why not"}

The first line out says who answers: {"peer": "NumPy 2.4.6 wheel"}.
"""
import json
import os
import sys
import time

# Inputs, outputs, batch and percentage of the layers of items_sparse.go.
LAYERS = [
    (i, o, b, d)
    for i, o in [(784, 128), (1000, 1000), (4096, 4096)]
    for b in [1, 100]
    for d in [2, 5, 10, 19, 25, 50, 100]
]
folder = ""  # of the item's files
BATCH = 2e-3  # seconds that a batch of runs takes at least, as in timer.go


def measure(run, seconds, count):
    """Returns the time of one run for each batch of count runs that began within seconds."""
    clock, batches = time.perf_counter, []
    end = clock() + seconds
    while not batches or clock() < end:
        start = clock()
        for _ in range(count):
            run()
        batches.append((clock() - start) / count)
    return batches


def warm_up(run, seconds):
    """Runs for some time and returns how many runs a batch needs."""
    count, end = 1, time.perf_counter() + seconds
    while True:
        elapsed = measure(run, 0, count)[0] * count
        if elapsed < BATCH:
            count = max(count + 1, int(count * min(10, 1.2 * BATCH / max(elapsed, 1e-9))))
        elif time.perf_counter() > end:
            return count


def prepare(make, wanted, seconds):
    """Returns (seconds, variant, run, count) of the wanted way to do an item's work, or if that is empty of the fastest
    that works here."""
    ways, failures = [], []
    for variant, start in make().items():
        if wanted and variant != wanted:
            continue
        try:
            run = start()
            count = warm_up(run, seconds / 4)
            ways.append((min(measure(run, seconds / 2, count)), variant, run, count))
        except Exception as e:  # this version of the package cannot do it this way
            failures.append(f"{variant}: {e}" if variant else str(e))
    if not ways:
        raise RuntimeError("; ".join(failures))
    return min(ways, key=lambda w: w[0])


def settle():
    """Waits until no thread of this process is busy: OpenBLAS's keep spinning for 0.14 s after a product, at the
    cost of whatever is measured next."""
    while True:
        before = time.process_time()
        time.sleep(0.02)
        if time.process_time() - before < 0.002:
            return


def serve(peer, items):
    """Answers requests until stdin ends. items maps a name to a function that returns {variant: start}; start()
    prepares the data and returns the function to time."""
    global folder
    out = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # whatever the packages print is no answer

    def say(**answer):
        print(json.dumps(answer), file=out, flush=True)

    say(peer=peer)
    current = None
    for line in sys.stdin:
        request = json.loads(line)
        name, wanted, seconds = request["item"], request["variant"], request["seconds"]
        folder = request["folder"]
        try:
            if name not in items:
                raise RuntimeError("the script has no such item")
            if name != current:
                current = None
                took, variant, run, count = prepare(items[name], wanted, seconds)
                current = name
            if took < seconds:  # a longer run warms itself up
                warm_up(run, seconds / 10)
            batches = measure(run, seconds, count)
            settle()
            say(variant=variant, batches=batches)
        except Exception as e:
            say(error=f"{type(e).__name__}: {e}")


def build(module):
    """Tells where a package came from: Debian's own folder, or a wheel."""
    return "Debian" if "dist-packages" in module.__file__ else "wheel"
