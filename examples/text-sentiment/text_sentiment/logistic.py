"""Logistic regression with an L2 penalty, fitted by Newton's method."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def fit(features: Array, positive: NDArray[np.bool_], l2: float, max_steps: int = 50) -> tuple[Array, float]:
    """(weights, bias) that minimise the log loss + l2 / 2 * |weights|^2; the bias is not penalised."""
    rows = np.hstack([features, np.ones((len(features), 1))])
    penalty = np.append(np.full(features.shape[1], l2), 1e-9)
    solution = np.zeros(rows.shape[1])
    for _ in range(max_steps):
        probability = sigmoid(rows @ solution)
        gradient = rows.T @ (probability - positive) + penalty * solution
        curvature = (rows.T * (probability * (1 - probability))) @ rows + np.diag(penalty)
        step = np.linalg.solve(curvature, gradient)
        solution -= step
        if np.abs(step).max() < 1e-8:
            break
    return solution[:-1], float(solution[-1])


def sigmoid(scores: Array) -> Array:
    return 1 / (1 + np.exp(-scores))
