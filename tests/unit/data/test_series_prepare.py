"""Series are put on the scale of the train part, gaps are closed, and what spoils them is told."""

import numpy as np
import pytest
import torch

from tutelage.core.errors import DataError
from tutelage.data.part.series import SeriesPart, as_objects, interpolated
from tutelage.data.prepare.series import Series


def part(*series: object, name: str = "train") -> SeriesPart:
    held = as_objects([np.array(values, dtype=np.float64).reshape(len(values), -1) for values in series])  # type: ignore[arg-type]
    return SeriesPart(name, held, None, as_objects([f"line {row}" for row in range(len(series))]), "x")


def finished(prepare: Series, train: SeriesPart, other: SeriesPart) -> dict[str, torch.Tensor]:
    fitted = prepare.fit(train)
    again = prepare.restore(fitted.state())
    assert again == fitted
    batch: dict[str, torch.Tensor] = again.finisher()(again.apply(other).take(torch.arange(len(other))))
    return batch


def test_gaps_are_on_the_line_between_their_neighbors() -> None:
    gapped = np.array([[np.nan, np.nan], [1, np.nan], [np.nan, np.nan], [4, np.nan], [np.nan, np.nan]])
    filled = interpolated(gapped, np.array([9.0, 7.0]))
    assert filled.tolist() == [[1, 7], [1, 7], [2.5, 7], [4, 7], [4, 7]]
    assert np.isnan(gapped[0, 0]), "the part's own values stay"


def test_channels_get_the_scale_of_the_train_part() -> None:
    train = part([[0, 100], [2, 300]], [[4, 500], [6, 700]])
    batch = finished(Series(), train, train)
    np.testing.assert_allclose(batch["series"].mean(dim=(0, 1)), 0, atol=1e-6)
    np.testing.assert_allclose(batch["series"].std(dim=(0, 1), correction=0), 1, rtol=1e-6)
    assert batch["mask"].all()


def test_each_series_by_itself_loses_its_level_and_size() -> None:
    train = part([1, 2, 3], [100, 300, 500])
    batch = finished(Series(normalize="series"), train, train)
    torch.testing.assert_close(batch["series"][0], batch["series"][1])


@pytest.mark.parametrize("normalize", ["train", "series"])
def test_very_large_and_very_small_values_have_a_scale_too(normalize: str) -> None:
    train = part([[1e200, 1e-200], [3e200, 3e-200]], [[1e200, 1e-200], [3e200, 3e-200]])
    batch = finished(Series(normalize=normalize), train, train)
    np.testing.assert_allclose(batch["series"][0], [[-1, -1], [1, 1]], rtol=1e-6)


def test_unequal_series_are_padded_with_a_mask_and_longer_ones_than_in_training_are_taken() -> None:
    batch = finished(Series(), part([1, 2], [3, 4, 5]), part([1, 2], list(range(11)), name="input"))
    assert batch["series"].shape == (2, 16, 1)
    assert batch["mask"].sum(dim=1).tolist() == [2, 11]
    assert not batch["series"][0, 2:].any()


def test_constant_channels_and_gaps_stay_finite_and_are_told() -> None:
    train = part([5, 5, 5], [5, np.nan, 6], [1, 2, 3])
    assert torch.isfinite(finished(Series(), train, train)["series"]).all()
    still = part([5.0, 5.0], [5.0, 5.0])
    assert not finished(Series(), still, still)["series"].any()
    gaps, constant = Series().fit(train).warnings(train)
    assert "line 1" in gaps
    assert "1 series have missing values" in gaps
    assert "line 0" in constant


def test_other_dimensions_than_those_of_the_training_are_refused() -> None:
    fitted = Series().fit(part([1, 2, 3]))
    with pytest.raises(DataError, match="line 0: 2 values at a time, where the model has 1"):
        fitted.apply(part([[1, 2], [3, 4]]))


def test_lengths_that_were_never_seen_are_told() -> None:
    alike = Series().fit(part([1, 2, 3], [2, 4, 6]))
    assert alike.odd_rows(part([3, 2, 1])) == []
    (told,) = alike.odd_rows(part([3, 2, 1], [1, 2], name="input"))
    assert told.startswith("input: 1 series of 2 times, such as line 1, where the train series have 3 times")
    (told,) = alike.odd_rows(part([1, 2], [1, 2, 3, 4]))
    assert "all series of 2 to 4 times" in told
    unequal = Series().fit(part(list(range(8)), list(range(16))))
    assert unequal.odd_rows(part(list(range(7)), list(range(10)), list(range(20)))) == []
    (told,) = unequal.odd_rows(part(list(range(10)), list(range(21))))
    assert "1 series of 21 times, such as line 1, where the train series have 8 to 16 times" in told


def test_values_beyond_all_measure_are_held_in_and_told() -> None:
    train, other = part([1.0, 2.0, 3.0]), part([1.0, 1e90, 3.0], [2.0, 2.0, 1.0])
    values = finished(Series(), train, other)["series"]
    assert values.max() == 1e6
    assert torch.isfinite(values**2).all()
    [told] = Series().fit(train).odd_rows(other)
    assert "1 series with values too far from those of the training, such as line 0" in told
