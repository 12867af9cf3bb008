"""Energy says where it comes from, and measured power goes first."""

import pytest

from tutelage.core.errors import UsageError
from tutelage.foresight.energy import NODE_FACTOR, SHARE_OF_RATED, Power, energy


def test_rated_power_is_a_prior() -> None:
    found = energy(Power(400), device_seconds=3600)
    assert found.device_j == pytest.approx(400 * SHARE_OF_RATED * 3600)
    assert found.wall_j == pytest.approx(found.device_j * NODE_FACTOR)
    assert found.provenance.startswith("prior: 85% of 400 W")


def test_measured_power_goes_first_and_is_surer() -> None:
    prior, measured = energy(Power(400), device_seconds=3600), energy(Power(400, measured_w=280), device_seconds=3600)
    assert measured.device_j == 280 * 3600
    assert measured.wall_80.high / measured.wall_80.low < prior.wall_80.high / prior.wall_80.low
    assert measured.provenance.startswith("measured, 280 W")


def test_the_building_is_added() -> None:
    assert energy(Power(400, pue=1.5), device_seconds=1).wall_j == pytest.approx(
        1.5 * energy(Power(400), device_seconds=1).wall_j
    )


def test_no_power_at_all_is_refused() -> None:
    with pytest.raises(UsageError, match="no rated power"):
        energy(Power(0), device_seconds=1)
    with pytest.raises(UsageError, match=r"PUE = 0\.5"):
        energy(Power(400, pue=0.5), device_seconds=1)
