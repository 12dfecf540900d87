# SPDX-License-Identifier: Apache-2.0
"""Codes of 2000 patches of 16x16 pixels by SPAMS, with the atoms of the Go program, which also says what objective it
reaches: the lasso must have the same here, but for 1e-5 of it, and a pursuit none above it."""
import importlib.metadata
import os

import numpy as np
import serve
import spams

ATOMS, LAMBDA = 10, 0.5


def files(kind):
    def read(name):
        return np.fromfile(os.path.join(serve.folder, name), np.float32).reshape(-1, 256)

    with open(os.path.join(serve.folder, "objective")) as f:
        objective = float(f.read())
    # SPAMS takes patches and atoms as columns.
    return np.asfortranarray(read("patches").T, kind), np.asfortranarray(read("atoms").T, kind), objective


def encoder(kind, encode, penalty):
    """Returns a function that prepares the data, checks the codes' objective and returns the function to time."""

    def start():
        x, atoms, want = files(kind)

        def run():
            return encode(x, atoms)

        codes = run().toarray().astype(float)
        left = x.astype(float) - atoms.astype(float) @ codes
        objective = ((left**2).sum() / 2 + penalty * abs(codes).sum()) / x.shape[1]
        more = objective / want - 1
        if more > 1e-5 or penalty and more < -1e-5:
            raise RuntimeError(f"its objective is {objective}, not {want}")
        return run

    return start


def pursuit(x, atoms):
    return spams.omp(x, atoms, L=ATOMS, eps=0.0, numThreads=-1)


def lasso(x, atoms):
    return spams.lasso(x, atoms, lambda1=LAMBDA, mode=2, numThreads=-1)


def coordinates(x, atoms):
    start = np.asfortranarray(np.zeros((atoms.shape[1], x.shape[1]), x.dtype))
    return spams.cd(x, atoms, start, lambda1=LAMBDA, mode=2, itermax=1000, tol=1e-7, numThreads=-1)


def kinds(encode, penalty=0):
    return {name: encoder(kind, encode, penalty) for name, kind in [("float32", np.float32), ("float64", np.float64)]}


serve.serve(
    f"SPAMS {importlib.metadata.version('spams-bin')}",
    {
        # Its omp compares atoms after making them orthogonal, for both items.
        "omp10_2000": lambda: kinds(pursuit),
        "ormp10_2000": lambda: kinds(pursuit),
        "lasso_2000": lambda: {
            **{f"LARS, {name}": start for name, start in kinds(lasso, LAMBDA).items()},
            **{f"coordinates, {name}": start for name, start in kinds(coordinates, LAMBDA).items()},
        },
    },
)
