"""How long operators take at sizes that were not measured."""

import pytest

from tutelage.hardware.curve import Curve, roof_of
from tutelage.hardware.point import Point

SPEED, BANDWIDTH, LAUNCH = 1e11, 1e10, 2e-6


def product(rows: int, inner: int, columns: int, *, efficiency: float = 1.0) -> Point:
    flops, num_bytes = 2.0 * rows * inner * columns, 4.0 * (rows * inner + inner * columns + rows * columns)
    return Point(
        op="mm",
        category="matmul",
        dtype="float32",
        phase="forward",
        sizes="",
        dims=(1, rows, inner, columns),
        flops=flops,
        num_bytes=num_bytes,
        seconds=LAUNCH + flops / (SPEED * efficiency) + num_bytes / BANDWIDTH,
    )


def triad(num_bytes: float, *, bandwidth: float = BANDWIDTH) -> Point:
    return Point(
        op="triad",
        category="memory",
        dtype="float32",
        phase="forward",
        sizes="",
        flops=num_bytes / 6,
        num_bytes=num_bytes,
        seconds=num_bytes / bandwidth,
    )


MEMORY = [triad(2.0**power) for power in (12, 20, 28)]


def seconds_of(curve: Curve, point: Point) -> float:
    return curve.seconds(flops=point.flops, num_bytes=point.num_bytes, dims=point.dims)


def test_a_size_that_was_measured_takes_what_was_measured() -> None:
    points = [product(size, size, size, efficiency=efficiency) for size, efficiency in ((16, 0.1), (128, 0.5), (1024, 1.0))]
    curve = Curve(points, roof_of(points, MEMORY))
    for point in points:
        # Points three powers of two away in each of three dimensions have next to no weight.
        assert seconds_of(curve, point) == pytest.approx(point.seconds, rel=0.01)


def test_a_size_in_between_is_as_efficient_as_something_in_between() -> None:
    # So large that computing alone takes time.
    points = [product(2048, 2048, 2048, efficiency=0.2), product(32768, 32768, 32768, efficiency=0.8)]
    wanted = product(8192, 8192, 8192)
    found = seconds_of(Curve(points, roof_of(points, MEMORY)), wanted)
    assert product(8192, 8192, 8192, efficiency=0.8).seconds < found < product(8192, 8192, 8192, efficiency=0.2).seconds


def test_beyond_the_largest_size_time_grows_with_the_work() -> None:
    points = [product(256, 256, 256, efficiency=0.5)]
    curve = Curve(points, roof_of(points, MEMORY))
    large, larger = product(4096, 4096, 4096), product(8192, 8192, 8192)
    assert seconds_of(curve, larger) / seconds_of(curve, large) == pytest.approx(8, rel=0.05)


def test_a_call_with_nothing_to_do_takes_as_long_as_the_shortest_that_was_measured() -> None:
    points = [product(1, 1, 1), product(256, 256, 256)]
    found = Curve(points, roof_of(points, MEMORY)).seconds(flops=0, num_bytes=0, dims=(1, 1, 1, 1))
    assert found == pytest.approx(points[0].seconds, rel=0.05)


def test_memory_is_as_fast_as_where_so_much_was_moved() -> None:
    memory = [triad(2.0**12, bandwidth=1e11), triad(2.0**28, bandwidth=1e10)]
    roof = roof_of([product(256, 256, 256)], memory)
    assert roof.speed_of_memory(100.0) == pytest.approx(1e11)
    assert roof.speed_of_memory(2.0**20) == pytest.approx((1e11 * 1e10) ** 0.5)
    assert roof.speed_of_memory(2.0**40) == pytest.approx(1e10)
