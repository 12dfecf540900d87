# SPDX-License-Identifier: Apache-2.0
"""The items that PyTorch can do."""
import functools
import os

import torch
import torch.nn.functional as F
from serve import LAYERS, build, serve

torch.manual_seed(1)
torch.set_flush_denormal(True)  # units that die would slow Adam down
COMPILE = os.environ.get("LATERAL_BENCH_COMPILE") == "1" and hasattr(torch, "compile")


def product(m, n, k, layout):
    def start():
        a = torch.randn(k, m).t() if layout == "TN" else torch.randn(m, k)
        b = torch.randn(n, k).t() if layout == "NT" else torch.randn(k, n)
        c = torch.empty(m, n)
        return lambda: torch.mm(a, b, out=c)

    return lambda: {"": start}


def elementwise(n, f):
    def start():
        x, y = torch.randn(n), torch.empty(n)
        return lambda: f(x, y)

    return lambda: {"": start}


ADAMS = {"Adam": {}, "foreach Adam": {"foreach": True}, "fused Adam": {"fused": True}}


def adam(n):
    def start(kind):
        w = torch.zeros(n, requires_grad=True)
        w.grad = torch.randn(n)
        return torch.optim.Adam([w], lr=1e-3, **ADAMS[kind]).step

    return lambda: {kind: functools.partial(start, kind) for kind in ADAMS}


