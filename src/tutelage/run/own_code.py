"""The code and the plain settings of what a user has written, as text that is the same in every process.

Python's own code objects are read: nothing is run, and no source file is needed. Followed are the methods of a class and the
functions, classes and constants that they name; what comes with Python, torch or this program is told by name alone, since
their versions are known.
"""

import functools
import sys
from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from enum import Enum
from itertools import islice
from types import BuiltinFunctionType, CellType, CodeType, FunctionType, MethodType, ModuleType, SimpleNamespace

import numpy as np
import torch

__all__ = ["OwnCode"]

PLAIN = (
    int, float, complex, str, bytes, type(None), type(Ellipsis), range, slice, Enum, np.generic, torch.dtype, torch.device,
)  # fmt: skip
GIVEN = frozenset({*sys.stdlib_module_names, "torch", "numpy", "tutelage"})
"""Packages that are told by name alone."""
UNSAID = frozenset(
    {"__module__", "__doc__", "__dict__", "__weakref__", "__qualname__", "__firstlineno__", "__static_attributes__"}
)
"""Of a class what says nothing of what it computes."""
MOST = 300
"""Functions and classes whose code is told, those that are named first; a library may call all of itself in the end, down to
what differs in each process, such as the name of a session."""
DEEPEST = 6
"""Containers within each other that are looked into: one may hold itself."""


class OwnCode:
    """Tells values as text, and gathers the code of the functions and classes among them.

    Functions and classes are gathered one after the other, so that no chain of calls is too long.
    """

    def __init__(self) -> None:
        """Know nothing yet."""
        self._places: dict[int, str] = {}
        # Kept alive: another object could get the address of one that is gone.
        self._seen: list[FunctionType | type] = []

    def lines(self) -> Iterator[str]:
        """Yield the code of each function and class among what was said, and among what they name, once each."""
        # More are found on the way.
        for value in islice(self._seen, MOST):
            told = self._of_class(value) if isinstance(value, type) else self._of_function(value)
            yield from (f"{self._places[id(value)]}: {line}" for line in told)

    def say(self, value: object, *, depth: int = 0) -> str:
        """Return a value as text; of functions and classes where their code is told."""
        kind = type(value).__name__
        if isinstance(value, PLAIN):
            return f"{kind} {value!r}"
        if isinstance(value, FunctionType | type):
            return self._place(value)
        if isinstance(value, torch.Tensor):
            return f"{kind} {tuple(value.shape)} {value.dtype}"
        if isinstance(value, BuiltinFunctionType | ModuleType):
            return f"{kind} {value.__name__}"
        if depth < DEEPEST:
            return f"{self.say(type(value))} {self._within(value, depth + 1)}"
        return kind

    def _within(self, value: object, depth: int) -> str:
        """Return what a value holds as text, where it is one whose parts are known; of a set in an order of its own."""
        if isinstance(value, Mapping):
            return repr([(self.say(key, depth=depth), self.say(each, depth=depth)) for key, each in value.items()])
        if isinstance(value, list | tuple | set | frozenset):
            said = [self.say(each, depth=depth) for each in value]
            return repr(sorted(said) if isinstance(value, set | frozenset) else said)
        if isinstance(value, MethodType):
            return self.say(value.__func__, depth=depth)
        if isinstance(value, functools.partial):
            return self.say((value.func, value.args, value.keywords), depth=depth)
        if isinstance(value, SimpleNamespace):
            return self.say(vars(value), depth=depth)
        if is_dataclass(value):
            return self.say({each.name: getattr(value, each.name, None) for each in fields(value)}, depth=depth)
        return ""

    def _place(self, value: FunctionType | type) -> str:
        """Return the name under which the code of a function or class is told."""
        if _is_given(value.__module__):
            return f"{value.__module__}.{value.__qualname__}"
        if id(value) not in self._places:
            self._places[id(value)] = f"{value.__qualname__} #{len(self._seen)}"
            self._seen.append(value)
        return self._places[id(value)]

    def _of_class(self, kind: type) -> Iterator[str]:
        """Yield what a class inherits, and what it holds."""
        yield repr([self.say(base) for base in kind.__bases__])
        for name, value in vars(kind).items():
            if name in UNSAID:
                continue
            if isinstance(value, staticmethod | classmethod):
                yield f"{name} {type(value).__name__} {self.say(value.__func__)}"
            elif isinstance(value, property):
                yield f"{name} property {self.say((value.fget, value.fset))}"
            else:
                yield f"{name} {self.say(value)}"

    def _of_function(self, function: FunctionType) -> Iterator[str]:
        """Yield what a function computes, and what it takes from around it."""
        yield self._of_code(function.__code__)
        yield self.say((function.__defaults__, function.__kwdefaults__))
        yield repr([self._in_cell(cell) for cell in function.__closure__ or ()])
        names = [*_names(function.__code__)]
        for name in dict.fromkeys(names):
            if name not in function.__globals__:
                continue
            value = function.__globals__[name]
            yield f"{name} {self.say(value)}"
            if isinstance(value, ModuleType) and not _is_given(value.__name__):
                # A helper that is called by the name of its module; which names are its own shows in the code alone.
                yield repr([(other, self.say(vars(value)[other])) for other in dict.fromkeys(names) if other in vars(value)])

    def _in_cell(self, cell: CellType) -> str:
        """Return what a variable of the function around holds; it may not be set yet."""
        try:
            return self.say(cell.cell_contents)
        except ValueError:
            return "empty"

    def _of_code(self, code: CodeType) -> str:
        """Return compiled code as text, with that of the functions inside it."""
        constants = [self._of_code(each) if isinstance(each, CodeType) else self.say(each) for each in code.co_consts]
        names = code.co_names, code.co_freevars, code.co_cellvars
        return repr((code.co_name, code.co_code.hex(), code.co_exceptiontable.hex(), code.co_argcount, names, constants))


def _is_given(module: str | None) -> bool:
    """Tell whether a module comes with Python, torch or this program."""
    return (module or "").partition(".")[0] in GIVEN


def _names(code: CodeType) -> Iterator[str]:
    """Yield the names that code uses, and the functions inside it."""
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _names(constant)
