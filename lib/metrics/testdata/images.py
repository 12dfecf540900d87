# SPDX-License-Identifier: Apache-2.0
"""Makes images.json, the values of TestImageMeasuresAgainstScikitImage: pip install scikit-image==0.26.0"""
import json
import pathlib

import numpy as np
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

rng = np.random.default_rng(1)
cases = []
for h, w, noise in [(24, 31, 12), (11, 40, 60), (13, 12, 3)]:
    y = np.round(128 + 100 * np.sin(np.arange(h)[:, None] / 3 + np.arange(w) / 5))
    x = np.clip(np.round(y + noise * rng.standard_normal((h, w))), 0, 255)
    mean, whole = structural_similarity(
        x, y, gaussian_weights=True, sigma=1.5, use_sample_covariance=False, data_range=255, full=True
    )
    cases.append({
        "h": h, "w": w, "x": x.ravel().tolist(), "y": y.ravel().tolist(),
        "psnr": peak_signal_noise_ratio(y, x, data_range=255),
        "ssim": float(whole.mean()), "inside": float(mean), "map": np.round(whole, 7).ravel().tolist(),
    })  # fmt: skip
pathlib.Path(__file__).with_name("images.json").write_text(json.dumps(cases) + "\n")
