"""One row explained: its numbers are those of a training step, of torch by hand, and of the formulas that are shown."""

import hashlib
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

import tutelage
from tests.contract.examples import chars, series, text_folder
from tutelage.cli.main import main
from tutelage.core.errors import DataError, RunError, UsageError
from tutelage.run.compose import compose
from tutelage.run.explain import Asked, follow_row
from tutelage.run.lesson import Remark
from tutelage.run.run import Run
from tutelage.task.beside import Beside
from tutelage.training.checkpoint import newest_checkpoint

STAGES = ["data", "preprocessing", "architecture", "initialization", "forward", "loss", "backpropagation", "optimizer", "epochs"]
LINES = 80


def passengers(folder: Path) -> Path:
    rng = np.random.default_rng(0)
    lines = ["age,sex,ticket,fare,survived"]
    for number in range(LINES):
        age, sex, fare = rng.integers(1, 70), rng.choice(["male", "female"]), rng.normal(30, 9)
        survived = "yes" if (sex == "female") ^ (rng.random() < 0.1) else "no"
        lines.append(f"{'' if number % 9 == 4 else age},{sex},T{number},{fare:.2f},{survived}")
    path = folder / "passengers.csv"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def train(source: Path | str, out: Path, *words: str) -> Path:
    assert main(["train", str(source), "--quiet", "--out", str(out), *words]) == 0
    return out


def explained(run: Path, capsys: pytest.CaptureFixture[str], *words: str) -> dict[str, Any]:
    capsys.readouterr()
    assert main(["explain", str(run), "--json", *words]) == 0
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    assert found["part"] in ("train", "validation", "test")
    assert [key for key in found if key in STAGES] == STAGES
    return found


def digests(folder: Path) -> dict[str, str]:
    return {str(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.rglob("*")) if path.is_file()}


@pytest.fixture(scope="module")
def run_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("table")
    words = ("--target", "survived", "--model", "linear", "--steps", "12", "--set", "precision=float32", "--set", "optim=adamw")
    return train(passengers(folder), folder / "run", *words)


