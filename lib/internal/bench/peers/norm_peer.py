# SPDX-License-Identifier: Apache-2.0
"""Divisive normalisation and a language model's step in PyTorch, as in items_norm.go."""
import functools
import os

import torch
import torch.nn.functional as F
from serve import build, serve

torch.manual_seed(1)
torch.set_flush_denormal(True)
COMPILE = os.environ.get("LATERAL_BENCH_COMPILE") == "1" and hasattr(torch, "compile")
WORDS, UNITS, STREAMS, STEPS = 10000, 200, 20, 20
SGDS = {"SGD": {}, "foreach SGD": {"foreach": True}, "fused SGD": {"fused": True}}


def window_mean(x):
    """The mean over all channels and 5 x 5 positions, with zero padding."""
    return F.avg_pool2d(x.mean(1, keepdim=True), 5, stride=1, padding=2)


def divisive(x):
    v = x - window_mean(x)
    return v * torch.rsqrt(1 + window_mean(v * v))


def normalisation(memory_format, compiled):
    x = torch.randn(100, 32, 32, 32).to(memory_format=memory_format).requires_grad_()
    dy = torch.randn(100, 32, 32, 32).to(memory_format=memory_format)
    f = torch.compile(divisive) if compiled else divisive

    def run():
        x.grad = None
        f(x).backward(dy)

    return run


def compiled_or_not(ways):
    return {
        ", ".join(filter(None, [name, "compiled" if compiled else ""])): functools.partial(start, compiled=compiled)
        for name, start in ways.items()
        for compiled in ([False, True] if COMPILE else [False])
    }


def normalisations():
    formats = {"": torch.contiguous_format, "channels last": torch.channels_last}
    return compiled_or_not({name: functools.partial(normalisation, f) for name, f in formats.items()})


class Library(torch.nn.Module):
    """Two layers of LSTM units as PyTorch has them."""

    def __init__(self):
        super().__init__()
        self.lstm = torch.nn.LSTM(UNITS, UNITS, 2)

    def forward(self, x, state):
        return self.lstm(x, state)


def normalise(a):
    """Divisive normalisation of [N, parts, UNITS] along the units, with windows of 30."""
    def mean(a):
        return F.avg_pool1d(F.pad(a, (14, 15)), 30, stride=1)

    v = a - mean(a)
    return v * torch.rsqrt(1 + mean(v * v)), v.abs().mean()


class Normalised(torch.nn.Module):
    """Two layers of LSTM units with divisive normalisation of each gate and of the cell state."""

    def __init__(self):
        super().__init__()
        self.inputs = torch.nn.ModuleList(torch.nn.Linear(UNITS, 4 * UNITS) for _ in range(2))
        self.recurrent = torch.nn.ModuleList(torch.nn.Linear(UNITS, 4 * UNITS, bias=False) for _ in range(2))
        self.penalty = 0

    def forward(self, x, state):
        self.penalty, last = 0, []
        for layer in range(2):
            h, c = state[0][layer], state[1][layer]
            z, out = self.inputs[layer](x), []
            for t in range(STEPS):
                a, p = normalise((z[t] + self.recurrent[layer](h)).view(-1, 4, UNITS))
                i, f, o, g = a.unbind(1)
                c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
                m, q = normalise(c.unsqueeze(1))
                h = torch.sigmoid(o) * torch.tanh(m.squeeze(1))
                self.penalty = self.penalty + 4 * p + q
                out.append(h)
            x = torch.stack(out)
            last.append((h, c))
        return x, tuple(torch.stack(s) for s in zip(*last))


def language(layers, kind, compiled):
    words, out = torch.nn.Embedding(WORDS, UNITS), torch.nn.Linear(UNITS, WORDS)
    lstm = layers()
    params = [*words.parameters(), *lstm.parameters(), *out.parameters()]
    optimizer = torch.optim.SGD(params, lr=1, **SGDS[kind])
    for p in params:
        torch.nn.init.uniform_(p, -0.1, 0.1)
    x = torch.randint(0, WORDS, (10, STEPS, STREAMS))
    y = torch.randint(0, WORDS, (10, STEPS * STREAMS))
    state = (torch.zeros(2, STREAMS, UNITS), torch.zeros(2, STREAMS, UNITS))
    at = 0

    def loss(x, y, state):
        h, state = lstm(words(x), state)
        cost = STEPS * F.cross_entropy(out(h.view(-1, UNITS)), y)
        if isinstance(lstm, Normalised):
            cost = cost + 1e-4 * lstm.penalty
        return cost, state

    step = torch.compile(loss) if compiled else loss

    def run():
        nonlocal at, state
        at = (at + 1) % 10
        optimizer.zero_grad(set_to_none=True)
        cost, state = step(x[at], y[at], state)
        state = tuple(s.detach() for s in state)
        cost.backward()
        torch.nn.utils.clip_grad_norm_(params, 5)
        optimizer.step()

    return run


class Photographs(torch.nn.Module):
    """Three convolutions, each with divisive normalisation or none, and two dense layers; as the document's."""

    def __init__(self, normalised):
        super().__init__()
        self.convs = torch.nn.ModuleList(
            torch.nn.Conv2d(i, o, 5, padding=2) for i, o in [(3, 32), (32, 32), (32, 64)]
        )
        self.windows = [5, 3, 3] if normalised else []
        self.hidden, self.out = torch.nn.Linear(1024, 64), torch.nn.Linear(64, 10)

    def forward(self, x):
        penalty = 0
        for i, conv in enumerate(self.convs):
            x = conv(x)
            if self.windows:
                w = self.windows[i]

                def mean(a):
                    return F.avg_pool2d(a.mean(1, keepdim=True), w, stride=1, padding=w // 2)

                v = x - mean(x)
                penalty = penalty + 0.005 * v.abs().mean()
                x = v * torch.rsqrt(0.25 + mean(v * v))
            x = F.relu(x)
            x = F.avg_pool2d(x, 3, 2, padding=1) if i else F.max_pool2d(x, 3, 2, padding=1)
        return self.out(self.hidden(x.flatten(1))), penalty


def photograph(normalised, kind, memory_format, compiled):
    net = Photographs(normalised).to(memory_format=memory_format)
    optimizer = torch.optim.SGD(net.parameters(), lr=1e-3, momentum=0.9, **SGDS[kind])
    x = (60 * torch.randn(100, 3, 32, 32)).to(memory_format=memory_format)
    y = torch.randint(0, 10, (100,))

    def loss(x, y):
        logits, penalty = net(x)
        return F.cross_entropy(logits, y) + penalty

    step = torch.compile(loss) if compiled else loss

    def run():
        optimizer.zero_grad(set_to_none=True)
        step(x, y).backward()
        optimizer.step()

    return run


def photographs(normalised):
    formats = {"": torch.contiguous_format, "channels last": torch.channels_last}
    return lambda: compiled_or_not({
        ", ".join(filter(None, [kind, name])): functools.partial(photograph, normalised, kind, f)
        for kind in SGDS
        for name, f in formats.items()
    })


def languages(layers):
    return lambda: compiled_or_not({kind: functools.partial(language, layers, kind) for kind in SGDS})


serve(f"PyTorch {torch.__version__} {build(torch)}", {
    "dn5_grad": normalisations,
    "lstm_step": languages(Library),
    "lstm_dn_step": languages(Normalised),
    "photo_step": photographs(False),
    "photo_dn_step": photographs(True),
})  # fmt: skip
