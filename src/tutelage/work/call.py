"""One call of an operator, as a formula sees it: sizes and types, but no numbers."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch._ops import OpOverload

__all__ = ["Call", "Cost", "Operand", "call_of", "name_of", "tensors_of"]

WRITTEN_ONLY = frozenset({"copy_", "fill_", "zero_", "normal_", "uniform_", "bernoulli_", "random_", "exponential_"})
"""Operators that write over what was in their first argument without reading it."""


@dataclass(frozen=True, slots=True)
class Operand:
    """A tensor that an operator reads or writes.

    Attributes:
        sizes: Numbers along each dimension.
        strides: Steps in memory along each; 0 where the same number is seen again and again (`expand`).
        dtype: Type of the numbers.
    """

    sizes: tuple[int, ...]
    strides: tuple[int, ...]
    dtype: torch.dtype

    @property
    def count(self) -> int:
        """Numbers that are seen."""
        return math.prod(self.sizes)

    @property
    def num_bytes(self) -> int:
        """Bytes of memory behind them: what is expanded is read once."""
        held = [size for size, stride in zip(self.sizes, self.strides, strict=True) if stride != 0]
        return (math.prod(held) if self.count else 0) * self.dtype.itemsize


@dataclass(frozen=True, slots=True)
class Cost:
    """What a formula says of one call.

    Attributes:
        products: FLOPs of matrix products and convolutions, two for each multiplication with its addition.
        others: All other arithmetic: one for each number that is added, multiplied, compared or put through a function.
        skipped: FLOPs of products that a causal mask spares; not among `products`.
        read: Bytes that are read; None for all operands once.
        written: Bytes that are written; None for all results once.
        sizes: What the time depends on, as the class defines it: of matrix products (batch, rows, inner, columns).
        kind: Another class than that of the formula's file, where sizes decide; "" for that of the file.
    """

    products: int = 0
    others: int = 0
    skipped: int = 0
    read: int | None = None
    written: int | None = None
    sizes: tuple[int, ...] = ()
    kind: str = ""


@dataclass(frozen=True, slots=True)
class Call:
    """One call of an operator.

    Attributes:
        name: The operator, such as `mm`; with its library where that is not torch's own, such as `mine::mm`.
        values: Every argument by its name in the operator's schema, defaults included; tensors are `Operand`s, lists tuples.
        results: Tensors that were made, those in memory of an argument included.
        read: Operands that are read.
        written: Operands whose memory is written: what was made, and what was changed in place.
        is_pointwise: Whether torch says that each result number depends on the numbers at the same place alone.
        is_view: Whether nothing is computed: the results are other ways of looking at the arguments' memory.
    """

    name: str
    values: Mapping[str, Any]
    results: tuple[Operand, ...]
    read: tuple[Operand, ...]
    written: tuple[Operand, ...]
    is_pointwise: bool = False
    is_view: bool = False

    def operand(self, name: str) -> Operand:
        """Return the tensor that an argument holds."""
        found = self.values[name]
        assert isinstance(found, Operand), f"{self.name}: {name} is no tensor"
        return found

    def operands(self, name: str) -> tuple[Operand, ...]:
        """Return the tensors in an argument that is a list."""
        return tuple(each for each in self.values[name] if isinstance(each, Operand))

    def number(self, name: str) -> float:
        """Return an argument that is a number; 0 where it is not given, or a tensor."""
        found = self.values.get(name)
        return float(found) if isinstance(found, int | float) else 0.0

    @property
    def dtype(self) -> str:
        """Type of the numbers that are computed with, such as `float32`: the first floating one, of what is read first."""
        known = [*self.read, *self.results, *self.written]
        floating = [each for each in known if each.dtype.is_floating_point or each.dtype.is_complex]
        chosen = (floating or known)[:1]
        return str(chosen[0].dtype).removeprefix("torch.") if chosen else "none"

    @property
    def count(self) -> int:
        """Numbers in the largest result, or else in the largest operand."""
        return max((each.count for each in self.results or self.written or self.read), default=0)


def call_of(function: OpOverload, args: tuple[Any, ...], kwargs: Mapping[str, Any], *, outcome: object) -> Call:
    """Describe a call that has been made, by the operator's schema."""
    schema = function._schema
    values: dict[str, Any] = {}
    read: list[Tensor] = []
    changed: list[Tensor] = []
    base = name_of(function)
    for place, argument in enumerate(schema.arguments):
        given = args[place] if place < len(args) else kwargs.get(argument.name, argument.default_value)
        values[argument.name] = _described(given)
        held = tensors_of(given)
        is_changed = argument.alias_info is not None and argument.alias_info.is_write
        changed += held if is_changed else []
        # `out=` is written and not read.
        read += [] if argument.is_out or (is_changed and base in WRITTEN_ONLY) else held
    known = {_memory(tensor) for tensor in (*read, *changed)}
    made = tensors_of(outcome)
    fresh = [tensor for tensor in made if _memory(tensor) not in known]
    return Call(
        name=base,
        values=values,
        results=tuple(map(_operand, made)),
        read=tuple(map(_operand, read)),
        written=tuple(map(_operand, [*fresh, *changed])),
        is_pointwise=torch.Tag.pointwise in function.tags,
        is_view=bool(made) and not fresh and not changed,
    )


def name_of(function: OpOverload) -> str:
    """Return an operator's name, without that of torch's own library and without which of its forms it is."""
    whole: str = function._schema.name
    return whole.removeprefix("aten::")


def tensors_of(tree: object) -> list[Tensor]:
    """Return the tensors in an argument or a result, in order."""
    if isinstance(tree, Tensor):
        return [tree]
    if isinstance(tree, list | tuple):
        return [tensor for each in tree for tensor in tensors_of(each)]
    return []


def _described(value: object) -> Any:
    """Return an argument with operands in the place of tensors."""
    if isinstance(value, Tensor):
        return _operand(value)
    if isinstance(value, list | tuple):
        return tuple(_described(each) for each in value)
    return value


def _operand(tensor: Tensor) -> Operand:
    """Return sizes and type of a tensor."""
    return Operand(tuple(map(int, tensor.shape)), tuple(map(int, tensor.stride())), tensor.dtype)


def _memory(tensor: Tensor) -> int:
    """Return what tells one piece of memory from another."""
    return int(tensor.untyped_storage()._cdata)
