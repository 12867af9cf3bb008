"""A target as people write it: a metric and a value; all else is refused with what is possible."""

import pytest

from tutelage.core.errors import RecipeError
from tutelage.planning.recipe import recipe_from
from tutelage.planning.until import parse_until


@pytest.mark.parametrize(
    ("text", "metric", "value"),
    [
        ("accuracy=0.95", "accuracy", 0.95),
        (" val/loss = 3e-1 ", "loss", 0.3),
        ("f1=90%", "f1", 0.9),
        ("return=-120", "return", -120),
    ],
)
def test_a_target_is_a_metric_and_a_value(text: str, metric: str, value: float) -> None:
    found = parse_until(text)
    assert (found.metric, found.value) == (metric, pytest.approx(value))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("accuracy", "names no value"),
        ("acuracy=0.9", "did you mean 'accuracy'"),
        ("accuracy=high", "is no number"),
        ("accuracy=nan", "is no number"),
        ("accuracy=", "is no number"),
        ("accuracy=9_5%", "is no number"),
        ("accuracy=\uff19\uff15%", "is no number"),
        ("accuracy=1e400", "is no number"),
        ("=0.9", "is no metric"),
    ],
)
def test_what_is_none_is_refused_with_its_key(text: str, said: str) -> None:
    with pytest.raises(RecipeError, match=f"until.*{said}"):
        recipe_from({"until": text}, where="test")
