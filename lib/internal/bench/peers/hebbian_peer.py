# SPDX-License-Identifier: Apache-2.0
"""Learning by competing units in NumPy: 2000 units, 784 pixels, batches of 100, p = 4, k = 2, Delta = 0.4."""
import numpy as np
from serve import build, serve

UNITS, PIXELS, BATCH, DELTA, RATE = 2000, 784, 100, np.float32(0.4), np.float32(0.02)
rng = np.random.default_rng(1)
rows = np.arange(BATCH)


def batches():
    data = rng.random((60, BATCH, PIXELS), dtype=np.float32)
    at = 0

    def following():
        nonlocal at
        at = (at + 1) % len(data)
        return data[at]

    return following


def weights():
    return rng.standard_normal((UNITS, PIXELS), dtype=np.float32)


def first_and_second(currents):
    """The two largest of each row; the largest is hidden to find the next, and put back."""
    first = currents.argmax(1)
    held = currents[rows, first]
    currents[rows, first] = -np.inf
    second = currents.argmax(1)
    currents[rows, first] = held
    return first, second


def published():
    """The rule for the whole matrix as its authors write it: sign and power of the weights, the units sorted for each
    image, a matrix that says who learns, and fresh arrays throughout."""
    w, next_batch = weights(), batches()

    def run():
        nonlocal w
        x = next_batch().T
        currents = (np.sign(w) * np.abs(w) ** 3) @ x
        order = currents.argsort(axis=0)
        g = np.zeros((UNITS, BATCH), np.float32)
        g[order[-1], rows] = 1
        g[order[-2], rows] = -DELTA
        change = g @ x.T - (g * currents).sum(1)[:, None] * w
        w += RATE * change / max(np.abs(change).max(), np.float32(1e-30))

    return run


def products():
    """The rule for the whole matrix, rewritten for speed: the power as products, two searches instead of sorting, and
    no new arrays."""
    w, next_batch = weights(), batches()
    powers, change, size = np.empty_like(w), np.empty_like(w), np.empty_like(w)
    g = np.zeros((BATCH, UNITS), np.float32)

    def run():
        x = next_batch()
        np.multiply(w, w, out=powers)
        np.multiply(powers, w, out=powers)
        currents = x @ powers.T
        first, second = first_and_second(currents)
        g.fill(0)
        g[rows, first] = 1
        g[rows, second] = -DELTA
        decay = np.einsum("bu,bu->u", g, currents)
        np.matmul(g.T, x, out=change)
        np.multiply(w, decay[:, None], out=size)
        np.subtract(change, size, out=change)
        np.abs(change, out=size)
        np.multiply(change, RATE / max(size.max(), np.float32(1e-30)), out=change)
        np.add(w, change, out=w)

    return run


def touched():
    """The same where only the rows that won or came second are computed, and their powers kept."""
    w, next_batch = weights(), batches()
    powers = w * w * w

    def run():
        x = next_batch()
        currents = x @ powers.T
        first, second = first_and_second(currents)
        units, place = np.unique(np.concatenate([first, second]), return_inverse=True)
        g = np.zeros((BATCH, len(units)), np.float32)
        g[rows, place[:BATCH]] = 1
        g[rows, place[BATCH:]] = -DELTA
        old = w[units]
        change = g.T @ x
        change -= np.einsum("bu,bu->u", g, currents[:, units])[:, None] * old
        change *= RATE / max(np.abs(change).max(), np.float32(1e-30))
        old += change
        w[units] = old
        powers[units] = old * old * old

    return run


serve(
    f"NumPy {np.__version__} {build(np)}",
    {
        "kh_step": lambda: {"as published": published},
        "kh_digits": lambda: {"as published": published},  # NumPy gains nothing from zeros
        "kh_step_products": lambda: {"all rows": products},
        "kh_step_rows": lambda: {"rows that change": touched},
    },
)
