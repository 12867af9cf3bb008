"""The bar and its facts: what each kind of training has, as much of it as fits."""

import io
from collections.abc import Mapping

import pytest

from tutelage.core.events import Logged
from tutelage.track.progress import Progress
from tutelage.track.terminal import open_terminal

LOSS = {"train/loss": 0.3125, "lr": 0.001}
RIVALS = {
    "train/critic/loss": 1.25, "train/critic/real": 0.5, "train/generator/loss": 0.75, "critic/lr": 0.001, "generator/lr": 0.002,
}  # fmt: skip
AGENT = {"train/loss": 32.5, "train/entropy": 0.625, "train/env_steps": 4096.0, "train/return": 117.5, "lr": 0.001}


def progress(metrics: Mapping[str, float] = LOSS, *, best: str = "", epoch: float = 4.2, speed: float = 12.5) -> Progress:
    return Progress(
        Logged(step=420, total_steps=1000, epoch=epoch, metrics=metrics, steps_per_second=speed, remaining_seconds=75.0), best
    )


def drawn(shown: Progress, *, width: int, encoding: str = "utf-8") -> str:
    stream = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    open_terminal(stream, environment={"COLUMNS": str(width)}).print(shown, width=width)
    stream.seek(0)
    return stream.read().removesuffix("\n")


def test_a_lone_loss_is_told_with_its_learning_rate() -> None:
    assert progress().say(110) == "step 420/1,000  epoch 4.2  loss 0.3125  lr 1.0e-03  12.5 steps/s  1 min 15 s left"


def test_several_losses_come_first_and_rates_are_named_where_they_differ() -> None:
    said = progress(RIVALS).say(200)
    assert "critic loss 1.250  generator loss 0.7500  critic real 0.5000  critic lr 1.0e-03  generator lr 2.0e-03" in said
    assert "  lr 1.0e-03" in progress(RIVALS | {"generator/lr": 0.001}).say(200)


def test_metrics_in_their_own_right_come_before_parts_of_a_loss() -> None:
    said = progress(AGENT, epoch=0.0).say(200)
    assert "loss 32.50  return 117.5  entropy 0.6250  env steps 4,096" in said


def test_the_first_loss_and_the_best_score_stay_longest() -> None:
    said = progress(RIVALS, best="best coverage 91.20 %").say(74)
    assert said == "step 420/1,000  critic loss 1.250  best coverage 91.20 %  1 min 15 s left"


def test_an_epoch_that_would_read_zero_is_left_out() -> None:
    assert "epoch" not in progress(epoch=0.0).say(110)
    assert "epoch" not in progress(epoch=0.0002).say(110)


def test_slow_steps_are_told_in_seconds() -> None:
    assert "8 s/step" in progress(speed=0.125).say(110)


@pytest.mark.parametrize("width", range(20, 160, 7))
def test_the_bar_fits_any_width(width: int) -> None:
    line = drawn(progress(RIVALS, best="best accuracy 93.12 %"), width=width)
    assert len(line) <= width - len("^C")
    assert line.startswith(" 42%  \u2501")


def test_the_time_left_is_the_last_fact_to_go() -> None:
    assert drawn(progress(best="best accuracy 93.12 %"), width=37, encoding="ascii") == " 42%  ----         1 min 15 s left"


def test_an_endless_run_has_no_share() -> None:
    endless = Progress(Logged(step=5, total_steps=0, epoch=0.0))
    assert "%" not in drawn(endless, width=60)
    assert endless.say(60) == "step 5"
