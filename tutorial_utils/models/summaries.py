"""What a model is made of, how far it sees, and what it costs."""

import math
from functools import partial
from typing import NamedTuple

import torch
from torch import nn
from torch.func import functional_call
from torch.utils.flop_counter import FlopCounterMode

from tutorial_utils.markup import escape
from tutorial_utils.models.separator import Separator

_LENGTHS = (2**17, 2**18)
"""Operations are the difference between these lengths, in samples, so that what is done once does
not count. Both are multiples of all strides, so that what is padded does not either."""

_MOST = 12
"""Longer lists of layers get one line in a summary."""


_COLUMNS = ("layer", "kind", "gives", "weights")


class Layer(NamedTuple):
    """One line of a summary."""

    name: str
    kind: str
    shape: str
    weights: int


class Summary:
    """Made by :func:`summary`; it shows itself in notebooks and on a terminal.

    Attributes
    ----------
    name : str
    layers : list of Layer
        In the order in which they work, each with the shape of what it gives for one second of
        audio.
    weights : int
        Numbers that are learned.
    operations : float
        Multiply-adds per second of audio, for all channels and sources, in matrix products,
        convolutions, recurrent layers and attention.
    receptive_field : float
        How many seconds of the mixture one sample of an estimate depends on, not counting what
        normalises a whole excerpt; infinite if it is all of it.
    latency : float
        How many seconds after a sample the model must have heard to estimate it; infinite if all.
    """

    def __init__(self, name, layers, weights, operations, receptive_field, latency):
        self.name, self.layers, self.weights = name, layers, weights
        self.operations, self.receptive_field = operations, receptive_field
        self.latency = latency

    @property
    def facts(self) -> dict[str, str]:
        """The four numbers as text."""
        return {
            "weights": f"{self.weights / 1e6:.2f} million",
            "multiply-adds per second of audio": f"{self.operations / 1e9:.2f} billion",
            "receptive field": _seconds(self.receptive_field),
            "latency": _seconds(self.latency),
        }

    def __repr__(self) -> str:
        rows = [_COLUMNS]
        rows += [(each.name, each.kind, each.shape, f"{each.weights:,}") for each in self.layers]
        widths = [max(len(row[i]) for row in rows) for i in range(3)]
        lines = [
            "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=False))
            + f"  {row[3]:>12}"
            for row in rows
        ]
        facts = [f"{name}: {value}" for name, value in self.facts.items()]
        return "\n".join([self.name, *lines, *facts])

    def _repr_html_(self) -> str:
        text, number = "text-align:left;padding:.2em .6em .2em 0", "text-align:right"
        head = "".join(f'<th scope="col" style="{text}">{name}</th>' for name in _COLUMNS[:-1])
        body = "".join(
            f'<tr><th scope="row" style="{text};font-weight:400">{escape(each.name)}</th>'
            f'<td style="{text}">{each.kind}</td><td style="{text}">{each.shape}</td>'
            f'<td style="{number}">{each.weights:,}</td></tr>'
            for each in self.layers
        )
        facts = "; ".join(f"{name}: {value}" for name, value in self.facts.items())
        return (
            f'<p style="margin:.5em 0"><strong>{escape(self.name)}</strong>. {facts}.</p>'
            f'<table class="dataframe" style="margin:0 0 1em"><thead><tr>{head}'
            f'<th scope="col" style="{number}">{_COLUMNS[-1]}</th></tr></thead>'
            f"<tbody>{body}</tbody></table>"
        )


