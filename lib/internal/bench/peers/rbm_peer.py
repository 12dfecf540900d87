# SPDX-License-Identifier: Apache-2.0
"""Learning steps of a restricted Boltzmann machine: 784 visible and 500 hidden units, batches of 100, float32. rbm_cd is
CD-1 in NumPy, rbm_pcd a step of scikit-learn's BernoulliRBM, which has persistent chains."""
import numpy as np
import sklearn
from serve import build, serve
from sklearn.neural_network import BernoulliRBM

VISIBLE, HIDDEN, BATCH, RATE = 784, 500, 100, np.float32(0.01)
rng = np.random.default_rng(1)


def batches():
    data = rng.random((60, BATCH, VISIBLE), dtype=np.float32)
    at = 0

    def following():
        nonlocal at
        at = (at + 1) % len(data)
        return data[at]

    return following


def sigmoid(x):
    """The logistic function, in place."""
    np.negative(x, out=x)
    np.exp(x, out=x)
    x += 1
    return np.reciprocal(x, out=x)


def draw(p):
    return (rng.random(p.shape, dtype=np.float32) < p).astype(np.float32)


def divergence():
    w = 0.01 * rng.standard_normal((HIDDEN, VISIBLE), dtype=np.float32)
    b, c = np.zeros(VISIBLE, np.float32), np.zeros(HIDDEN, np.float32)
    following = batches()

    def run():
        nonlocal w, b, c
        v = following()
        positive = sigmoid(v @ w.T + c)
        image = sigmoid(draw(positive) @ w + b)
        loss = ((v - image) ** 2).sum()
        fantasy = draw(image)
        negative = sigmoid(fantasy @ w.T + c)
        w += RATE / BATCH * (positive.T @ v - negative.T @ fantasy)
        b += RATE / BATCH * (v - fantasy).sum(0)
        c += RATE / BATCH * (positive - negative).sum(0)
        return loss

    return run


def persistent():
    following = batches()
    machine = BernoulliRBM(n_components=HIDDEN, learning_rate=float(RATE), batch_size=BATCH, random_state=1)
    return lambda: machine.partial_fit(following())


serve(
    f"NumPy {np.__version__} and scikit-learn {sklearn.__version__} {build(sklearn)}",
    {"rbm_cd": lambda: {"": divergence}, "rbm_pcd": lambda: {"": persistent}},
)
