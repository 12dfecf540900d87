# SPDX-License-Identifier: Apache-2.0
"""Learns a dictionary in one pass: dictionary.py PROGRAM PATCHES START PIXELS LAMBDA LEARNT

PATCHES and START hold float32 rows of PIXELS elements, START the atoms before learning; those learnt are written to
LEARNT. The answer is a line of JSON: who learnt, and the seconds it took. Of several ways each program has the fastest.
"""
import importlib.metadata
import json
import sys
import time
import warnings

import numpy as np

program, patches, start, pixels, penalty, out = sys.argv[1:]
penalty = float(penalty)
warnings.filterwarnings("ignore")


def read(path):
    return np.fromfile(path, np.float32).reshape(-1, int(pixels))


def learn_sklearn(x, kind, jobs):
    learner = MiniBatchDictionaryLearning(
        n_components=len(atoms), alpha=penalty, max_iter=1, batch_size=500, fit_algorithm="cd",
        dict_init=atoms.astype(kind), tol=0, max_no_improvement=None, n_jobs=jobs, random_state=1,
    )
    return learner.fit(x.astype(kind)).components_


def learn_spams(x, kind, jobs):
    # SPAMS takes patches and atoms as columns.
    return spams.trainDL(
        np.asfortranarray(x.T.astype(kind)), D=np.asfortranarray(atoms.T.astype(kind)), lambda1=penalty, mode=2,
        batchsize=500, iter=len(x) // 500, numThreads=jobs or 1, verbose=False,
    ).T


def timed(way, x):
    begin = time.perf_counter()
    learnt = learn(x, *way)
    return time.perf_counter() - begin, learnt


x, atoms = read(patches), read(start)
if program == "scikit-learn":
    import sklearn
    from sklearn.decomposition import MiniBatchDictionaryLearning

    learn, name = learn_sklearn, f"scikit-learn {sklearn.__version__} MiniBatchDictionaryLearning"
else:
    import spams

    learn, name = learn_spams, f"SPAMS {importlib.metadata.version('spams-bin')} trainDL"
ways = [(kind, jobs) for kind in (np.float32, np.float64) for jobs in (None, -1)]
timed(ways[0], x[:1000])  # warms up
way = min(ways, key=lambda way: timed(way, x[:2000])[0])
seconds, learnt = timed(way, x)
np.ascontiguousarray(learnt, np.float32).tofile(out)
threads = "all cores" if way[1] else "one core"
print(json.dumps({"name": f"{name} ({way[0].__name__}, {threads})", "seconds": seconds}))
