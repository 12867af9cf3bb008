"""The linear probe: features as defined, views left out as by leaving them out, its file, its graph, and what it refuses."""

from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from tutelage.core.errors import DataError
from tutelage.data.part.image import ImagePart
from tutelage.data.part.table import TablePart
from tutelage.data.prepare.image import Image
from tutelage.floor import linear_probe, ridge
from tutelage.floor.lens import Lens, Stages
from tutelage.floor.linear_probe import MOST_SHIFTED, FittedProbe, LinearProbe
from tutelage.floor.ridge import fit_views
from tutelage.model.arch.cnn import Cnn

SIDE = 12


def pictures(count: int, *, seed: int) -> tuple[ImagePart, np.ndarray]:
    """Return grey pictures with a bar that lies, stands, or is not there, and which."""
    random = np.random.default_rng(seed)
    codes = random.integers(0, 3, count)
    pixels = random.integers(0, 60, (count, SIDE, SIDE, 1)).astype(np.uint8)
    for row, code in enumerate(codes):
        place = random.integers(3, SIDE - 3)
        if code == 1:
            pixels[row, place, 2:-2] = 250
        if code == 2:
            pixels[row, 2:-2, place] = 250
    return ImagePart("train", (), pixels, codes.astype(str), tuple(f"image {row}" for row in range(count)), "x"), codes


def lens(part: ImagePart) -> Lens:
    fitted = Image().fit(part)
    model = Cnn(stem=4, widths=(6, 8), depth=1)
    torch.manual_seed(0)
    network = model.build(fitted.shape, 5)
    assert isinstance(network, nn.Sequential)
    return Lens(network.eval(), model, fitted.shape, 5, "image", fitted)


def probed(count: int = 120) -> tuple[FittedProbe, Lens]:
    part, codes = pictures(count, seed=0)
    seen = lens(part)
    return LinearProbe().fit_through(seen, part, codes, num_classes=3, seed=0), seen


def test_features_are_roots_of_means_over_as_many_fields_as_a_field_has_pixels() -> None:
    part, _ = pictures(3, seed=1)
    seen = lens(part)
    found_NF = seen.features(seen.fitted.apply(part), detail=1.0)[0]
    held = seen.fitted.finisher()(seen.fitted.apply(part).take(torch.arange(3)))["image"]
    wanted = []
    with torch.no_grad():
        for stage in [nn.Identity(), *list(seen.network)[:-1]]:
            held = stage(held)
            if held.dim() == 4:
                count = int(np.ceil(np.sqrt(held.shape[2])))
                wanted.append(F.adaptive_avg_pool2d(held, count).flatten(1))
            else:
                wanted.append(held)
    means = torch.cat(wanted, dim=1).numpy()
    np.testing.assert_allclose(found_NF, np.sign(means) * np.sqrt(np.abs(means)), atol=1e-3)
    assert Stages(seen, 0.5).num_features < found_NF.shape[1]


def test_shifted_pictures_are_moved_by_a_pixel_and_their_edge_is_repeated() -> None:
    part, _ = pictures(2, seed=1)
    seen = lens(part)
    pixels = np.asarray(part.pixels)
    moved = [
        np.concatenate([pixels[:, 1:], pixels[:, -1:]], axis=1),
        np.concatenate([pixels[:, :1], pixels[:, :-1]], axis=1),
        np.concatenate([pixels[:, :, 1:], pixels[:, :, -1:]], axis=2),
        np.concatenate([pixels[:, :, :1], pixels[:, :, :-1]], axis=2),
    ]
    found_VNF = seen.features(seen.fitted.apply(part), detail=1.0, is_shifted=True)
    assert len(found_VNF) == 5
    for view, wanted in zip(found_VNF, [pixels, *moved], strict=True):
        own = ImagePart("train", (), wanted, None, part.names, "x")
        np.testing.assert_allclose(view, seen.features(seen.fitted.apply(own), detail=1.0)[0], atol=1e-5)


@pytest.mark.parametrize("num_classes", [3, 0])
def test_views_are_left_out_together(num_classes: int) -> None:
    random = np.random.default_rng(0)
    x_NF = random.normal(size=(20, 40))
    x_VNF = np.stack([x_NF, x_NF + 0.3 * random.normal(size=x_NF.shape)])
    x_VNF -= x_VNF.mean(axis=(0, 1))
    truth_N = random.integers(0, 3, 20) if num_classes else random.normal(size=20)
    flat, twice = x_VNF.reshape(40, 40), np.tile(truth_N, 2)
    y = np.where(twice[:, None] == np.arange(3), 1.0, -1.0) if num_classes else twice[:, None]
    u, values = ridge._left_vectors(flat)
    penalty = float(values.mean())
    kept = values / (values + penalty)
    error = y - y.mean(axis=0) - u @ (kept[:, None] * (u.T @ (y - y.mean(axis=0))))
    # By leaving out: a least squares of weights and a bias, of the rows that stay.
    ones = np.ones((40, 1))
    for row in (0, 7, 19):
        stays = np.arange(40) % 20 != row
        product = flat @ flat.T
        held = product[np.ix_(stays, stays)] + penalty * np.eye(stays.sum())
        system = np.block([[held, ones[stays]], [ones[stays].T, np.zeros((1, 1))]])
        solved = np.linalg.solve(system, np.vstack([y[stays], np.zeros((1, y.shape[1]))]))
        wanted = product[row, stays] @ solved[:-1] + solved[-1]
        found = (y[:20] - ridge._left_out(error, u, kept, 2))[row]
        np.testing.assert_allclose(found, wanted, atol=1e-6)
    fitted = fit_views(x_VNF, truth_N, num_classes=num_classes)
    assert fitted.weight.shape == (40, num_classes or 1)


