# SPDX-License-Identifier: Apache-2.0
"""Learns a dictionary in one pass: dictionary.py PROGRAM PATCHES START PIXELS LAMBDA LEARNT

PATCHES and START hold float32 rows of PIXELS elements, START the atoms before learning; those learnt are written to
LEARNT. The answer is a line of JSON: who learnt, and the seconds it took. Of several ways each program has the fastest.
"""
import json
import os
import sys
import time
import warnings

import numpy as np

program, patches, start, pixels, penalty, out = sys.argv[1:]
penalty = float(penalty)
warnings.filterwarnings("ignore")


def read(path):
    return np.fromfile(path, np.float32).reshape(-1, int(pixels))


x, atoms = read(patches), read(start)
if program == "scikit-learn":
    import sklearn
    from sklearn.decomposition import MiniBatchDictionaryLearning

    learner = MiniBatchDictionaryLearning(
        n_components=len(atoms), alpha=penalty, max_iter=1, batch_size=500, fit_algorithm="cd", dict_init=atoms,
        tol=0, max_no_improvement=None, n_jobs=-1, random_state=1,
    )
    begin = time.perf_counter()
    learnt = learner.fit(x).components_
    seconds = time.perf_counter() - begin
    name = f"scikit-learn {sklearn.__version__} (MiniBatchDictionaryLearning, coordinates)"
else:
    import importlib.metadata

    import spams

    # SPAMS takes patches and atoms as columns, and batches in their order.
    x, atoms = np.asfortranarray(x.T), np.asfortranarray(atoms.T)
    begin = time.perf_counter()
    learnt = spams.trainDL(
        x, D=atoms, lambda1=penalty, mode=2, batchsize=500, iter=x.shape[1] // 500, numThreads=os.cpu_count(),
        verbose=False,
    ).T
    seconds = time.perf_counter() - begin
    name = f"SPAMS {importlib.metadata.version('spams-bin')} (trainDL)"

np.ascontiguousarray(learnt, np.float32).tofile(out)
print(json.dumps({"name": name, "seconds": seconds}))
