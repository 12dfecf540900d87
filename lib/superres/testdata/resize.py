# SPDX-License-Identifier: Apache-2.0
"""Makes resize.json, the values of TestResizeAgainstPillow: pip install pillow numpy

Pillow's bicubic filter has the same kernel, but leaves out what lies beyond an edge instead of mirroring the image. The
test therefore compares pixels away from the edges.
"""
import json
import pathlib

import numpy as np
from PIL import Image

rng = np.random.default_rng(2)
x = rng.integers(0, 256, (20, 24)).astype(np.float32)
cases = []
for h, w in [(10, 12), (60, 72), (15, 34), (20, 24)]:
    y = np.asarray(Image.fromarray(x, mode="F").resize((w, h), Image.BICUBIC), np.float64)
    cases.append({"h": h, "w": w, "y": np.round(y, 4).ravel().tolist()})
text = json.dumps({"x": x.ravel().tolist(), "cases": cases})
pathlib.Path(__file__).with_name("resize.json").write_text(text + "\n")
