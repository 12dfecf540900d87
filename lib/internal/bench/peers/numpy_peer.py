# SPDX-License-Identifier: Apache-2.0
"""The items that NumPy can do."""
import os
import struct
import tempfile

import numpy as np
from serve import build, serve

rng = np.random.default_rng(1)


def normal(*shape):
    return rng.standard_normal(shape, dtype=np.float32)


def product(m, n, k, layout):
    def start():
        a = normal(k, m).T if layout == "TN" else normal(m, k)
        b = normal(n, k).T if layout == "NT" else normal(k, n)
        c = np.empty((m, n), np.float32)
        return lambda: np.matmul(a, b, out=c)

    return lambda: {"": start}


def elementwise(n, f):
    def start():
        x, y = normal(n), np.empty(n, np.float32)
        return lambda: f(x, y)

    return lambda: {"": start}


def gather():
    x, labels = normal(10000, 784), rng.integers(0, 10, 10000)
    order = rng.permutation(10000)
    dst, y = np.empty((100, 784), np.float32), np.empty(100, labels.dtype)
    at = 0

    def run():
        nonlocal at
        idx = order[at : at + 100]
        at = (at + 100) % 10000
        np.take(x, idx, axis=0, out=dst, mode="clip")  # the other modes copy through a buffer
        np.take(labels, idx, out=y, mode="clip")

    return run


def load():
    folder = tempfile.TemporaryDirectory()
    images, labels = os.path.join(folder.name, "images"), os.path.join(folder.name, "labels")
    with open(images, "wb") as f:
        f.write(struct.pack(">iiii", 0x803, 10000, 28, 28))
        f.write(rng.integers(0, 256, 10000 * 784, dtype=np.uint8).tobytes())
    with open(labels, "wb") as f:
        f.write(struct.pack(">ii", 0x801, 10000))
        f.write(rng.integers(0, 10, 10000, dtype=np.uint8).tobytes())

    def run(_folder=folder):  # which lives as long as the function
        x = np.fromfile(images, np.uint8, offset=16).reshape(10000, 1, 28, 28).astype(np.float32)
        x *= np.float32(1 / 255)
        y = np.fromfile(labels, np.uint8, offset=8).astype(np.int64)
        return x, y

    return run


def parameters():
    return {"hidden.weight": normal(2000, 784), "hidden.bias": normal(2000), "out.weight": normal(10, 2000), "out.bias": normal(10)}


def safetensors_write():
    from safetensors.numpy import save

    tensors = parameters()
    return lambda: save(tensors)


def safetensors_read():
    from safetensors.numpy import load, save

    data = save(parameters())
    return lambda: load(data)


serve(
    f"NumPy {np.__version__} {build(np)}",
    {
        "sgemm_100x784x128": product(100, 128, 784, "NT"),
        "sgemm_784x100x128": product(128, 784, 100, "TN"),
        "sgemm_1024": product(1024, 1024, 1024, "NN"),
        "exp_64k": elementwise(1 << 16, lambda x, y: np.exp(x, out=y)),
        "relu_64k": elementwise(1 << 16, lambda x, y: np.maximum(x, 0, out=y)),
        "sum_64k": elementwise(1 << 16, lambda x, y: x.sum()),
        "gather_100x784": lambda: {"": gather},
        "load_idx_10k": lambda: {"": load},
        "safetensors_write": lambda: {"safetensors package": safetensors_write},
        "safetensors_read": lambda: {"safetensors package": safetensors_read},
    },
)
