"""Public weights from a local folder: small networks of the library itself, saved, and fine-tuned on pictures and texts."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import tutelage
from tutelage.core.errors import RecipeError, RunError, TutelageError
from tutelage.run.public_weights import find_public, read_public
from tutelage.run.run import Run

transformers: Any = pytest.importorskip("transformers")
WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "the", "film", "a", "scene", "great", "dull", "."]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A vision transformer, a residual network and a BERT, as their authors would save them."""
    torch.manual_seed(0)
    transformers.logging.disable_progress_bar()
    place = tmp_path_factory.mktemp("public")
    sizes = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32}
    vit = transformers.ViTConfig(**sizes, image_size=16, patch_size=4, num_labels=7)
    transformers.ViTForImageClassification(vit).save_pretrained(place / "vit")
    processor = {"size": {"height": 16, "width": 16}, "image_mean": [0.4, 0.5, 0.6], "image_std": [0.2, 0.2, 0.25]}
    (place / "vit" / "preprocessor_config.json").write_text(json.dumps(processor), encoding="utf-8")
    (place / "vit" / "README.md").write_text("---\ntags: [x]\nlicense: apache-2.0\n---\n# A card\n", encoding="utf-8")
    resnet = transformers.ResNetConfig(embedding_size=8, hidden_sizes=[8, 12], depths=[1, 1], layer_type="basic")
    transformers.ResNetModel(resnet).save_pretrained(place / "resnet")
    processor = {"size": {"shortest_edge": 20}, "crop_size": {"height": 16, "width": 16}, "do_center_crop": True}
    (place / "resnet" / "preprocessor_config.json").write_text(json.dumps(processor), encoding="utf-8")
    bert = transformers.BertConfig(**sizes, vocab_size=len(WORDS), max_position_embeddings=32)
    transformers.BertForMaskedLM(bert).save_pretrained(place / "bert")
    (place / "vocab.txt").write_text("\n".join(WORDS), encoding="utf-8")
    transformers.BertTokenizerFast(str(place / "vocab.txt")).save_pretrained(place / "bert")
    return place


