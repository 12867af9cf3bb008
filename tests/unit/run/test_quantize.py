"""A model in int8 answers nearly as before, is smaller, and is refused where it answers worse than allowed."""

import json
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

import tutelage
from tutelage.cli.main import main
from tutelage.core.errors import RunError, UsageError
from tutelage.model.layers.recurrent import KernelLayer
from tutelage.model.stored import save_tensors
from tutelage.predictor.int8 import OnnxNetwork, export_network, quantized
from tutelage.predictor.predictor import FORMAT, load_predictor
from tutelage.run import quantize
from tutelage.run.compact import Yardstick, least_lost, lost_between, lost_points
from tutelage.run.ensemble import make_ensemble
from tutelage.run.quantize import _allowed, _Asked, _looked, _slower, make_int8
from tutelage.run.run import Run

pytest.importorskip("onnxruntime")


@pytest.fixture(scope="module")
def digits(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Train a small net of digits."""
    return tutelage.train("sklearn:digits", epochs=2, model="cnn", quiet=True, out=tmp_path_factory.mktemp("runs") / "digits")


@pytest.fixture(scope="module")
def small(digits: Run) -> Run:
    """The same in int8."""
    return make_int8(digits.path, digits.path.parent / "small", method="static")


def test_it_opens_as_any_run_and_answers_nearly_as_before(digits: Run, small: Run) -> None:
    again = tutelage.open_run(small.path)
    before, after = digits.predict_proba("sklearn:digits"), again.predict_proba("sklearn:digits")
    assert np.abs(before - after).max() < 0.1
    assert (before.argmax(axis=1) == after.argmax(axis=1)).mean() > 0.99
    told = again.result["int8"]
    assert told["lost"] <= 0.3
    assert told["size_bytes"]["int8"] < told["size_bytes"]["float32"] / 3
    assert set(told["latency_ms"]) == {"float32", "float32_onnx", "int8"}
    assert again.metrics["test/accuracy"] == pytest.approx(digits.metrics["test/accuracy"], abs=0.01)
    assert again.classes == digits.classes


def test_it_says_how_many_numbers_its_network_has_learned_and_teaches(digits: Run, small: Run, tmp_path: Path) -> None:
    assert small.predictor.num_parameters == digits.predictor.num_parameters > 0
    student = tutelage.distill(small.path, student="tiny", out=tmp_path / "student", steps=3, quiet=True, alone=False)
    teacher = student.result["distillation"]["teacher"]
    assert teacher["num_parameters"] == digits.predictor.num_parameters
    assert teacher["flops"] is None


def test_no_training_starts_from_it_and_what_it_was_made_of_is_named(digits: Run, small: Run, tmp_path: Path) -> None:
    with pytest.raises(RunError, match=rf"made smaller .* which cannot train it. .* --from {digits.path}"):
        tutelage.train("sklearn:digits", start_from=str(small.path), steps=1, quiet=True, out=tmp_path / "no")


def test_it_is_one_of_an_ensemble_and_no_step_is_followed(digits: Run, small: Run, tmp_path: Path) -> None:
    both = make_ensemble([digits.path, small.path], tmp_path / "both")
    expected = (digits.predict_proba("sklearn:digits") + small.predict_proba("sklearn:digits")) / 2
    np.testing.assert_allclose(both.predict_proba("sklearn:digits"), expected, atol=1e-6)
    with pytest.raises(RunError, match="one network at a time is made smaller"):
        make_int8(both.path, tmp_path / "no")
    with pytest.raises(RunError, match="computes in int8 already"):
        make_int8(small.path, tmp_path / "no")
    with pytest.raises(RunError, match="does not train"):
        tutelage.explain(small.path)


@pytest.mark.parametrize(
    ("onnx", "found"),
    [
        ({"num_members": "many"}, "onnx.num_members = 'many'"),
        ({"num_members": 10**12}, "onnx.num_members"),
        ({"num_members": 4}, r"sizes \(3, 10\) for 3 rows and 4 members"),
        ({"products": "int4"}, "onnx.products"),
        ({"path": "/etc"}, "onnx.path"),
    ],
)
def test_a_file_that_says_other_things_of_its_network_is_refused(
    onnx: dict[str, object], found: str, small: Run, tmp_path: Path
) -> None:
    weights, values = small.predictor.content()
    save_tensors(tmp_path / "bad", weights, format=FORMAT, values={**values, "onnx": {**values["onnx"], **onnx}})
    with pytest.raises(RunError, match=found):
        load_predictor(tmp_path / "bad")


def test_a_network_of_another_shape_is_refused_before_it_answers(small: Run, tmp_path: Path) -> None:
    weights, values = small.predictor.content()
    other = export_network(nn.Linear(3, 2), {"x": torch.zeros(2, 3)})
    weights["content"] = torch.frombuffer(bytearray(other), dtype=torch.uint8)
    save_tensors(tmp_path / "bad", weights, format=FORMAT, values=values)
    with pytest.raises(RunError, match="cannot compute the network"):
        load_predictor(tmp_path / "bad")


def test_more_loss_than_allowed_is_refused_and_nothing_written(digits: Run, tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"loses more than -100 on validation rows \(dynamic: .* on 144\).*--most-loss"):
        make_int8(digits.path, tmp_path / "no", method="dynamic", most_loss=-100)
    assert not (tmp_path / "no").exists()


def test_a_run_without_its_rows_is_refused(tmp_path: Path) -> None:
    rows = np.random.default_rng(0).normal(size=(60, 3))
    run = tutelage.train((rows, rows[:, 0] > 0), epochs=1, quiet=True, out=tmp_path / "run")
    with pytest.raises(UsageError, match="given its data from Python"):
        make_int8(run.path, tmp_path / "no")


def test_a_damaged_network_is_refused_in_words() -> None:
    with pytest.raises(RunError, match="ONNX Runtime cannot open"):
        OnnxNetwork(b"no such thing")


def test_inputs_that_do_not_fit_are_told_in_words() -> None:
    network = OnnxNetwork(export_network(nn.Linear(3, 2), {"x": torch.randn(2, 3)}))
    assert network(torch.randn(7, 3)).shape == (7, 2)
    with pytest.raises(RunError, match="ONNX Runtime cannot compute"):
        network(torch.randn(2, 4))


def test_what_takes_no_less_time_than_either_in_float32_is_told() -> None:
    assert _slower(2.0, 1.5, 1.0) == ""
    assert "hardly faster" in _slower(2.0, 1.1, 1.0)
    assert "8.0 times slower" in _slower(1.8, 20.0, 14.4)
    assert "takes 2 ms, with the run's own model 1 ms" in _slower(1.0, 3.0, 2.0)
    assert "by ONNX Runtime (tutelage export) 0.5 ms" in _slower(3.0, 0.5, 2.0)


def test_without_a_wished_method_a_slower_int8_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # What a busy machine measures of so small a network is chance.
    alike = {"1": {"p50": 1.0}, "32": {"p50": 1.0}}
    monkeypatch.setattr(quantize, "measure_models", lambda models: dict.fromkeys(models, alike))
    run = tutelage.train("sklearn:iris", model="linear", steps=2, quiet=True, out=tmp_path / "run")
    with pytest.raises(RunError, match=r"int8 would be smaller, hardly faster\. Nothing was written\..*--method"):
        make_int8(run.path, tmp_path / "no", most_loss=100)
    assert not (tmp_path / "no").exists()


@pytest.mark.parametrize("kind", [nn.LSTM, nn.GRU, nn.RNN])
def test_recurrent_networks_become_one_operation_for_any_number_of_steps(kind: type[nn.RNNBase]) -> None:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer, self.head = KernelLayer(kind(8, 16, batch_first=True)), nn.Linear(16, 2)

        def forward(self, x_BTD: torch.Tensor) -> torch.Tensor:
            outputs: torch.Tensor = self.head(self.layer(x_BTD).mean(dim=1))
            return outputs

    torch.manual_seed(0)
    network, x = Net(), torch.randn(3, 7, 8)
    content = export_network(network, {"x": torch.randn(2, 5, 8)}, free=["x"])
    with torch.no_grad():
        expected = network(x)
    torch.testing.assert_close(OnnxNetwork(content)(x), expected, rtol=1e-4, atol=1e-5)
    made = OnnxNetwork(quantized(content, [], method="dynamic"))
    torch.testing.assert_close(made(x), expected, rtol=0, atol=0.1)


def test_products_are_within_a_rounding_of_the_network() -> None:
    torch.manual_seed(0)
    network = nn.Sequential(nn.Linear(16, 32), nn.ReLU(), nn.Linear(32, 4))
    x = torch.randn(8, 16)
    content = export_network(network, {"x": x})
    with torch.no_grad():
        expected = network(x)
    torch.testing.assert_close(OnnxNetwork(content)(x), expected, rtol=1e-5, atol=1e-5)
    for method in ("static", "dynamic"):
        made = OnnxNetwork(quantized(content, [{"x": x.numpy()}], method=method))  # type: ignore[arg-type]
        # Two layers, each rounded to 1 part of 255 of its range.
        torch.testing.assert_close(made(x[:3]), expected[:3], rtol=0, atol=0.05)


def test_what_is_lost_is_counted_in_points_or_per_cent() -> None:
    truth = np.array([0, 1, 1, 0])
    right, wrong = np.eye(2)[truth], np.eye(2)[[0, 1, 1, 1]]
    lost = lost_points(right, wrong, truth, has_classes=True)
    assert (lost.lost, lost.agreement) == (25, 0.75)
    numbers = np.array([1.0, 2.0])
    assert lost_points(numbers + 1, numbers + 1.1, numbers, has_classes=False).lost == pytest.approx(10)
    assert lost_points(numbers, numbers, numbers, has_classes=False).lost == 0


def test_the_command_tells_what_was_lost_and_gained(digits: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["quantize", str(digits.path), "--out", str(tmp_path / "small"), "--method", "static", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["method"] == "static"
    assert told["latency_ms"]["int8"]["32"]["p50"] > 0
    assert told["before"] - told["after"] == pytest.approx(told["lost"] / 100)
    page = Path(told["report"]).read_text(encoding="utf-8")
    assert "in int8" in page
    assert "milliseconds for 32 at a time, p95" in page


@dataclass(frozen=True)
class Answering:
    """Answers rightly where a floor that knows the rows does, else as its network does."""

    network: float
    companion: Any = "floor"
    calibrator: Any = None
    target: Any = None

    def answers(self, part: np.ndarray) -> np.ndarray:
        return part + (self.network if self.companion is None else 0.0)


@pytest.mark.parametrize(("is_known", "lost"), [(True, 100.0), (False, 0.0)])
def test_a_floor_that_knows_the_rows_hides_no_loss(is_known: bool, lost: float) -> None:
    part: Any = SimpleNamespace(part=np.arange(9.0), truth=np.arange(9.0))
    before: Any = Answering(1.0)
    after: Any = Answering(2.0)
    assert lost_between(before, after, part, is_known=is_known).lost == lost


def test_too_much_loss_is_told_on_few_rows_and_the_others_are_not_asked_for() -> None:
    truth, told, asked = np.zeros(40_000), list[str](), list[int]()

    @dataclass(frozen=True)
    class Erring(Answering):
        def answers(self, part: np.ndarray) -> np.ndarray:
            asked.append(len(part))
            return super().answers(part)

    numbers = np.random.default_rng(0).normal(size=len(truth))
    sizes = (400, len(truth))
    looks = [Yardstick(Erring(1.0, None), rows(numbers[:size], truth[:size]), is_known=False) for size in sizes]  # type: ignore[arg-type]
    many, little = (_looked("static", Erring(error, None), looks, _Asked("auto", 5, told.append)) for error in (2.0, 1.01))  # type: ignore[arg-type]
    assert asked == [400, 400, 400, 40_000, 40_000], "the model itself answers once for each"
    assert (many.num_rows, little.num_rows) == sizes
    assert "lost on 400 validation rows, more than 5" in told[0]
    assert told[2] == f"int8 (static): {little.lost.lost:.2f} per cent of the RMSE lost on 40,000 validation rows"
    run: Any = SimpleNamespace(path="runs/a")
    with pytest.raises(RunError, match=r"loses more than 5 on validation rows \(static: .*the RMSE on 400; no words\)"):
        _allowed(run, {"static": many}, {"dynamic": "no words"}, most_loss=5)
    assert set(_allowed(run, {"static": many, "dynamic": little}, {}, most_loss=5)) == {"dynamic"}


def rows(part: np.ndarray, truth: np.ndarray) -> Any:
    class Part:
        def __len__(self) -> int:
            return len(part)

    found: Any = Part()
    found.part, found.truth = part, truth
    return found


@pytest.mark.parametrize("has_classes", [True, False])
def test_what_is_lost_at_the_least_is_hardly_ever_more_than_what_is_lost_on_all_rows(has_classes: bool) -> None:
    random = np.random.default_rng(0)
    truth = random.integers(3, size=20_000) if has_classes else random.normal(size=20_000)
    noise = random.normal(size=(20_000, 3) if has_classes else 20_000)
    before = (np.eye(3)[truth] if has_classes else truth) + 0.3 * noise
    after = before + 0.2 * random.normal(size=before.shape)
    whole = lost_points(before, after, truth, has_classes=has_classes).lost
    drawn = [random.integers(20_000, size=300) for _ in range(200)]
    least = np.array([least_lost(before[few], after[few], truth[few], has_classes=has_classes) for few in drawn])
    assert (least > whole).mean() <= 0.02
    assert whole / 2 < least_lost(before, after, truth, has_classes=has_classes) < whole, "many rows leave little doubt"
