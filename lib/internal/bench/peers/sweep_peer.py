# SPDX-License-Identifier: Apache-2.0
"""A sweep as one would write it in PyTorch: a network after the other, the data in memory as tensors."""
import functools

import torch
import torch.nn.functional as F
from serve import build, serve

torch.manual_seed(1)
torch.set_flush_denormal(True)  # units that die would slow Adam down
RATE = 0.008


@functools.lru_cache(1)
def data(n):
    return torch.rand(n, 784), torch.randint(0, 10, (n,)), torch.rand(n // 5, 784), torch.randint(0, 10, (n // 5,))


def by_batch(x, y, order):
    """Gathers each batch as it comes."""
    for idx in order.split(100):
        yield x[idx], y[idx]


def at_once(x, y, order):
    """Gathers all images once in the new order; batches are views of them."""
    x, y = x[order], y[order]
    yield from zip(x.split(100), y.split(100))


def epoch(images, gather, kind):
    """Returns a function that trains a new 784-128-10 network for an epoch and validates it."""
    x, y, x_valid, y_valid = data(images)

    def run():
        layer, out = torch.nn.Linear(784, 128), torch.nn.Linear(128, 10)
        optimizer = torch.optim.Adam([*layer.parameters(), *out.parameters()], lr=1e-3, **kind)
        for xb, yb in gather(x, y, torch.randperm(images)):
            h = F.relu(layer(xb))
            loss = F.cross_entropy(out(h), yb) + h.abs().sum() * (RATE / len(xb))
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
        with torch.no_grad():
            logits = out(F.relu(layer(x_valid)))
            return F.cross_entropy(logits, y_valid).item(), (logits.argmax(1) != y_valid).float().mean().item()

    return run


def sweep(images):
    gathers = {"gathered by batch": by_batch, "gathered once": at_once}
    adams = {"Adam": {}, "fused Adam": {"fused": True}}
    return {f"{g}, {a}": functools.partial(epoch, images, gathers[g], adams[a]) for g in gathers for a in adams}


serve(
    f"PyTorch {torch.__version__} {build(torch)}",
    {
        "sweep_fc1": lambda: sweep(20000),
    },
)