def test_it_learns_survives_its_file_and_is_the_same_each_time() -> None:
    found, _ = probed()
    part, codes = pictures(60, seed=1)
    answers = found.answers(part)
    assert answers.shape == (60, 3)
    assert (answers.argmax(axis=1) == codes).mean() > 0.9
    assert np.array_equal(probed()[0].answers(part), answers)
    tensors = {name: tensor.clone() for name, tensor in found.tensors().items()}
    again = LinearProbe().restore(found.state(), tensors)
    assert np.array_equal(again.answers(part), answers)
    alone = np.concatenate([found.answers(part.select(np.array([row]))) for row in range(5)])
    np.testing.assert_allclose(alone, answers[:5], atol=1e-4)


def test_numbers_are_learned_in_their_unit() -> None:
    part, codes = pictures(150, seed=0)
    found = LinearProbe().fit_through(lens(part), part, 1_000.0 + 50.0 * codes, num_classes=0, seed=0)
    other, other_codes = pictures(50, seed=1)
    answers, truth = found.answers(other), 1_000.0 + 50.0 * other_codes
    assert answers.shape == (50,)
    assert ((answers - truth) ** 2).mean() < 0.3 * truth.var()


def test_its_graph_gives_its_answers() -> None:
    found, _ = probed()
    part, _ = pictures(9, seed=1)
    intake = found.intake()
    assert intake is not None
    module, made = intake.module(), np.empty((9, 3))
    for rows, raw in intake.feed(part):
        given = {name: torch.from_numpy(np.ascontiguousarray(values)) for name, values in raw.items()}
        with torch.no_grad():
            made[rows] = module(given)["answers"]
    np.testing.assert_allclose(made, found.answers(part), atol=1e-5)
    assert intake.inputs[0].name == "image"


def test_pictures_that_are_all_alike_give_the_mean() -> None:
    pixels = np.full((10, SIDE, SIDE, 1), 7, np.uint8)
    part = ImagePart("train", (), pixels, None, tuple(f"image {row}" for row in range(10)), "x")
    codes = np.array([0] * 8 + [1] * 2)
    answers = LinearProbe().fit_through(lens(pictures(10, seed=0)[0]), part, codes, num_classes=2, seed=0).answers(part)
    assert np.isfinite(answers).all()
    assert (answers[:, 0] > answers[:, 1]).all()


@pytest.mark.parametrize(("rows", "views"), [(MOST_SHIFTED, 5), (MOST_SHIFTED + 1, 1)])
def test_few_pictures_are_also_looked_at_shifted(rows: int, views: int, monkeypatch: pytest.MonkeyPatch) -> None:
    part, codes = pictures(rows, seed=0)
    seen, made = lens(part), list[int]()
    features = Lens.features

    def counted(self: Lens, *given: Any, **settings: Any) -> np.ndarray:
        found = features(self, *given, **settings)
        made.append(len(found))
        return found

    monkeypatch.setattr(Lens, "features", counted)
    LinearProbe().fit_through(seen, part, codes, num_classes=3, seed=0)
    assert made == [views]


def test_pictures_are_looked_at_less_finely_where_that_gives_too_many_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    part, codes = pictures(30, seed=0)
    seen = lens(part)
    finest = Stages(seen, 1.0).num_features
    for most, detail in ((finest, 1.0), (finest - 1, 0.5), (1, 0.25)):
        monkeypatch.setattr(linear_probe, "MOST_FEATURES", most)
        found = LinearProbe().fit_through(seen, part, codes, num_classes=3, seed=0)
        assert found.detail == detail
        assert found.answers(part).shape == (30, 3)


def test_other_rows_other_networks_and_other_sizes_are_refused() -> None:
    found, _ = probed()
    table = TablePart("input", pa.table({"a": [1, 2]}), "x.csv", np.arange(2), "", "x")
    with pytest.raises(DataError):
        found.answers(table)
    assert "12" in found.misfit(Image().fit(wide()).shape)
    assert found.misfit(found.lens.shape) == ""
    tensors = found.tensors()
    for damaged in ({}, {**tensors, "weight": tensors["weight"][:-1]}, {name: tensors[name] for name in ("weight", "bias")}):
        with pytest.raises((ValueError, KeyError, TypeError)):
            LinearProbe().restore(found.state(), damaged)
    held = found.state()["lens"]
    changes: tuple[dict[str, Any], ...] = (
        {"detail": 3.0},
        {"classes": 4},
        {"sharpness": float("nan")},
        {"lens": {**held, "num_outputs": 9}},
        # Far more memory than the file could fill is not even asked for.
        {"lens": {**held, "model": {**held["model"], "widths": (2**16, 2**16)}}},
    )
    for change in changes:
        with pytest.raises((ValueError, KeyError, TypeError)):
            LinearProbe().restore({**found.state(), **change}, tensors)


def wide() -> ImagePart:
    """Return pictures of another shape."""
    return ImagePart("train", (), np.zeros((4, SIDE, 2 * SIDE, 1), np.uint8), None, ("a", "b", "c", "d"), "x")
