# SPDX-License-Identifier: Apache-2.0
"""The items that FAISS can do."""
import faiss
import numpy as np
from serve import build, serve


def hamming(queries, codes, bits):
    rng = np.random.default_rng(1)
    q = rng.integers(0, 256, (queries, bits // 8), dtype=np.uint8)
    index = faiss.IndexBinaryFlat(bits)
    index.add(rng.integers(0, 256, (codes, bits // 8), dtype=np.uint8))

    # Other batches of queries, counting by distance and knn_hamming take the same time of the cores, or more.
    return {"IndexBinaryFlat": lambda: lambda: index.search(q, 5)}


serve(
    f"FAISS {faiss.__version__} {build(faiss)}",
    {
        "hamming_10k_50k_1024": lambda: hamming(10000, 50000, 1024),
    },
)
