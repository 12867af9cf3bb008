"""A model that is tried without memory: sizes that are too large are the recipe's fault, a lack of memory is told as one."""

from types import SimpleNamespace
from typing import Any

import pytest

from tutelage.core.errors import OutOfMemoryError, RecipeError
from tutelage.model.arch.mlp import MLP
from tutelage.run.start import _try_model


@pytest.mark.parametrize(
    ("error", "expected", "said"),
    [
        (MemoryError(), OutOfMemoryError, "building the model"),
        (OverflowError("too many"), RecipeError, "cannot be built: too many"),
    ],
)
def test_a_lack_of_memory_is_not_blamed_on_the_model(error: Exception, expected: type[Exception], said: str) -> None:
    def fail(*_: object) -> None:
        raise error

    plan: Any = SimpleNamespace(model=MLP(), shape=object(), num_outputs=2, task=SimpleNamespace(make_network=fail))
    with pytest.raises(expected, match=said):
        _try_model(plan)
