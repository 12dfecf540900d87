# SPDX-License-Identifier: Apache-2.0
"""Makes golden.json, what scikit-learn finds for a small problem: python3 golden.py (scikit-learn 1.9.1, NumPy 2.4.6).

The samples follow from a formula, so that the test can make them, too: x[i, j] = max(0, sin(1 + 0.7 i + i j) + (i % 3)/4)
at label i % 3, every 11th label being moved on by one; two classes are the labels below 2 and the rest.
"""
import json
import warnings

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.svm import LinearSVC

warnings.simplefilter("ignore")
i, j = np.arange(60)[:, None], np.arange(7)[None, :]
x = np.maximum(0, np.sin(1 + 0.7 * i + i * j) + (i % 3) / 4)
y = np.where(np.arange(60) % 11 == 0, np.arange(60) + 1, np.arange(60)) % 3
weights = 0.5 + np.arange(60) % 4 / 2


def f(loss, scale, c, w, b, sign, u):
    m = sign * (x @ w + b)
    losses = np.maximum(0, 1 - m) ** 2 if loss == "squared hinge" else np.logaddexp(0, -m)
    return 0.5 * w @ w + 0.5 * (b / scale) ** 2 + c * (u * losses).sum()


cases = []


def one_against_rest(loss, labels, c, scale, u):
    """Fits each class against the rest, and gives the objectives as liblinear defines them."""
    objective, weight, bias = [], [], []
    for k in range(labels.max() + 1):
        sign = np.where(labels == k, 1, -1)
        if loss == "squared hinge":
            m = LinearSVC(C=c, tol=1e-12, max_iter=10**7, intercept_scaling=scale, dual=False)
        else:
            m = LogisticRegression(C=c, tol=1e-12, max_iter=10**6, intercept_scaling=scale, solver="liblinear")
        m.fit(x, sign, sample_weight=u)
        w, b = m.coef_[0], m.intercept_[0]
        objective.append(f(loss, scale, c, w, b, sign, u))
        weight.append(w.tolist())
        bias.append(b)
    cases.append(dict(loss=loss, classes=int(labels.max() + 1), C=c, intercept=scale, weighted=bool(u.max() > 1),
                      objective=objective, weights=weight, bias=bias))


ones = np.ones(60)
for loss in ["squared hinge", "logistic"]:
    for c in [0.01, 1, 100]:
        one_against_rest(loss, y, c, 1.0, ones)
    one_against_rest(loss, y // 2, 0.5, 3.0, ones)
    one_against_rest(loss, y, 0.5, 1.0, weights)
for c in [0.01, 1]:
    # The constant feature makes scikit-learn regularise the intercept as the others.
    m = LogisticRegression(C=c, tol=1e-12, max_iter=10**6, fit_intercept=False, solver="newton-cg")
    m.fit(np.hstack([x, np.ones((60, 1))]), y)
    z = np.hstack([x, np.ones((60, 1))]) @ m.coef_.T
    losses = np.log(np.exp(z).sum(1)) - z[np.arange(60), y]
    cases.append(dict(loss="multinomial", classes=3, C=c, intercept=1.0, weighted=False,
                      objective=[0.5 * (m.coef_ ** 2).sum() + c * losses.sum()],
                      weights=m.coef_[:, :-1].tolist(), bias=m.coef_[:, -1].tolist()))
with open("golden.json", "w") as out:
    json.dump(cases, out, indent=1)
    out.write("\n")
