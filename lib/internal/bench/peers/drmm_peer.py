# SPDX-License-Identifier: Apache-2.0
"""A semi-supervised step of the five-layer deep rendering mixture model in PyTorch, as in items_drmm.go."""
import functools
import os

import torch
import torch.nn.functional as F
from serve import build, serve

torch.manual_seed(1)
torch.set_flush_denormal(True)
COMPILE = os.environ.get("LATERAL_BENCH_COMPILE") == "1" and hasattr(torch, "compile")
LAYERS = [(1, 32, 5, 4, True), (32, 64, 3, 0, False), (64, 64, 3, 2, True), (64, 128, 3, 0, False), (128, 10, 1, 0, False)]
ADAMS = {"Adam": {}, "fused Adam": {"fused": True}}


class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.convs = torch.nn.ModuleList(torch.nn.Conv2d(i, o, k, padding=p, bias=False) for i, o, k, p, _ in LAYERS)
        self.norms = torch.nn.ModuleList(torch.nn.BatchNorm2d(o) for _, o, *_ in LAYERS)
        self.out = torch.nn.Linear(10, 10)
        for conv in self.convs:
            torch.nn.init.xavier_uniform_(conv.weight)

    def up(self, x):
        switches = []
        for conv, norm, (*_, pool) in zip(self.convs, self.norms, LAYERS):
            u = norm(conv(x))
            best, at = F.max_pool2d(u, 2, return_indices=True) if pool else (u, None)
            x = F.relu(best)
            switches.append((x > 0, at, u.shape[2:]))
        return self.out(x.mean((2, 3))), switches

    def down(self, classes, switches):
        z = self.out.weight[classes][:, :, None, None].expand(-1, -1, 6, 6)
        templates = [z]
        for conv, (on, at, size), (_, _, _, padding, _) in reversed(list(zip(self.convs, switches, LAYERS))):
            z = z * on
            if at is not None:
                z = F.max_unpool2d(z, at, 2, output_size=size)
            z = F.conv_transpose2d(z, conv.weight, padding=padding)
            templates.append(z)
        return templates

    def forward(self, x, y):
        logits, switches = self.up(x)
        *latent, image = self.down(logits.argmax(1), switches)
        half = len(y)
        log = F.log_softmax(logits[half:], 1)
        q = log.exp()
        mean, uniform = q.mean(0), torch.log(torch.tensor(10.0))
        kl = (q * (log + uniform)).sum(1).mean()
        marginal = (mean * (mean.log() + uniform)).sum()
        negative = sum((F.relu(-z) ** 2).mean() for z in latent)
        return F.cross_entropy(logits[:half], y) - 0.5 * kl + marginal + 20 * F.mse_loss(image, x) + negative


def step(memory_format, kind, compiled):
    net = Net().to(memory_format=memory_format)
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-3, **ADAMS[kind])
    data = [(torch.rand(100, 1, 28, 28).to(memory_format=memory_format), torch.randint(0, 10, (50,))) for _ in range(60)]
    loss = torch.compile(net) if compiled else net
    at = 0

    def run():
        nonlocal at
        at = (at + 1) % len(data)
        optimizer.zero_grad(set_to_none=True)
        loss(*data[at]).backward()
        optimizer.step()

    return run


def ways():
    found = {}
    for name, memory_format in {"": torch.contiguous_format, "channels last": torch.channels_last}.items():
        for kind in ["Adam", "fused Adam"]:
            for compiled in [False, True] if COMPILE else [False]:
                words = [name, kind, "compiled" if compiled else ""]
                found[", ".join(filter(None, words))] = functools.partial(step, memory_format, kind, compiled)
    return found


serve(f"PyTorch {torch.__version__} {build(torch)}", {"drmm_semi_step": ways})