@functools.lru_cache(1)
def batches(size):
    """The data: 60 batches (fewer of large ones) of noise."""
    count = max(2, 6000 // size)
    return [(torch.rand(size, 784), torch.randint(0, 10, (size,))) for _ in range(count)]


def l1(h, rate):
    return h.abs().sum() * (rate / h.shape[0])


def lwta(z):
    blocks = z.view(z.shape[0], -1, 2)
    return torch.where(blocks == blocks.amax(-1, keepdim=True), blocks, 0.0).view_as(z)


def perceptron(hidden, activate, rate):
    """A 784-hidden-10 network: its parameters and its loss."""
    layer, out = torch.nn.Linear(784, hidden), torch.nn.Linear(hidden, 10)

    def loss(x, y):
        h = activate(layer(x))
        cost = F.cross_entropy(out(h), y)
        return cost + l1(h, rate) if rate else cost

    return [*layer.parameters(), *out.parameters()], loss


def convolutional(layers, memory_format):
    net = torch.nn.Sequential(*layers()).to(memory_format=memory_format)

    def loss(x, y):
        return F.cross_entropy(net(x.view(-1, 1, 28, 28)), y)

    return list(net.parameters()), loss


def relu():
    return torch.nn.ReLU(inplace=True)


def two_convolutions(k):
    inputs = 16 * (28 - 2 * (k - 1)) ** 2
    first, second = torch.nn.Conv2d(1, 6, k), torch.nn.Conv2d(6, 16, k)
    dense = [torch.nn.Flatten(), torch.nn.Linear(inputs, 64), relu(), torch.nn.Linear(64, 10)]
    return [first, relu(), second, relu(), *dense]


class Mean(torch.nn.Module):
    def forward(self, x):
        return x.mean((2, 3))


def drmm():
    Conv, Pool = torch.nn.Conv2d, torch.nn.MaxPool2d
    bottom = [Conv(1, 32, 5, padding=4), relu(), Pool(2), Conv(32, 64, 3), relu()]
    middle = [Conv(64, 64, 3, padding=2), relu(), Pool(2), Conv(64, 128, 3), relu()]
    return [*bottom, *middle, Conv(128, 10, 1), Mean()]


def training(models, size=100, update=True):
    """A training step, or its gradients alone. models maps a name to a function that returns parameters and loss."""

    def start(model, kind, compiled):
        parameters, loss = model()
        optimizer = torch.optim.Adam(parameters, lr=1e-3, **ADAMS[kind])
        data = batches(size)
        if compiled:
            loss = torch.compile(loss)
        at = 0

        def run():
            nonlocal at
            at = (at + 1) % len(data)
            optimizer.zero_grad(set_to_none=True)
            loss(*data[at]).backward()
            if update:
                optimizer.step()

        return run

    def ways():
        found = {}
        for name, model in models.items():
            for kind in ADAMS if update else ["Adam"]:
                for compiled in [False, True] if COMPILE else [False]:
                    words = [name, kind if update else "", "compiled" if compiled else ""]
                    found[", ".join(filter(None, words))] = functools.partial(start, model, kind, compiled)
        return found

    return ways


def step(hidden, size=100, activate=F.relu, rate=0.0):
    """A training step of a 784-hidden-10 network."""
    return training({"": functools.partial(perceptron, hidden, activate, rate)}, size)


def conv_step(layers, update=True):
    """A step of a convolutional network, in both ways to store images."""
    formats = {"": torch.contiguous_format, "channels last": torch.channels_last}
    return training({name: functools.partial(convolutional, layers, f) for name, f in formats.items()}, update=update)


def sparse(shape, percent):
    """Normal numbers, of which so many in a hundred are not zero."""
    return torch.randn(*shape) * (torch.rand(*shape) * 100 < percent)


@torch.inference_mode()
def timed(f):
    return f()


def inputs(n_in, n_out, batch, percent):
    """A layer with zeros in its inputs. As a sparse matrix the input is made beforehand."""

    def dense():
        layer, x = torch.nn.Linear(n_in, n_out), sparse((batch, n_in), percent)
        return lambda: timed(lambda: layer(x))

    def csr():
        w, bias = torch.randn(n_in, n_out), torch.randn(n_out)
        x = sparse((batch, n_in), percent).to_sparse_csr()
        return lambda: timed(lambda: torch.sparse.mm(x, w) + bias)

    return lambda: {"dense": dense, "torch.sparse": csr}


def weights(n_in, n_out, batch, percent):
    """A layer with zeros in its weights."""

    def csr():
        w, bias = sparse((n_out, n_in), percent).to_sparse_csr(), torch.randn(n_out, 1)
        x = torch.randn(n_in, batch)
        return lambda: timed(lambda: torch.sparse.mm(w, x) + bias)

    return lambda: {"dense": inputs(n_in, n_out, batch, 100)()["dense"], "torch.sparse": csr}


def network(layers, shape, batch):
    """The output of a network with all its weights: PyTorch gains nothing from zeros."""

    def start():
        net, x = torch.nn.Sequential(*layers()).eval(), torch.rand(batch, *shape)
        return lambda: timed(lambda: net(x))

    return lambda: {"": start}


def mlp1000():
    Linear = torch.nn.Linear
    return [Linear(784, 1000), relu(), Linear(1000, 1000), relu(), Linear(1000, 10)]


def lenet5():
    Conv, Pool, Linear = torch.nn.Conv2d, torch.nn.MaxPool2d, torch.nn.Linear
    return [Conv(1, 20, 5), Pool(2), Conv(20, 50, 5), Pool(2), torch.nn.Flatten(), Linear(800, 500), relu(), Linear(500, 10)]


def maxout(z):
    return z.view(z.shape[0], -1, 2).amax(-1)


def deep(hidden, activate, outputs=1, dropout=0.0, rate=0.0):
    """A perceptron with several hidden layers: its parameters and its loss. The images are noise, which takes as long."""
    sizes = [784] + list(hidden)
    layers = [torch.nn.Linear(a if i == 0 else a // outputs, b) for i, (a, b) in enumerate(zip(sizes, sizes[1:]))]
    out = torch.nn.Linear(sizes[-1] // outputs, 10)

    def loss(x, y):
        cost, h = 0, x
        for layer in layers:
            h = activate(layer(h))
            if rate:
                cost = cost + l1(h, rate)
            if dropout:
                h = F.dropout(h, dropout)
        return F.cross_entropy(out(h), y) + cost

    return [p for layer in [*layers, out] for p in layer.parameters()], loss


def deep_step(*args, **settings):
    return training({"": functools.partial(deep, *args, **settings)})


def operations():
    x = torch.ones(1, requires_grad=True)

    def run():
        x.grad = None
        y = x
        for _ in range(100):
            y = y + 1
        y.backward()

    return run


def gather():
    x, labels = torch.rand(10000, 784), torch.randint(0, 10, (10000,))
    order, dst, y = torch.randperm(10000), torch.empty(100, 784), torch.empty(100, dtype=labels.dtype)
    at = 0

    def run():
        nonlocal at
        idx = order[at : at + 100]
        at = (at + 100) % 10000
        torch.index_select(x, 0, idx, out=dst)
        torch.index_select(labels, 0, idx, out=y)

    return run


RATE = 1e-3
serve(
    f"PyTorch {torch.__version__} {build(torch)}",
    {
        "sgemm_100x784x128": product(100, 128, 784, "NT"),
        "sgemm_784x100x128": product(128, 784, 100, "TN"),
        "sgemm_1024": product(1024, 1024, 1024, "NN"),
        "exp_64k": elementwise(1 << 16, lambda x, y: torch.exp(x, out=y)),
        "relu_64k": elementwise(1 << 16, lambda x, y: torch.clamp(x, min=0, out=y)),
        "sum_64k": elementwise(1 << 16, lambda x, y: x.sum()),
        "adam_100k": adam(101770),
        "mlp128_step": step(128, rate=RATE),
        "mlp2000_step": step(2000, rate=RATE),
        "lwta_step": step(128, activate=lwta),
        "dropout_step": step(128, activate=lambda z: F.dropout(F.relu(z), 0.5)),
        "mlp128_digits": deep_step([128], F.relu, rate=RATE),
        "thesis_digits": deep_step([128], F.relu, rate=0.008),
        "lwta3x1000_digits": deep_step([1000, 1000, 1000], lwta, dropout=0.5),
        "maxout2x1200_digits": deep_step([1200, 1200], maxout, outputs=2, dropout=0.5),
        "mlp1000_full_b1": network(mlp1000, [784], 1),
        "mlp1000_full_b100": network(mlp1000, [784], 100),
        "mlp1000_pruned_b1": network(mlp1000, [784], 1),
        "mlp1000_pruned_b100": network(mlp1000, [784], 100),
        "lenet5_full_b1": network(lenet5, [1, 28, 28], 1),
        "lenet5_full_b100": network(lenet5, [1, 28, 28], 100),
        "lenet5_pruned_b1": network(lenet5, [1, 28, 28], 1),
        "lenet5_pruned_b100": network(lenet5, [1, 28, 28], 100),
        "cnn3_step": conv_step(lambda: two_convolutions(3)),
        "cnn7_step": conv_step(lambda: two_convolutions(7)),
        "cnn11_step": conv_step(lambda: two_convolutions(11)),
        "drmm_step": conv_step(drmm, update=False),
        "tape_overhead": lambda: {"": operations},
        "gather_100x784": lambda: {"": gather},
        **{f"inputs_{i}x{o}_b{b}_d{d}": inputs(i, o, b, d) for i, o, b, d in LAYERS},
        **{f"weights_{i}x{o}_b{b}_d{d}": weights(i, o, b, d) for i, o, b, d in LAYERS},
        **{f"mlp128_batch{n}": step(128, size=n, rate=RATE) for n in (10, 32, 100, 320, 1000)},  # growth.go
        **{f"mlp{n}_batch100": step(n, rate=RATE) for n in (32, 64, 256, 512, 1024, 2048)},
    },
)
