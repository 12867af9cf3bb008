"""The state of an environment as JSON values: numbers, texts, arrays and random generators in the attributes of its objects.

An environment made of such attributes, and of things that do not change while it runs (spaces, functions), is put back exactly.
One that holds something else, such as the world of a physics library, is not; it is told by `NotPlainError`.
"""

import base64
import random
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from types import ModuleType
from typing import Any

import numpy as np

__all__ = ["NotPlainError", "pack_generator", "plain_state", "restore_generator", "restore_plain"]

MARK = "~"
"""Begins the one key of a table that stands for something else than a table."""
LARGEST_WHOLE = 2**53
CONSTANT = ("Space", "EnvSpec", "MultiDiscrete", "AutoresetMode")


class NotPlainError(Exception):
    """An attribute that cannot be written down."""


def plain_state(env: Any) -> list[dict[str, Any]]:
    """Return the attributes of an environment, and of each wrapper around it from the outermost, as JSON values.

    Raises:
        NotPlainError: An attribute holds something that cannot be written down.
    """
    return [{key: _packed(value, f"{type(layer).__name__}.{key}") for key, value in _own(layer)} for layer in _layers(env)]


def restore_plain(env: Any, state: list[Mapping[str, Any]]) -> None:
    """Set the attributes that `plain_state` wrote, on an environment made like that one."""
    for layer, attributes in zip(_layers(env), state, strict=True):
        for key, value in attributes.items():
            layer.__dict__[key] = _unpacked(value)


def pack_generator(generator: np.random.Generator) -> dict[str, Any]:
    """Write a generator's state as JSON values."""
    packed: dict[str, Any] = _packed(generator.bit_generator.state, "np_random")
    return packed


def restore_generator(generator: np.random.Generator, state: Mapping[str, Any]) -> None:
    """Put a generator's state back."""
    generator.bit_generator.state = _unpacked(state)


def _layers(env: Any) -> Iterator[Any]:
    """Yield an environment's wrappers, and at last itself."""
    while True:
        yield env
        env = _inner(env)
        if env is None:
            return


def _inner(layer: Any) -> Any:
    """Return the environment within a wrapper; None within the innermost, whose own `env` may be a plain value."""
    inner = layer.__dict__.get("env")
    return inner if hasattr(inner, "__dict__") else None


def _own(layer: Any) -> Iterator[tuple[str, Any]]:
    """Yield the attributes that may change; the environment within a wrapper is a layer of its own."""
    inner = _inner(layer)
    for key, value in sorted(layer.__dict__.items()):
        if (key != "env" or inner is None) and not _is_constant(value):
            yield key, value


def _is_constant(value: object) -> bool:
    """Tell whether a value is of a kind that an environment does not change while it runs."""
    if isinstance(value, type | ModuleType) or (callable(value) and not hasattr(value, "__dict__")):
        return True
    names = {kind.__name__ for kind in type(value).__mro__}
    return not names.isdisjoint(CONSTANT) or type(value).__name__ in ("function", "method", "mappingproxy")


def _packed(value: Any, name: str) -> Any:
    """Return a value as JSON values."""
    if value is None or isinstance(value, bool | str):
        return value
    if isinstance(value, np.ndarray | np.generic):
        return _packed_array(value, name)
    if isinstance(value, int):
        return value if abs(value) < LARGEST_WHOLE else {f"{MARK}int": str(value)}
    if isinstance(value, float):
        return value if np.isfinite(value) else {f"{MARK}float": str(value)}
    if type(value) in SEQUENCES:
        items = [_packed(item, name) for item in (sorted(value) if isinstance(value, set) else value)]
        limit = [value.maxlen] if isinstance(value, deque) else []
        return items if type(value) is list else {f"{MARK}{type(value).__name__}": [items, *limit]}
    if isinstance(value, np.random.Generator):
        return {f"{MARK}generator": [type(value.bit_generator).__name__, _packed(value.bit_generator.state, name)]}
    if isinstance(value, random.Random):
        return {f"{MARK}random": _packed(value.getstate(), name)}
    if type(value) is dict:
        return {f"{MARK}dict": [[_packed(key, name), _packed(inner, name)] for key, inner in value.items()]}
    raise NotPlainError(f"{name} is a {type(value).__name__}")


def _packed_array(value: Any, name: str) -> dict[str, Any]:
    """Return an array, or a number of NumPy, with its bytes as text."""
    array = np.asarray(value)
    if array.dtype.hasobject:
        raise NotPlainError(f"{name} is an array of objects")
    content = base64.b64encode(np.ascontiguousarray(array).tobytes()).decode()
    kind = "array" if isinstance(value, np.ndarray) else "scalar"
    return {f"{MARK}{kind}": [array.dtype.str, list(array.shape), content]}


def _unpacked(value: Any) -> Any:
    """Return what `_packed` wrote."""
    if isinstance(value, list):
        return [_unpacked(item) for item in value]
    if not isinstance(value, Mapping):
        return value
    ((key, inner),) = value.items()
    return UNPACKED[key.removeprefix(MARK)](inner)


def _array(inner: list[Any]) -> np.ndarray:
    dtype, shape, content = inner
    return np.frombuffer(base64.b64decode(content), dtype=np.dtype(dtype)).reshape(shape).copy()


def _generator(inner: list[Any]) -> np.random.Generator:
    kinds = {kind.__name__: kind for kind in (np.random.PCG64, np.random.PCG64DXSM, np.random.MT19937, np.random.Philox)}
    bits: Any = kinds[inner[0]]()
    bits.state = _unpacked(inner[1])
    return np.random.Generator(bits)


def _random(inner: Any) -> random.Random:
    made = random.Random()
    made.setstate(_unpacked(inner))
    return made


SEQUENCES = (list, tuple, set, deque)
UNPACKED: dict[str, Callable[[Any], Any]] = {
    "int": int,
    "float": float,
    "array": _array,
    "scalar": lambda inner: _array(inner)[()],
    "tuple": lambda inner: tuple(_unpacked(inner[0])),
    "set": lambda inner: set(_unpacked(inner[0])),
    "deque": lambda inner: deque(_unpacked(inner[0]), maxlen=inner[1]),
    "generator": _generator,
    "random": _random,
    "dict": lambda inner: {_unpacked(key): _unpacked(each) for key, each in inner},
}
