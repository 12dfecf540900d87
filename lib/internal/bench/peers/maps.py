# SPDX-License-Identifier: Apache-2.0
"""Draws a map of codes by t-SNE: maps.py PROGRAM CODES N ITERATIONS PERPLEXITY MAP

CODES holds N codes, a byte for each bit; the map is written as N pairs of float32. The answer is a line of JSON: who drew
it, and the seconds from codes to map. Everything that is not said here is the program's default; of several ways to draw
a map it has the fastest for codes of this number.
"""
import json
import sys
import time

import numpy as np

program, codes, n, iterations, perplexity, out = sys.argv[1:]
x = np.fromfile(codes, np.uint8).reshape(int(n), -1).astype(np.float32)
iterations, perplexity = int(iterations), float(perplexity)

if program == "scikit-learn":
    import sklearn
    from sklearn.manifold import TSNE

    def draw():
        return TSNE(perplexity=perplexity, max_iter=iterations, n_jobs=-1, random_state=1).fit_transform(x)

    name = f"scikit-learn {sklearn.__version__} (Barnes-Hut)"
else:
    import openTSNE

    method = {"openTSNE": "bh", "openTSNE FFT": "fft"}[program]

    def draw():
        tsne = openTSNE.TSNE(
            perplexity=perplexity,
            early_exaggeration_iter=250,
            n_iter=iterations - 250,
            negative_gradient_method=method,
            n_jobs=-1,
            random_state=1,
        )
        return np.asarray(tsne.fit(x))

    name = f"openTSNE {openTSNE.__version__} ({'Barnes-Hut' if method == 'bh' else 'interpolation'})"

start = time.perf_counter()
y = draw()
seconds = time.perf_counter() - start
np.ascontiguousarray(y, np.float32).tofile(out)
print(json.dumps({"name": name, "seconds": seconds}))
