"""A wish refuses what cannot be a run."""

import pytest

from tutelage.core.errors import UsageError
from tutelage.foresight.wish import RunWish


def test_numbers_out_of_range_are_refused() -> None:
    with pytest.raises(UsageError, match="samples = 0"):
        RunWish(hardware="A100", samples=0.0)
    with pytest.raises(UsageError, match="devices = 0"):
        RunWish(hardware="A100", samples=1.0, devices=0)
    with pytest.raises(UsageError, match="params = -1"):
        RunWish(hardware="A100", samples=1.0, params=-1.0)


def test_an_unknown_precision_is_refused() -> None:
    with pytest.raises(UsageError, match=r"precision = 'int3': unknown\. Known: fp32"):
        RunWish(hardware="A100", samples=1.0, precision="int3")  # type: ignore[arg-type]
