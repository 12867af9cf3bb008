"""What is known beforehand of each series by itself: its columns, in training, in a test table and in what is continued."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tutelage
from tests.unit.data.test_timeline_source import hour, read, series
from tutelage.core.errors import DataError
from tutelage.data.source import known_columns

HEADER = "date,shop,sold,promo,holiday"
SETTINGS: dict[str, Any] = {"series_id": "shop", "target": "sold", "known": "promo,holiday"}


def promo(shop: str, n: int) -> int:
    return int(n % {"a": 7, "b": 5, "c": 11}[shop] == 0)


def sold(shop: str, n: int) -> int:
    return 100 + 50 * promo(shop, n) + n % 24


def shops(spans: dict[str, tuple[int, int]], *, measured: int = 10_000, is_apart: bool = True) -> list[str]:
    """Return hours of shops, with a promotion that differs by shop and a holiday that does not."""
    return [
        f"{hour(n)},{shop},{sold(shop, n) if n < measured else ''},{promo(shop if is_apart else 'a', n)},{n % 2}"
        for shop, (first, last) in spans.items()
        for n in range(first, last)
    ]


def test_a_column_that_differs_by_series_is_one_of_each(tmp_path: Path) -> None:
    found = read(tmp_path, shops({"a": (0, 60), "b": (0, 60)}), header=HEADER, **SETTINGS)
    part = series(found)
    assert part.known_names == ("holiday", "promo a", "promo b")
    assert part.reading["by_series"] == ["promo"]
    np.testing.assert_array_equal(part.known, [[n % 2, promo("a", n), promo("b", n)] for n in range(60)])
    assert "promo differs by series, so it is known of each series by itself" in " ".join(found.notes)


def test_before_a_series_begins_its_mean_stands_and_after_it_nothing(tmp_path: Path) -> None:
    part = series(read(tmp_path, shops({"a": (0, 60), "b": (20, 50)}), header=HEADER, **SETTINGS))
    mean = np.mean([promo("b", n) for n in range(20, 50)])
    np.testing.assert_allclose(part.known[:20, 2], mean)
    assert np.isnan(part.known[50:, 2]).all()
    assert not np.isnan(part.known[:, :2]).any()


def test_of_some_series_only_their_columns_are_left(tmp_path: Path) -> None:
    part = series(read(tmp_path, shops(dict.fromkeys("abc", (0, 60))), header=HEADER, **SETTINGS)).of_series(["c", "a"])
    assert part.known_names == ("holiday", "promo c", "promo a")
    np.testing.assert_array_equal(part.known[:, 1], [promo("c", n) for n in range(60)])


def test_what_cannot_be_told_apart_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = [f"{line},{number}" for number, line in enumerate(shops({"a": (0, 60), "b": (0, 60)}))]
    with pytest.raises(DataError, match=r"several values that are forecast\. Name one of them: --target COLUMN"):
        read(tmp_path, lines, header=f"{HEADER},returned", **SETTINGS | {"target": "sold,returned"})
    monkeypatch.setattr(known_columns, "MOST_COLUMNS", 1)
    with pytest.raises(DataError, match=r"differs by series, and 2 such columns, .* Train one run for each series"):
        read(tmp_path, shops({"a": (0, 60), "b": (0, 60)}), header=HEADER, **SETTINGS)


def test_a_test_table_has_what_is_known_as_the_training_has(tmp_path: Path) -> None:
    test = tmp_path / "test.csv"
    later = {"a": (60, 90), "b": (60, 90)}
    test.write_text("\n".join([HEADER, *shops(later, is_apart=False), ""]), encoding="utf-8")
    span = {"a": (0, 60), "b": (0, 60)}
    found = read(tmp_path, shops(span), header=HEADER, test=str(test), **SETTINGS)
    assert found.test.known_names == series(found).known_names  # type: ignore[union-attr]
    test.write_text("\n".join([HEADER, *shops(later), ""]), encoding="utf-8")
    with pytest.raises(DataError, match="What is the same for all series there has to be so here"):
        read(tmp_path, shops(span, is_apart=False), header=HEADER, test=str(test), **SETTINGS)


def test_a_run_continues_each_series_by_what_is_known_of_it(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    spans = {"a": (0, 400), "b": (0, 400)}
    path.write_text("\n".join([HEADER, *shops(spans), ""]), encoding="utf-8")
    wishes: dict[str, Any] = {"horizon": 12, "steps": 2, "model": "nlinear", "quiet": True, "out": tmp_path / "run"}
    run = tutelage.train(str(path), task="forecast", **SETTINGS, **wishes)
    path.write_text("\n".join([HEADER, *shops({"a": (0, 412), "b": (0, 412)}, measured=400), ""]), encoding="utf-8")
    forecast = run.forecast(str(path))
    truth = np.array([[sold(shop, n) for shop in "ab"] for n in range(400, 412)])
    assert np.abs(forecast.values - truth).mean() < 8
    for spans, said in (
        ({"a": (0, 412), "b": (0, 400)}, "holiday, promo a, promo b must be known of the 12 times"),
        ({"a": (0, 412)}, "known of each series by itself in the training, and here is one series"),
    ):
        path.write_text("\n".join([HEADER, *shops(spans, measured=400), ""]), encoding="utf-8")
        with pytest.raises(DataError, match=said):
            run.forecast(str(path))
