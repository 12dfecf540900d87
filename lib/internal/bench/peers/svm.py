# SPDX-License-Identifier: Apache-2.0
"""Fits support vector machines by liblinear: svm.py METHOD LAYOUT FOLDER N C WEIGHTS

METHOD is primal (trust region) or dual (coordinate descent), LAYOUT dense or sparse. FOLDER has the files samples, N rows
of float32, and labels, a float32 each; the weights are written as float64, the intercept after those of each class. The
answer is a line of JSON: who fitted, and the seconds from samples in memory to weights. Everything else is the program's
default; it stops by its own rule.
"""
import json
import sys
import time
import warnings

import numpy as np
import scipy.sparse
import sklearn
from sklearn.svm import LinearSVC

warnings.simplefilter("ignore")
method, layout, folder, n, c, out = sys.argv[1:]
y = np.fromfile(f"{folder}/labels", np.float32).astype(np.int64)
x = np.fromfile(f"{folder}/samples", np.float32).reshape(int(n), -1)
if layout == "sparse":
    x = scipy.sparse.csr_matrix(x)
start = time.perf_counter()
model = LinearSVC(C=float(c), dual=method == "dual").fit(x, y)
seconds = time.perf_counter() - start
np.ascontiguousarray(np.hstack([model.coef_, model.intercept_[:, None]]), np.float64).tofile(out)
print(json.dumps({"name": f"scikit-learn {sklearn.__version__} LinearSVC, {method}", "seconds": seconds}))