def test_a_row_is_told_from_its_cells_to_its_update(run_dir: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before, generator = digests(run_dir), torch.get_rng_state()
    capsys.readouterr()
    assert main(["explain", str(run_dir), "--row", "2"]) == 0
    text = capsys.readouterr().out
    titles = ("The data", "Preprocessing", "The architecture", "Initialization", "The forward pass", "The loss", "Backprop")
    places = [text.index(f"{number}. {title}") for number, title in enumerate(titles, start=1)]
    assert places == sorted(places)
    assert "-ln " in text
    assert "w = (1 - " in text
    assert digests(run_dir) == before
    assert torch.equal(torch.get_rng_state(), generator)


def test_a_plan_of_another_network_is_refused_by_its_file(run_dir: Path) -> None:
    run = Run.open(run_dir)
    vars(run)["decided"] = run.decided.but(num_outputs=2)
    with pytest.raises(RunError, match=r"plan\.json: says another network than .* Bring an intact copy"):
        follow_row(run, Asked())


def test_each_cell_is_shown_before_and_after(run_dir: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = explained(run_dir, capsys, "--row", "3")
    changes = {change["name"]: change for change in found["preprocessing"]["changes"]}
    line = int(found["where"].split()[-1])
    cells = (run_dir.parent / "passengers.csv").read_text().split("\n")[line - 1].split(",")
    assert found["data"]["shown"]["row"]["sex"] == changes["sex"]["before"] == cells[1]
    assert found["data"]["target"] == cells[4]
    assert changes["sex"]["after"].startswith("code ")
    sum_, result = changes["fare"]["how"].split(" = ")
    assert math.isclose(eval(sum_), float(result), rel_tol=2e-2)
    assert changes["fare"]["after"] == result
    assert float(result) in [pytest.approx(value, rel=1e-3) for value in found["preprocessing"]["inputs"]["number"]["first"]]


def test_the_loss_is_that_of_the_predictor(run_dir: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = explained(run_dir, capsys, "--row", "5", "--part", "validation")
    run = tutelage.open_run(run_dir)
    row = Run.open(run_dir).data().validation.part.select(np.array([4]))  # type: ignore[attr-defined]
    probability = dict(zip(run.classes, run.predictor.answers(row)[0], strict=True))
    assert found["loss"]["probabilities"] == {name: pytest.approx(float(value), rel=1e-5) for name, value in probability.items()}
    right = float(probability[found["data"]["target"]])
    assert found["loss"]["loss"] == pytest.approx(-math.log(right), rel=1e-5)
    assert f"= {found['loss']['loss']:.4g}" in found["loss"]["sums"][-1]


def test_adam_with_an_empty_memory_is_torchs_own(run_dir: Path) -> None:
    run = Run.open(run_dir)
    row = follow_row(run, Asked(row=4, at="start"))
    followed, optim, batch = row.followed, row.plan.optim, row.example.batch
    network = row.network
    network.load_state_dict({key.removeprefix("model."): value for key, value in row.start.items()}, strict=False)
    rate = optim.lr * row.plan.schedule.factor(0.0)
    settings = {"lr": rate, "betas": (optim.beta1, optim.beta2), "eps": optim.eps}
    groups = [
        {"params": [p for p in network.parameters() if p.ndim > 1], "weight_decay": optim.weight_decay},
        {"params": [p for p in network.parameters() if p.ndim < 2], "weight_decay": 0.0},
    ]
    by_hand = torch.optim.AdamW(groups, **settings)  # type: ignore[arg-type]
    outputs = network(batch["number"], batch["category"])
    loss = F.binary_cross_entropy_with_logits(outputs, batch["target"][:, None].float())
    loss.backward()
    assert followed.loss_before == pytest.approx(loss.item(), rel=1e-5)
    for name, parameter in network.named_parameters():
        assert torch.allclose(followed.gradients[f"model.{name}"], parameter.grad, rtol=1e-5, atol=1e-7)  # type: ignore[arg-type]
    by_hand.step()
    for name, parameter in network.named_parameters():
        assert torch.allclose(followed.weights_after[f"model.{name}"], parameter, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("optim", ["sgd", "adam", "adamw"])
def test_the_update_is_the_one_that_a_training_step_makes(tmp_path: Path, optim: str) -> None:
    words = ("--target", "survived", "--steps", "1", "--set", "batch_size=1", "--set", f"optim={optim}", "--model", "linear")
    run = Run.open(train(passengers(tmp_path), tmp_path / "run", *words))
    stream = compose(run.decided, run.data()).problem.stream
    stream.next()
    rows = stream.row_numbers()
    assert rows is not None
    followed = follow_row(run, Asked(row=int(rows[0]) + 1, at="start")).followed
    trained = newest_checkpoint(run.path)[0].tensors
    for name, weights in followed.weights_after.items():
        assert torch.equal(weights, trained[f"task/{name}"]), name
        assert not torch.equal(weights, followed.weights_before[name])


@pytest.mark.parametrize("optim", ["sgd", "adam", "adamw"])
def test_the_sums_that_are_shown_come_out(tmp_path: Path, optim: str) -> None:
    words = ("--target", "survived", "--steps", "6", "--set", f"optim={optim}", "--set", "optim.weight_decay=0.1")
    run = Run.open(train(passengers(tmp_path), tmp_path / "run", "--model", "linear", *words))
    for at in ("start", "end"):
        explanation = tutelage.explain(run.path, row=2, at=at)  # type: ignore[arg-type]
        text = explanation.text()
        (line,) = [line for line in text.split("\n") if line.strip().startswith("w = ") and " = " in line.strip()[4:]]
        *_, sum_, result = line.split(" = ")
        assert eval(sum_) == pytest.approx(float(result), rel=5e-4)
        assert explanation.stage("optimizer")["weights"][0]["after"] == pytest.approx(float(result), rel=1e-5)


def test_the_memory_is_that_of_the_checkpoint(run_dir: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = explained(run_dir, capsys)["optimizer"]
    assert "of step 12" in found["memory"]
    row = follow_row(Run.open(run_dir), Asked())
    kept = newest_checkpoint(run_dir)[0].tensors
    for name, moments in row.followed.moments_before.items():
        assert torch.equal(moments["exp_avg"], kept[f"optim/fit/{name}/exp_avg"])
    assert found["loss_after"] == row.followed.loss_after != row.followed.loss_before
    assert found["loss_after_alone"] < found["loss_before"]


def test_an_image_set_is_explained_on_a_page_that_needs_nothing_else(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = train("sklearn:digits", tmp_path / "run", "--steps", "4", "--set", "model.widths=[8,8]")
    page = tmp_path / "page.html"
    assert main(["explain", str(run), "--row", "7", "--out", str(page)]) == 0
    text = page.read_text(encoding="utf-8")
    assert "data:image/png;base64," in text
    assert "prefers-color-scheme: dark" in text
    assert "<svg" in text
    assert not any(word in text for word in ("http://", "https://", "<link", 'src="/'))
    found = explained(run, capsys, "--row", "7")
    layers = found["forward"]["layers"]
    assert layers[-1]["output_shape"] == [10]
    assert any(layer["zeros"] > 0.1 for layer in layers)
    assert found["loss"]["sums"][-1].endswith(f"= {found['loss']['loss']:.4g}")
    assert sum(layer["gradient_norm"] ** 2 for layer in found["backpropagation"]["layers"]) == pytest.approx(
        found["backpropagation"]["gradient_norm"] ** 2, rel=1e-4
    )


def test_texts_are_explained_by_word(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = train(text_folder(tmp_path), tmp_path / "run", "--steps", "4")
    found = explained(run, capsys, "--row", "2")
    changes = found["preprocessing"]["changes"]
    numbers = [int(change["after"]) for change in changes if change["name"].startswith("word ")]
    assert numbers == found["preprocessing"]["inputs"]["token"]["first"][: len(numbers)]
    assert changes[1]["before"] in found["data"]["shown"]["text"].lower()


def test_each_layer_of_a_convolution_over_words_is_shown(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ("--steps", "2", "--model", "text_cnn", "--set", "model.width=8", "--set", "floor=none")
    run = train(text_folder(tmp_path), tmp_path / "run", *words)
    found = explained(run, capsys, "--row", "1")
    kinds = {"places": "EmbeddingBag", "active": "ReLU", "dropout": "Dropout", "head": "Linear"}
    assert {layer["name"]: layer["kind"] for layer in found["architecture"]["layers"]} == kinds
    forward = {layer["name"]: layer for layer in found["forward"]["layers"]}
    assert list(forward) == list(kinds), "in the order in which they work"
    assert forward["places"]["output_shape"][-1] == 8
    assert forward["active"]["zeros"] > 0
    assert forward["head"]["input_shape"] == [8]
    moved = {layer["name"] for layer in found["backpropagation"]["layers"] if layer["gradient_norm"]}
    assert {"places", "head"} <= moved


def test_a_run_itself_is_explained_and_the_row_named_as_it_was_counted(run_dir: Path) -> None:
    found = tutelage.explain(tutelage.open_run(run_dir), row=2)
    assert found.record() == tutelage.explain(run_dir, row=2).record()
    assert found.title == f"row 2 of the train part ({found.where}): one row through the training"
    assert found.where.startswith("passengers.csv row ")


@pytest.mark.parametrize(("share", "said"), [(1.0, "come from the floor alone (word_pairs"), (0.5, "the mean of the network")])
def test_it_is_said_first_that_the_floor_leaves(
    share: float, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    choose = Beside.choose

    def chosen(beside: Beside, *args: Any, **settings: Any) -> None:
        choose(beside, *args, **settings)
        beside.share = share

    monkeypatch.setattr(Beside, "choose", chosen)
    words = ["train", str(text_folder(tmp_path)), "--out", str(tmp_path / "run"), "--steps", "2"]
    assert main(words) == 0
    told = {1.0: "the floor alone", 0.5: "the mean of network and floor"}[share]
    assert f"What leaves: {told}." in " ".join(capsys.readouterr().err.split())
    run = tutelage.open_run(tmp_path / "run")
    explanation = tutelage.explain(run, row=1)
    first = explanation.stages[0].blocks[0]
    assert isinstance(first, Remark)
    assert said in first.text
    assert explanation.stage("data")["floor_share"] == share
    row = Run.open(run.path).data().train.part.select(np.array([0])).renamed("input")  # type: ignore[attr-defined]
    (label,), sure = run.predictor.target.labels(run.predictor.answers(row)), float(run.predictor.answers(row).max())  # type: ignore[union-attr]
    assert explanation.stage("loss")["leaves"].startswith(f"{label} with probability {sure:.4f}")
    assert ("the floor alone answers" in explanation.text()) == (share < 1)


def test_series_are_explained(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ("--steps", "3", "--set", "model.width=4", "--set", "model.depth=2", "--set", "floor=none")
    run = train(series(tmp_path), tmp_path / "run", *words)
    found = explained(run, capsys, "--row", "1", "--part", "test")
    assert found["preprocessing"]["changes"][-1]["name"].startswith("channel")
    assert found["loss"]["loss"] > 0


@pytest.mark.parametrize("model", ["lstm", "min_gru"])
def test_recurrent_layers_are_told(model: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ("--steps", "2", "--model", model, "--set", "model.width=6", "--set", "floor=none")
    found = explained(train(series(tmp_path), tmp_path / "run", *words), capsys)
    layers = found["forward"]["layers"]
    assert layers[0]["name"].startswith("embed")
    assert layers[-1]["name"] == "head"
    assert all(layer["gradient_norm"] > 0 for layer in found["backpropagation"]["layers"])


def test_a_number_is_explained_in_both_scales(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ("--target", "fare", "--task", "regress", "--steps", "4", "--model", "linear")
    run = train(passengers(tmp_path), tmp_path / "run", *words)
    loss = explained(run, capsys, "--row", "2")["loss"]
    assert loss["loss"] == pytest.approx((loss["output"] - loss["target"]) ** 2, rel=1e-4)
    assert loss["target_units"] == pytest.approx(float(explained(run, capsys, "--row", "2")["data"]["target"]))


def test_a_place_of_a_long_text_is_explained(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    chars(tmp_path)
    small = ("--set", "model.width=16", "--set", "model.depth=1", "--set", "model.heads=2", "--set", "prepare.length=16")
    run = train(tmp_path / "words.txt", tmp_path / "run", "--steps", "3", *small)
    found = explained(run, capsys, "--row", "5")
    assert found["loss"]["loss"] == pytest.approx(float(np.mean(found["loss"]["loss_by_place"])), rel=1e-5)
    assert found["data"]["shown"]["text"][1:] == found["data"]["target"]
    assert main(["explain", str(run), "--row", "999999"]) == 2
    assert "begin at the places 1 to" in capsys.readouterr().err


def test_what_cannot_be_explained_is_told(run_dir: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for words, told in (
        (["--row", "0"], "counted from 1"),
        (["--row", "900"], "the train part has the rows 1 to"),
        (["--out", str(run_dir / "report.html")], "is a file of the run"),
        (["--out", str(tmp_path / "page.txt")], "ends in .html"),
    ):
        assert main(["explain", str(run_dir), *words]) == 2
        assert told in capsys.readouterr().err
    with pytest.raises(UsageError, match="expected a whole number"):
        tutelage.explain(run_dir, row=1.5)  # type: ignore[arg-type]


def test_a_row_of_another_file_is_explained_if_it_has_a_label(run_dir: Path, tmp_path: Path) -> None:
    file = tmp_path / "new.csv"
    file.write_text("age,sex,ticket,fare,survived\n33,female,T1,21.5,no\n", encoding="utf-8")
    assert tutelage.explain(run_dir, file=file).stage("data")["target"] == "no"
    file.write_text("age,sex,ticket,fare\n33,female,T1,21.5\n", encoding="utf-8")
    with pytest.raises(DataError, match="no label"):
        tutelage.explain(run_dir, file=file)


def test_data_from_python_have_to_be_given_again(tmp_path: Path) -> None:
    class Own(nn.Module):
        """Two layers."""

        def __init__(self) -> None:
            super().__init__()
            self.first, self.last = nn.Linear(4, 6), nn.Linear(6, 2)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            """Return logits."""
            return self.last(self.first(x).relu())

    x = np.random.default_rng(0).normal(size=(100, 4)).astype("float32")
    y = np.where(x[:, 0] > 0, "right", "left")
    run = tutelage.train((x, y), model=Own(), epochs=1, quiet=True, out=tmp_path / "run")
    with pytest.raises(RunError, match=r"data=\(X, y\), model=Own\(\)"):
        tutelage.explain(run.path, model=Own())
    with pytest.raises(RunError, match="which is not stored as code"):
        tutelage.explain(run.path, data=(x, y))
    module = Own()
    weights = [parameter.clone() for parameter in module.parameters()]
    found = tutelage.explain(run.path, row=3, model=module, data=(x, y), out=tmp_path / "page.html")
    assert [layer["name"] for layer in found.stage("forward")["layers"]] == ["first", "last"]
    assert all(torch.equal(old, new) for old, new in zip(weights, module.parameters(), strict=True))
    assert (tmp_path / "page.html").exists()


def test_a_training_without_rows_that_lead_to_an_update_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = train("sklearn:digits", tmp_path / "run", "--task", "generate", "--steps", "1")
    capsys.readouterr()
    assert main(["explain", str(run)]) == 2
    assert "nothing to follow" in capsys.readouterr().err


def test_data_that_are_gone_are_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = passengers(tmp_path)
    run = train(source, tmp_path / "run", "--target", "survived", "--steps", "1", "--model", "linear")
    source.rename(tmp_path / "elsewhere.csv")
    assert main(["explain", str(run)]) == 2
    assert "no longer at" in capsys.readouterr().err