def pictures(*, count: int = 32, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Reddish and bluish noise, uint8 [N, 20, 20, 3]."""
    random = np.random.default_rng(seed)
    labels = np.array([("red", "blue")[index % 2] for index in range(count)], dtype=object)
    pixels = random.integers(0, 120, size=(count, 20, 20, 3), dtype=np.uint8)
    for index, label in enumerate(labels):
        pixels[index, ..., 0 if label == "red" else 2] += 120
    return pixels, labels


def train(data: Any, out: Path, start: Path, **wishes: Any) -> Run:
    # These weights know nothing: all of them have to move.
    origin = {"path": str(start), "factor": 1.0, "deepest": 1.0}
    usual = {"steps": 30, "stopping": {"patience": 1.0}, "optim": {"kind": "adamw", "lr": 0.01}}
    return tutelage.train(data, out=out, quiet=True, start_from=origin, **{**usual, **wishes})


@pytest.mark.parametrize("kind", ["vit", "resnet"])
def test_pictures_take_over_size_and_normalization_and_need_the_folder_no_more(kind: str, folder: Path, tmp_path: Path) -> None:
    start = tmp_path / kind
    shutil.copytree(folder / kind, start)
    run = train(pictures(), tmp_path / "run", start)
    shutil.rmtree(start)
    opened = tutelage.open_run(run.path)
    fitted: Any = opened.predictor.fitted
    assert fitted.size == (16, 16)
    assert fitted.framing == ("stretch" if kind == "vit" else "crop")
    if kind == "vit":
        assert fitted.mean == pytest.approx([102.0, 127.5, 153.0])
        assert fitted.deviation == pytest.approx([51.0, 51.0, 63.75])
    pixels, labels = pictures(seed=1)
    assert np.mean(np.array(opened.predict(pixels)) == labels) >= 0.9
    origin = opened.decided.origin
    assert origin is not None
    assert origin.licence == ("apache-2.0" if kind == "vit" else "")
    assert origin.fresh == ("head.weight", "head.bias")
    assert origin.head == 0.2


def test_the_weights_are_those_of_the_library_itself(folder: Path) -> None:
    public = read_public("vit", folder / "vit")
    library = transformers.ViTModel.from_pretrained(folder / "vit", add_pooling_layer=False).eval()
    theirs = library.state_dict()
    assert {f"backbone.{name}" for name in theirs} == set(public.weights)
    assert all(torch.equal(public.weights[f"backbone.{name}"], value) for name, value in theirs.items())
    model: Any = public.model
    network = model.build(public.fitted.shape, 2).eval()
    network.load_state_dict(public.weights, strict=False)
    image = torch.randn(2, 3, 16, 16)
    expected = network.head(library(pixel_values=image).last_hidden_state[:, 0])
    torch.testing.assert_close(network(image), expected)


def test_texts_are_read_by_the_tokenizer_that_came_with_the_weights(folder: Path, tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    labels = [("good", "bad")[index % 2] for index in range(60)]
    texts = [
        " ".join([*random.choice(["the", "a", "film", "scene"], 4), "great" if label == "good" else "dull", "."])
        for label in labels
    ]
    run = train((texts, labels), tmp_path / "run", folder / "bert", floor="none")
    fitted: Any = run.predictor.fitted
    theirs = transformers.BertTokenizerFast.from_pretrained(folder / "bert")
    assert [row.tolist() for row in fitted.encode(texts[:3])] == theirs(texts[:3])["input_ids"]
    assert run.predict(["the film great .", "a scene dull ."]) == ["good", "bad"]


def test_it_resumes_to_the_bit(folder: Path, tmp_path: Path) -> None:
    whole = train(pictures(), tmp_path / "whole", folder / "vit", steps=8, save={"every_seconds": 0})
    again = train(pictures(), tmp_path / "again", folder / "vit", steps=8, save={"every_seconds": 0})
    checkpoints = sorted((again.path / "steps").iterdir())
    checkpoints[-1].unlink()
    for name in ("result.json", "report.html"):
        (again.path / name).unlink()
    tutelage.resume(again.path, pictures(), quiet=True)
    assert (again.path / "last/predictor.safetensors").read_bytes() == (whole.path / "last/predictor.safetensors").read_bytes()


def test_other_files_of_weights_are_not_read(folder: Path, tmp_path: Path) -> None:
    place = tmp_path / "pickled"
    shutil.copytree(folder / "vit", place)
    (place / "model.safetensors").rename(place / "pytorch_model.bin")
    with pytest.raises(RunError, match="may hold code"):
        train(pictures(), tmp_path / "run", place)


def test_a_network_that_needs_code_of_its_own_is_refused_and_the_code_is_not_run(folder: Path, tmp_path: Path) -> None:
    place = tmp_path / "remote"
    shutil.copytree(folder / "vit", place)
    mark = tmp_path / "was_run"
    (place / "modeling_x.py").write_text(f"open({str(mark)!r}, 'w').close()\n", encoding="utf-8")
    config = json.loads((place / "config.json").read_text(encoding="utf-8"))
    config |= {"model_type": "x", "auto_map": {"AutoModel": "modeling_x.X", "AutoConfig": "modeling_x.XConfig"}}
    (place / "config.json").write_text(json.dumps(config), encoding="utf-8")
    with pytest.raises(RunError, match="code that comes with weights is never run"):
        train(pictures(), tmp_path / "run", place)
    # A network that the library knows is built by the library, whatever the folder says.
    config["model_type"] = "vit"
    (place / "config.json").write_text(json.dumps(config), encoding="utf-8")
    assert read_public("x", place).weights
    assert not mark.exists()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda place: (place / "config.json").write_text("{", encoding="utf-8"), "config.json"),
        (lambda place: (place / "model.safetensors").write_bytes(b"\0" * 64), "cannot be read"),
        (lambda place: (place / "config.json").write_text('{"model_type": "t5"}', encoding="utf-8"), "neither an encoder"),
    ],
)
def test_damaged_and_unfit_folders_are_refused_in_words(folder: Path, tmp_path: Path, change: Any, said: str) -> None:
    place = tmp_path / "damaged"
    shutil.copytree(folder / "vit", place)
    change(place)
    with pytest.raises(RunError, match=said):
        train(pictures(), tmp_path / "run", place)


def test_pictures_do_not_go_into_a_network_for_texts(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="network for texts"):
        train(pictures(), tmp_path / "run", folder / "bert")


def test_a_name_on_the_hub_that_cannot_be_fetched_is_told_with_the_way_out(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    import huggingface_hub

    def refuse(*_words: Any, **_named: Any) -> str:
        raise OSError("no network")

    monkeypatch.setattr(huggingface_hub, "snapshot_download", refuse)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(TutelageError, match="give a folder"):
        find_public("hf:someone/something")


@pytest.mark.parametrize("is_whole", [True, False])
def test_a_name_on_the_hub_is_found_without_network_where_it_was_fetched_before(
    is_whole: bool, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the cache as the hub's own client lays it out; the client itself refuses what lacks any file that was asked for."""
    import huggingface_hub

    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path))
    if not is_whole:

        def refuse(*_words: Any, **_named: Any) -> str:
            raise OSError("the cached snapshot is incomplete")

        monkeypatch.setattr(huggingface_hub, "snapshot_download", refuse)
    held, commit = tmp_path / "models--someone--vit", "a" * 40
    shutil.copytree(folder / "vit", held / "snapshots" / commit)
    (held / "refs").mkdir()
    for name in ("main", "v2"):
        (held / "refs" / name).write_text(commit, encoding="utf-8")
    for name in ("hf:someone/vit", "hf:someone/vit@v2", f"hf:someone/vit@{commit}"):
        place = find_public(name)
        assert place is not None
        assert place.samefile(held / "snapshots" / commit)
        assert read_public(name, place).licence == "apache-2.0"
    for name in ("hf:someone/vit@v3", "hf:no name", "hf:"):
        with pytest.raises(TutelageError, match="give a folder"):
            find_public(name)


@pytest.mark.parametrize(
    ("file", "changed"),
    [
        ("preprocessor_config.json", {"image_mean": ["dark"]}),
        ("preprocessor_config.json", {"image_std": 5}),
        ("preprocessor_config.json", {"size": "large"}),
        ("preprocessor_config.json", {"size": {"height": -1, "width": []}}),
        ("preprocessor_config.json", {"image_processor": [1]}),
        ("preprocessor_config.json", {"crop_size": {"height": 10**30}, "do_center_crop": True}),
        ("config.json", {"model_type": ["vit"]}),
        ("config.json", {"num_hidden_layers": 10**9}),
        ("config.json", {"hidden_size": "wide"}),
        ("config.json", {"num_channels": "three"}),
        ("config.json", {"license": [[]], "num_attention_heads": 0}),
    ],
)
def test_odd_values_beside_the_weights_are_refused_with_the_folder(
    file: str, changed: dict[str, Any], folder: Path, tmp_path: Path
) -> None:
    shutil.copytree(folder / "vit", tmp_path / "vit")
    path = tmp_path / "vit" / file
    path.write_text(json.dumps({**json.loads(path.read_text()), **changed}), encoding="utf-8")
    with pytest.raises(RunError, match="vit"):
        read_public("vit", tmp_path / "vit")