def summary(model: Separator | str, preset: str = "full") -> Summary:
    """Sum up a model: layers, shapes, weights, receptive field, operations.

    Parameters
    ----------
    model : Separator or str
        A model, or the name of one, which is then built.
    preset : {"full", "tiny"}
        Of a model that is named.

    Raises
    ------
    ValueError
        If there is no model of that name.
    """
    if isinstance(model, str):
        from tutorial_utils.models import build

        with torch.device("meta"):
            model = build(model, preset)
    # Tensors without numbers: shapes and operations are the same, and take no time and no memory.
    tensors = dict((*model.named_parameters(), *model.named_buffers()))
    tensors = {name: tensor.detach().to("meta") for name, tensor in tensors.items()}
    rate, channels, training = model.sample_rate, model.channels or 2, model.training
    model.eval()
    try:
        with torch.no_grad():
            layers = _layers(model, tensors, _mixture(channels, rate))
            few, many = (_operations(model, tensors, _mixture(channels, n)) for n in _LENGTHS)
    finally:
        model.train(training)
    return Summary(
        type(model).__name__,
        layers,
        sum(each.numel() for each in model.parameters()),
        (many - few) / (_LENGTHS[1] - _LENGTHS[0]) * rate,
        model.receptive_field / rate,
        model.latency / rate,
    )


def _mixture(channels, samples):
    return torch.empty(1, channels, samples, device="meta")


def _parts(model, prefix=""):
    """A model's direct parts; lists of parts, and models in it, stand for what they hold."""
    for name, part in model.named_children():
        if isinstance(part, nn.ModuleList | nn.ModuleDict | Separator):
            yield from _parts(part, f"{prefix}{name}.")
        elif any(True for _ in part.parameters()):
            yield f"{prefix}{name}", part


def _gathered(layers):
    """The layers, with one line for each list that has many of them."""
    groups = {}
    for layer in layers:
        groups.setdefault(layer.name.partition(".")[0], []).append(layer)
    for name, group in groups.items():
        if len(group) <= _MOST:
            yield from group
            continue
        shapes = {layer.shape for layer in group}
        shape = shapes.pop() if len(shapes) == 1 else "various"
        weights = sum(layer.weights for layer in group)
        yield Layer(f"{name} ({len(group)} of them)", group[0].kind, shape, weights)


def _layers(model, tensors, mixture):
    shapes, handles = {}, []
    for name, part in _parts(model):

        def note(part, given, made, name=name):
            parts = made if isinstance(made, tuple) else (made,)
            made = next(each for each in parts if isinstance(each, torch.Tensor))
            shapes.setdefault(name, " × ".join(map(str, made.shape[1:])))

        handles.append(part.register_forward_hook(note))
    try:
        _operations(model, tensors, mixture)
    finally:
        for handle in handles:
            handle.remove()
    parts = dict(_parts(model))
    order = [*shapes, *(name for name in parts if name not in shapes)]
    layers = [
        Layer(
            name,
            type(parts[name]).__name__.lstrip("_"),
            shapes.get(name, ""),
            sum(each.numel() for each in parts[name].parameters()),
        )
        for name in order
    ]
    return list(_gathered(layers))


def _operations(model, tensors, mixture):
    """Multiply-adds: what PyTorch's counter counts, and recurrent layers, which it does not."""
    recurrent = [part for part in model.modules() if isinstance(part, nn.RNNBase)]
    counter, counts = FlopCounterMode(display=False), []
    for part in recurrent:
        part.forward = partial(_shape_alone, part, counts)
    try:
        with counter:
            functional_call(model, tensors, mixture)
    finally:
        for part in recurrent:
            del part.forward
    return counter.get_total_flops() / 2 + sum(counts)


def _shape_alone(part, counts, x, state=None):
    """Stands for a recurrent layer: notes its multiply-adds, and gives a shape without numbers."""
    matrices = (each for name, each in part.named_parameters() if "weight" in name)
    counts.append(x.shape[0] * x.shape[1] * sum(each.numel() for each in matrices))
    directions = 2 if part.bidirectional else 1
    return x.new_empty((*x.shape[:-1], directions * part.hidden_size)), None


def _seconds(value):
    if math.isinf(value):
        return "the whole excerpt"
    return f"{value:.2f} s" if value >= 0.1 else f"{1000 * value:.1f} ms"
