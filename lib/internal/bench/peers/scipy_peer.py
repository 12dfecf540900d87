# SPDX-License-Identifier: Apache-2.0
"""Layers with zeros in their inputs or weights, by SciPy's compressed rows."""
import numpy as np
import scipy
import scipy.sparse
from serve import LAYERS, build, serve

rng = np.random.default_rng(1)


def normal(*shape):
    return rng.standard_normal(shape, dtype=np.float32)


def sparse(rows, columns, percent):
    """Normal numbers, of which so many in a hundred are not zero."""
    x = normal(rows, columns)
    x[rng.random(x.shape) * 100 >= percent] = 0
    return scipy.sparse.csr_array(x)


def inputs(n_in, n_out, batch, percent):
    def start():
        x, w, bias = sparse(batch, n_in, percent), normal(n_in, n_out), normal(n_out)
        return lambda: x @ w + bias

    return lambda: {"": start}


def weights(n_in, n_out, batch, percent):
    def start():
        w, x, bias = sparse(n_out, n_in, percent), normal(n_in, batch), normal(n_out, 1)
        return lambda: w @ x + bias

    return lambda: {"": start}


serve(
    f"SciPy {scipy.__version__} {build(scipy)}",
    {
        **{f"inputs_{i}x{o}_b{b}_d{d}": inputs(i, o, b, d) for i, o, b, d in LAYERS},
        **{f"weights_{i}x{o}_b{b}_d{d}": weights(i, o, b, d) for i, o, b, d in LAYERS},
    },
)
