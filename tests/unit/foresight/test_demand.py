"""What a sample costs: equal to what the papers count."""

import pytest

from tutelage.core.errors import UsageError
from tutelage.foresight.demand import demand_of, known_models
from tutelage.foresight.wish import RunWish


def wished(**said: object) -> RunWish:
    return RunWish(**{"hardware": "A100", "samples": 1.0, **said})  # type: ignore[arg-type]


def test_a_token_of_gpt3_costs_six_flops_a_parameter_and_attention() -> None:
    """PaLM appendix B: 6 N + 12 L d T."""
    assert demand_of(wished(model="gpt3")).flops == 6 * 175e9 + 12 * 96 * 12288 * 2048


def test_recomputation_adds_a_third_to_what_is_executed_only() -> None:
    plain, again = demand_of(wished(params=1e9)), demand_of(wished(params=1e9, is_recomputed=True))
    assert again.flops == plain.flops
    assert again.executed == pytest.approx(4 / 3 * plain.executed)


def test_width_is_guessed_close_to_published_ones() -> None:
    """Llama 3 8B is 4,096 wide with 32 layers: attention of a guess from the parameters alone is within a third."""
    known, guessed = demand_of(wished(model="llama3-8b")), demand_of(wished(params=8.03e9, context=8192.0))
    assert guessed.flops - 6 * 8.03e9 == pytest.approx(known.flops - 6 * 8.03e9, rel=0.33)
    assert any("from the parameters" in text for text in guessed.assumptions)


def test_an_image_costs_six_times_its_multiply_adds_and_grows_with_its_area() -> None:
    small, large = demand_of(wished(model="resnet50")), demand_of(wished(model="resnet50", side=448.0))
    assert small.flops == pytest.approx(6 * 4.11e9)
    assert large.flops == pytest.approx(4 * small.flops)
    assert large.num_bytes == pytest.approx(4 * small.num_bytes)


def test_every_known_model_has_a_demand() -> None:
    for name in known_models():
        assert demand_of(wished(model=name)).num_bytes > 0


def test_an_unknown_model_suggests_the_nearest() -> None:
    with pytest.raises(UsageError, match=r"'resnet5' is not known. Did you mean .*resnet50"):
        demand_of(wished(model="resnet5"))


def test_a_size_that_is_not_said_is_refused() -> None:
    with pytest.raises(UsageError, match="model's size is not said"):
        demand_of(wished())
    with pytest.raises(UsageError, match="cost of an image is not said"):
        demand_of(wished(kind="images"))
