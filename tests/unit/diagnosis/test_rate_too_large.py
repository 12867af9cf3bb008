"""A learning rate is known to be too large by the loss, the weights, or by what had to be put back."""

from tutelage.diagnosis.facts import Facts, Layer
from tutelage.diagnosis.rate_too_large import RateTooLarge


def test_a_training_that_was_put_back_had_too_large_a_rate() -> None:
    layers = (Layer("model.0.weight", 64, moved=1.0),)
    assert RateTooLarge().find(Facts(steps=500, layers=layers)) is None
    reason = RateTooLarge().find(Facts(steps=500, layers=layers, rollbacks=3, rate=0.5))
    assert reason is not None
    assert "diverged 3 times" in str(reason)
    assert RateTooLarge().find(Facts(steps=500, layers=layers, rollbacks=3, is_partly_better=True)) is not None
    assert RateTooLarge().find(Facts(steps=500, layers=(Layer("model.0.weight", 64, moved=99.0),), is_partly_better=True)) is None
    assert "ten times smaller" in str(reason)
