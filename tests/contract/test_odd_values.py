"""Every setting of every component refuses what it cannot mean: no traceback, no silent change, no number without bounds."""

from typing import Any, get_args

import annotated_types
import pytest
from pydantic import ValidationError

from tutelage.core import catalog
from tutelage.core.spec import Component

MADE = ("shape", "target", "check", "calibrator", "section", "track", "defaults")
"""Families whose settings are worked out, not typed."""
SETTINGS = [
    pytest.param(family, kind, name, id=f"{family}-{kind}-{name}")
    for family in catalog.families()
    if family not in MADE
    for kind in catalog.names(family)
    for name in getattr(catalog.load(family, kind), "model_fields", {})
    if name != "kind"
]
ODD = [
    True,
    False,
    "x",
    "3",
    "",
    float("nan"),
    float("inf"),
    -float("inf"),
    10**30,
    2**63,
    -(2**63) - 1,
    [[]],
    {},
    {"a": 1},
    1.5,
    None,
]


def parts(annotation: Any) -> list[Any]:
    """The types that an annotation is made of."""
    inner = get_args(annotation)
    return [part for each in inner for part in parts(each)] if inner else [annotation]


def field(family: str, kind: str, name: str) -> tuple[type[Component], Any]:
    component: type[Component] = catalog.load(family, kind)
    return component, component.model_fields[name]


@pytest.mark.parametrize(("family", "kind", "name"), SETTINGS)
def test_a_number_takes_numbers_only(family: str, kind: str, name: str) -> None:
    component, found = field(family, kind, name)
    types = set(parts(found.annotation))
    if not types & {int, float} or str in types or bool in types:
        pytest.skip("not a number")
    is_list = isinstance(component().model_dump()[name], tuple | list)
    for value in ODD:
        if (value == 1.5 and float in types) or (value is None and type(None) in types) or (is_list and value in ({}, [])):
            continue
        with pytest.raises(ValidationError):
            component.model_validate({name: value})


@pytest.mark.parametrize(("family", "kind", "name"), SETTINGS)
def test_nothing_but_a_refusal_comes_of_an_odd_value(family: str, kind: str, name: str) -> None:
    component, _ = field(family, kind, name)
    for value in (*ODD, [True, False], ["a"], [float("nan")], [10**30], "\udce9", "\0", b"x", object()):
        try:
            made = component.model_validate({name: value})
        except ValidationError:
            continue
        assert component.model_validate(dict(made)) == made


@pytest.mark.parametrize(("family", "kind", "name"), SETTINGS)
def test_a_number_has_a_lower_and_an_upper_bound(family: str, kind: str, name: str) -> None:
    component, found = field(family, kind, name)
    if found.annotation in (int, float):
        assert any(isinstance(mark, annotated_types.Ge | annotated_types.Gt) for mark in found.metadata)
        assert any(isinstance(mark, annotated_types.Le | annotated_types.Lt) for mark in found.metadata)
    elif {int, float} & set(parts(found.annotation)) and str not in parts(found.annotation):
        with pytest.raises(ValidationError):
            component.model_validate({name: [10**12, 10**12]})
