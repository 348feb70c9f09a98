"""Two small linear models, fitted in plain numpy.

`conditional_logit`: within each question, the sentences that hold the answer against the others
(McFadden 1974). `logistic`: yes or no, by Newton's method. Both penalise large weights (L2) of
features scaled to mean 0 and deviation 1.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from frontdesk.helpdesk.relevance import LinearModel, expand

Rows = NDArray[np.float64]

_STEPS = 400
_RATE = 0.05
_NEWTON_STEPS = 30
_CONSTANT = 1e-6
_NOTHING = 1e-12


def conditional_logit(groups: Sequence[tuple[Rows, NDArray[np.bool_]]], l2: float) -> LinearModel:
    """Weights that put the right rows of each group first.

    Args:
        groups: for each question its sentences' features (n, f), and which of them are right;
            groups without a right one teach nothing.
        l2: the penalty.
    """
    mean, scale = _standard(np.concatenate([rows for rows, _ in groups]))
    teaching = [(rows, right) for rows, right in groups if right.any()]
    # All groups in one table, each summed over its own stretch of rows.
    table = (np.concatenate([rows for rows, _ in teaching]) - mean) / scale
    right = np.concatenate([right for _, right in teaching])
    sizes = np.asarray([len(rows) for rows, _ in teaching])
    starts = np.r_[0, np.cumsum(sizes)[:-1]]
    weights = np.zeros(len(mean))
    first, second = np.zeros_like(weights), np.zeros_like(weights)
    for step in range(1, _STEPS + 1):  # Adam: the loss of several right rows is not convex
        scores = table @ weights
        powers = np.exp(scores - np.repeat(np.maximum.reduceat(scores, starts), sizes))
        share = powers / np.repeat(np.add.reduceat(powers, starts), sizes)
        wanted = share * right
        wanted /= np.repeat(np.add.reduceat(wanted, starts) + _NOTHING, sizes)
        gradient = l2 * weights + table.T @ (share - wanted)
        first = 0.9 * first + 0.1 * gradient
        second = 0.99 * second + 0.01 * gradient**2
        corrected = (first / (1 - 0.9**step)) / (np.sqrt(second / (1 - 0.99**step)) + 1e-8)
        weights = weights - _RATE * corrected
    return _model(mean, scale, weights, 0.0)


def logistic(
    rows: Rows, known: NDArray[np.bool_], sample: Rows, *, l2: float, interacting: int
) -> LinearModel:
    """The logistic regression of ``known`` (n,) on ``rows`` (n, f).

    Args:
        sample: weight of each row (n,).
        l2: the penalty, not on the bias.
        interacting: see ``LinearModel``.
    """
    mean, scale = _standard(rows)
    standard = np.nan_to_num((rows - mean) / scale)
    scaled = expand(standard.astype(np.float32), interacting).astype(np.float64)
    design = np.c_[scaled, np.ones(len(rows))]
    penalty = np.r_[np.full(scaled.shape[1], l2), _CONSTANT]
    weights = np.zeros(len(penalty))
    for _ in range(_NEWTON_STEPS):
        share = 1 / (1 + np.exp(-np.clip(design @ weights, -30, 30)))
        gradient = design.T @ (sample * (share - known)) + penalty * weights
        curvature = (design * (sample * share * (1 - share))[:, np.newaxis]).T @ design
        weights = weights - np.linalg.solve(curvature + np.diag(penalty), gradient)
    return _model(mean, scale, weights[:-1], float(weights[-1]), interacting)


def _standard(rows: Rows) -> tuple[Rows, Rows]:
    deviation = np.nanstd(rows, axis=0)
    # A feature that never varies (a cosine without vectors) says nothing.
    return np.nanmean(rows, axis=0), np.where(deviation > _CONSTANT, deviation, 1.0)


def _model(
    mean: Rows, scale: Rows, weights: Rows, bias: float, interacting: int = 0
) -> LinearModel:
    return LinearModel(
        mean.astype(np.float32),
        scale.astype(np.float32),
        weights.astype(np.float32),
        bias,
        interacting,
    )
