"""Answers are averaged with those of mirror images where held-out rows say that this is better, or where it is wished."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

import tutelage
from tutelage.cli.main import main
from tutelage.core.errors import RecipeError, UsageError
from tutelage.metric.base import Outcome
from tutelage.run.run import Run
from tutelage.task.answering import Answering
from tutelage.task.classify import Classify
from tutelage.task.mirroring import Mirroring


@pytest.fixture(scope="module")
def pictures() -> tuple[np.ndarray, np.ndarray]:
    """Bright above or below: a class that every mirror image keeps, under much noise."""
    random = np.random.default_rng(0)
    codes = random.integers(2, size=300)
    pixels = random.normal(128, 60, size=(300, 8, 8))
    pixels[codes == 1, :4] += 10
    pixels[codes == 0, 4:] += 10
    return pixels.clip(0, 255).astype(np.uint8), codes


def _trained(pictures: tuple[np.ndarray, np.ndarray], out: Path, **wishes: object) -> Run:
    return tutelage.train(pictures, task="classify", epochs=3, floor="none", quiet=True, out=out, **wishes)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def wished(pictures: tuple[np.ndarray, np.ndarray], tmp_path_factory: pytest.TempPathFactory) -> Run:
    return _trained(pictures, tmp_path_factory.mktemp("runs") / "on", mirror="on")


def test_the_mean_of_both_answers_leaves() -> None:
    torch.manual_seed(0)
    network = nn.Sequential(nn.Flatten(), nn.Linear(12, 3))
    image = torch.randn(5, 1, 3, 4)
    plain = Answering(nn.Identity(), network, task=Classify(), input_names=("image",))
    both = Answering(nn.Identity(), network, task=Classify(), input_names=("image",), mirrored={"image": -1})
    expected = (plain({"image": image}) + plain({"image": image.flip(-1)})) / 2
    torch.testing.assert_close(both({"image": image}), expected)
    torch.testing.assert_close(both({"image": image.flip(-1)}), expected)


def test_a_wish_is_kept_in_file_and_answers(pictures: tuple[np.ndarray, np.ndarray], wished: Run) -> None:
    again, turned = tutelage.open_run(wished.path), pictures[0][:, :, ::-1].copy()
    assert again.result["mirror"] == {"is_on": True}
    np.testing.assert_allclose(again.predict_proba(pictures[0]), again.predict_proba(turned), atol=1e-6)
    off = again.mirrored("off")
    expected = (off.predict_proba(pictures[0]) + off.predict_proba(turned)) / 2
    assert np.abs(off.predict_proba(pictures[0]) - off.predict_proba(turned)).max() > 1e-3
    np.testing.assert_allclose(again.predict_proba(pictures[0]), expected, atol=1e-6)
    assert again.mirrored("auto").answerer.is_mirrored  # type: ignore[union-attr]


def test_the_test_part_is_measured_as_answers_leave(pictures: tuple[np.ndarray, np.ndarray], tmp_path: Path, wished: Run) -> None:
    plain = _trained(pictures, tmp_path / "off", mirror="off")
    assert wished.metrics["val/loss"] != plain.metrics["val/loss"]
    assert "mirror" not in plain.result
    data = wished.data(pictures)
    part = data.parts()["test"]  # type: ignore[attr-defined]
    answers = wished.predictor.answers(part.part)
    loss = Classify().mistakes(Outcome(answers, part.truth))[0].mean()
    assert wished.metrics["test/loss"] == pytest.approx(loss, abs=1e-5)


class _Rows:
    """Held-out rows, 28 of 40 answered rightly, of which with mirror images more or fewer are."""

    def __init__(self, *, after: int) -> None:
        self.after, self.mirroring = after, None

    def __len__(self) -> int:
        return 40

    def outcomes(self, task: object) -> list[tuple[np.ndarray, Outcome]]:
        assert self.mirroring is not None
        right = np.where(np.arange(40) < (self.after if self.mirroring.is_on else 28), 0.8, 0.2)
        return [(np.arange(40), Outcome(np.stack([right, 1 - right], axis=1), np.zeros(40, dtype=np.int64)))]


@pytest.mark.parametrize(("after", "is_on"), [(39, True), (28, False), (29, False), (20, False)])
def test_held_out_rows_decide(after: int, is_on: bool, wished: Run) -> None:
    rows = _Rows(after=after)
    rows.mirroring = mirroring = Mirroring(wished.decided.but(mirror="auto"))  # type: ignore[assignment]
    mirroring.asked_of(rows, num_test=60, scale=Classify())  # type: ignore[arg-type]
    assert mirroring.axes == {}
    assert "ms" in mirroring.decide(None)  # type: ignore[arg-type]
    assert mirroring.is_on == is_on
    assert mirroring.record()["is_on"] == is_on
    assert mirroring.reserve_seconds(1.0) == 2 * 40 + 40 + 60


def test_the_plan_says_who_decides(pictures: tuple[np.ndarray, np.ndarray]) -> None:
    decided = {decision.key: decision for decision in tutelage.plan(pictures, task="classify").decisions}
    assert decided["mirror"].value in ("auto", "off")
    assert "mirror images" in decided["mirror"].reason or "validation rows" in decided["mirror"].reason
    with pytest.raises(RecipeError, match="have no mirror images"):
        tutelage.plan((np.random.default_rng(0).normal(size=(50, 3)), pictures[1][:50]), task="classify", mirror="on")


def test_the_command_takes_it(
    pictures: tuple[np.ndarray, np.ndarray], wished: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from PIL import Image

    file = tmp_path / "one.png"
    Image.fromarray(pictures[0][0]).save(file)
    found = []
    for wish in ("auto", "on", "off"):
        assert main(["predict", str(wished.path), str(file), "--mirror", wish, "--json"]) == 0
        found.append(json.loads(capsys.readouterr().out)["predictions"][0]["p(0)"])
    assert found[0] == found[1] != found[2]


def test_rows_without_mirror_images_are_refused(tmp_path: Path) -> None:
    rows = np.random.default_rng(0).normal(size=(60, 3))
    run = tutelage.train((rows, rows[:, 0] > 0), epochs=1, quiet=True, out=tmp_path / "run")
    with pytest.raises(UsageError, match="have no mirror images"):
        run.mirrored("on")
