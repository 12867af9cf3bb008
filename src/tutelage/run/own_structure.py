"""What tells modules of one class name apart: their parts, the shapes of what they hold, their settings and their code."""

import hashlib
from collections.abc import Iterator
from itertools import chain

import torch
from torch import nn
from torch.nn.parameter import is_lazy

from tutelage.run.own_code import OwnCode

__all__ = ["own_structure"]

OF_ANY = frozenset({*vars(nn.Module()), "training"})
"""Attributes that every module has: parts, parameters and buffers among them, which are told by themselves."""


def own_structure(module: nn.Module) -> str:
    """Return a hash of a module's parts, parameters, buffers, settings and code; values of parameters do not count.

    It is the same in every process, so nothing is in it that differs there, such as addresses or the order of a set.
    """
    code = OwnCode()
    held = chain(module.named_parameters(), module.named_buffers())
    lines = [f"{name} {type(part).__name__}" for name, part in module.named_modules()]
    lines += [f"{name} {'later' if is_lazy(value) else tuple(value.shape)} {value.dtype}" for name, value in held]
    for name, part in module.named_modules():
        lines += [f"{name} {line}" for line in _own(part, code)]
    return hashlib.sha256("\n".join([*lines, *code.lines()]).encode(errors="surrogatepass")).hexdigest()[:16]


def _own(part: nn.Module, code: OwnCode) -> Iterator[str]:
    """Yield what one part is set to, and what it computes."""
    yield code.say(type(part))
    try:
        yield part.extra_repr()
    except Exception as error:  # the border: an own module may fail in any way when it describes itself
        yield type(error).__name__
    yield from (f"{name} = {code.say(value)}" for name, value in sorted(vars(part).items()) if name not in OF_ANY)
    yield from (code.say(hook) for hook in chain(part._forward_pre_hooks.values(), part._forward_hooks.values()))
    if isinstance(part, (torch.jit.ScriptModule, torch.fx.GraphModule)):
        # Code that torch has written for them, which no class of theirs holds.
        yield str(part.code)
