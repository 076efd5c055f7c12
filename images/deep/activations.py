"""Activations, as curves."""

import numpy as np

from images.kit import SMALL, Drawing
from tutorial_utils.plots import colour

CURVES = {
    "sigmoid": (lambda x: 1 / (1 + np.exp(-x)), "masks, gates", "vocals"),
    "tanh": (np.tanh, "states, waveforms", "drums"),
    "ReLU": (lambda x: np.maximum(x, 0), "inside; masks ≥ 0", "bass"),
    "leaky ReLU": (lambda x: np.where(x > 0, x, 0.2 * x), "inside U-Nets", "other"),
    "GELU": (lambda x: x / (1 + np.exp(-1.702 * x)), "transformers", "vocals"),
    "softplus": (lambda x: np.log1p(np.exp(x)), "what must be positive", "drums"),
}


def draw() -> Drawing:
    drawing = Drawing(
        560,
        440,
        "Activation functions",
        "Six curves over inputs from minus four to four: sigmoid rises from zero to one, tanh from "
        "minus one to one, ReLU is zero and then a straight line, leaky ReLU keeps a small slope "
        "below zero, GELU is a smooth ReLU that dips below zero, softplus a smooth ReLU above it.",
    )
    for i, (name, (curve, use, label)) in enumerate(CURVES.items()):
        left, top = 20 + 180 * (i % 3), 20 + 214 * (i // 3)
        drawing.text((left, top + 14), name, bold=True)
        drawing.text((left, top + 194), use, size=SMALL, muted=True)
        x = np.linspace(-4, 4, 65)
        y = np.clip(curve(x), -1.2, 3.2)
        points = " ".join(
            f"{left + 80 + 19 * a:.1f},{top + 132 - 30 * b:.1f}" for a, b in zip(x, y, strict=True)
        )
        drawing.shape(
            f'<path class="quiet" d="M{left},{top + 132} H{left + 160} M{left + 80},{top + 26} '
            f'V{top + 174}" stroke-width="1"/>'
            f'<polyline points="{points}" fill="none" stroke="{colour(label)}" stroke-width="3"/>'
        )
    return drawing
