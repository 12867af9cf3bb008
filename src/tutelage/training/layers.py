"""Which of a network's modules are told as its layers: the smallest ones, or in a deep network the blocks that hold them."""

from collections.abc import Mapping, Sequence

from torch import nn

from tutelage.training.followed import Call

__all__ = ["dropout_rate", "kind_of_layer", "layers_of", "owner_of"]

WORDS = {
    "Linear": "each output is a weighted sum of all inputs",
    "Conv1d": "small filters slide along the series, the same at each place",
    "Conv2d": "small filters slide over the input, the same at each place",
    "Embedding": "each number is looked up as a learned vector",
    "BatchNorm1d": "brings each feature to mean 0 and deviation 1, by values learned in training",
    "BatchNorm2d": "brings each channel to mean 0 and deviation 1, by values learned in training",
    "LayerNorm": "brings each row to mean 0 and deviation 1",
    "RMSNorm": "brings each row to one length",
    "ReLU": "negative numbers become 0",
    "GELU": "negative numbers fade to 0",
    "SiLU": "negative numbers fade to 0",
    "Tanh": "squeezes numbers between -1 and 1",
    "Sigmoid": "squeezes numbers between 0 and 1",
    "Dropout": "leaves numbers out at random, in training only",
    "MaxPool2d": "keeps the largest of neighbors",
    "AvgPool2d": "means of neighbors",
    "AdaptiveAvgPool2d": "means over the picture",
    "Flatten": "puts all numbers in one line",
    "Identity": "changes nothing",
    "LSTM": "reads the sequence step by step, with gates that decide what is remembered",
    "GRU": "reads the sequence step by step, with gates that decide what is kept",
    "RNN": "reads the sequence step by step",
    "Sequential": "several layers, one after another",
}
"""Torch's layers in words; ours say it themselves, in the first line of their docstring."""


def layers_of(calls: Sequence[Call], *, limit: int) -> list[Call]:
    """Return the calls that are told, in order, at most about `limit`: the deepest modules, else the blocks that hold them."""
    calls = [call for call in calls if not changes_nothing(call.module)]
    if not any(call.name for call in calls):
        return calls
    deepest = max((call.name.count(".") + 1 for call in calls if call.name), default=0)
    for depth in range(deepest, 0, -1):
        chosen = _cut(calls, depth)
        if len(chosen) <= limit:
            return chosen
    return _cut(calls, 1)[:limit]


def kind_of_layer(module: nn.Module) -> tuple[str, str]:
    """Return the name of a layer's kind, and what it does in words; "" where nothing is known."""
    name = type(module).__name__
    if name in WORDS and type(module).__module__.startswith("torch."):
        has_bias = name == "Linear" and module.bias is not None
        return name, WORDS[name] + ", plus a bias" * has_bias
    said = (type(module).__doc__ or "").strip().split("\n")[0].partition(": [")[0]
    return name, "" if type(module).__module__.startswith("torch.") else said


def changes_nothing(module: nn.Module) -> bool:
    """Tell whether a layer lets everything through, in training too: a dropout that leaves nothing out."""
    name = type(module).__name__
    return name == "Identity" or ("Dropout" in name and not dropout_rate(module))


def dropout_rate(module: nn.Module) -> float:
    """Return the share of numbers that a dropout leaves out in training."""
    return float(getattr(module, "p", getattr(module, "probability", 0.0)))


def owner_of(parameter: str, layers: Sequence[str]) -> str:
    """Return the layer that a parameter belongs to: the one with the longest name that its own begins with, "" for none.

    Example:
        >>> owner_of("blocks.0.up.weight", ["blocks.0", "blocks.0.up"])
        'blocks.0.up'
    """
    return max((layer for layer in layers if parameter.startswith(f"{layer}.")), key=len, default="")


def _cut(calls: Sequence[Call], depth: int) -> list[Call]:
    """Return the calls of modules that hold no called one, not looking deeper than some level."""
    names = {call.name for call in calls}
    inside: Mapping[str, bool] = {
        name: any(other.startswith(f"{name}.") and other.count(".") < depth for other in names) for name in names if name
    }
    return [
        call for call in calls if call.name and call.name.count(".") < depth and (not inside[call.name] or _has_own(call.module))
    ]


def _has_own(module: nn.Module) -> bool:
    """Tell whether a module that holds others has parameters of its own."""
    return any(True for _ in module.parameters(recurse=False))
