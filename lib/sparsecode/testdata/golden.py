# SPDX-License-Identifier: Apache-2.0
"""Makes golden.json, the codes that scikit-learn finds: python3 golden.py (scikit-learn 1.9.1, NumPy 2.4.6).

Atoms and patches of 8x8 pixels follow from formulas, so that the test can make them, too.
"""
import json
import warnings

import numpy as np
from sklearn.decomposition import sparse_encode

warnings.simplefilter("error")
ATOMS, PATCHES, SIDE, TAKEN = 96, 40, 8, 6
row, column = np.divmod(np.arange(SIDE * SIDE), SIDE)


def atom(k):
    """A wave in an envelope, of length 1."""
    x, y = column - (1 + 5 * k % 7), row - (1 + 3 * k % 7)
    wave = np.cos(2 * np.pi * (0.08 + 0.04 * (k % 6)) * (x * np.cos(2.4 * k) + y * np.sin(2.4 * k)) + k)
    a = np.exp(-(x**2 + y**2) / (2 * (1.5 + k % 3) ** 2)) * wave
    return a / np.linalg.norm(a)


def patch(n):
    i = np.arange(SIDE * SIDE)
    p = np.sin(1 + 0.37 * n + 0.011 * n * i + 0.21 * i) + 0.5 * np.cos(0.05 * i * i + n)
    return p - p.mean()


d, x = np.array([atom(k) for k in range(ATOMS)]), np.array([patch(n) for n in range(PATCHES)])
lasso = []
for penalty in [0.05, 0.3, 1]:
    codes = sparse_encode(x, d, algorithm="lasso_cd", alpha=penalty, max_iter=1_000_000)
    other = sparse_encode(x, d, algorithm="lasso_lars", alpha=penalty, max_iter=10_000)

    def objective(a):
        return ((x - a @ d) ** 2).sum() / 2 / PATCHES + penalty * abs(a).sum() / PATCHES

    assert abs(objective(codes) / objective(other) - 1) < 1e-6
    lasso.append(dict(penalty=penalty, objective=min(objective(codes), objective(other))))
omp = sparse_encode(x, d, algorithm="omp", n_nonzero_coefs=TAKEN)
supports = [np.flatnonzero(a).tolist() for a in omp]
assert all(len(s) == TAKEN for s in supports)
with open("golden.json", "w") as out:
    json.dump(dict(lasso=lasso, supports=supports), out)
    out.write("\n")
