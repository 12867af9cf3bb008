"""Weights that others have published: a folder with config.json and model.safetensors, or a name on the hub.

Reading them needs the extra `hub`. Only safetensors are read, and no code that comes with them is ever run.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from tutelage.core import catalog
from tutelage.core.border import BorderError, parse_object, read_bounded
from tutelage.core.errors import RecipeError, RunError, UsageError
from tutelage.core.spec import Component
from tutelage.data.prepare.base import Fitted
from tutelage.model.arch.pretrained import BACKBONE, Pretrained, import_transformers, read_description, reads_texts

__all__ = ["PublicWeights", "find_public", "read_public", "text_length"]

PREFIX = "hf:"
CONFIG, TOKENIZER, CARD = "config.json", "tokenizer.json", "README.md"
WEIGHTS = ("model.safetensors", "model.safetensors.index.json")
PROCESSORS = ("preprocessor_config.json", "processor_config.json")
FETCHED = ["*.json", "model*.safetensors", "*.txt", "*.model", CARD]
"""What is taken of a repository: weights in safetensors, words, settings; nothing that could be run."""
DROPPED = ("architectures", "auto_map", "id2label", "label2id", "_name_or_path", "transformers_version", "dtype", "torch_dtype")
"""Settings of a configuration that say nothing of how the network is built; `auto_map` names code."""
MOST_TOKENS = 256
"""Of a text, where the weights could take more: twice as many take more than twice the time."""
USUAL_SIDE, USUAL_MEAN, USUAL_STD = 224, 0.5, 0.5
"""What pictures are brought to where nothing is said beside the weights."""
LICENCE = re.compile(r"^license:\s*['\"]?([\w.+ -]{1,80})", re.MULTILINE)


@dataclass(frozen=True)
class PublicWeights:
    """A public model, read.

    Attributes:
        weights: Tensors by the names that they have in `model`.
        model: The architecture.
        prepare: The kind of preprocessing that its rows need.
        fitted: That preprocessing.
        licence: What its author allows; "" where that is not said.
    """

    weights: Mapping[str, Tensor]
    model: Component
    prepare: str
    fitted: Fitted
    licence: str


def find_public(path: str) -> Path | None:
    """Return the folder of public weights that a path names, fetched where it lies on the hub; None where it names none.

    Raises:
        UsageError: It cannot be fetched.
    """
    if path.startswith(PREFIX):
        return _fetched(path.removeprefix(PREFIX))
    return Path(path) if (Path(path) / CONFIG).is_file() else None


def read_public(name: str, folder: Path) -> PublicWeights:
    """Read public weights.

    Args:
        name: What the user calls them.
        folder: Where they are.

    Raises:
        RunError: They are not in safetensors, or of a network that cannot be used; or a file beside them cannot be read.
    """
    if not any((folder / file).is_file() for file in WEIGHTS):
        raise RunError(f"{name}: has no {WEIGHTS[0]}. Other files of weights may hold code and are not read: convert them first.")
    settings = _settings(folder / CONFIG)
    kept = {key: value for key, value in settings.items() if key not in DROPPED}
    model = Pretrained(config=json.dumps(kept, sort_keys=True))
    try:
        description = read_description(model.config)
    except RecipeError as error:
        raise RunError(f"{folder / CONFIG}: {str(error).removeprefix('recipe: model.config: ')}") from error
    prepare, fitted = _prepared(folder, description)
    licence = str(settings.get("license") or _licence(folder / CARD))
    return PublicWeights(_weights(name, folder, description), model, prepare, fitted, licence)


def _prepared(folder: Path, description: Any) -> tuple[str, Fitted]:
    """Return the preprocessing that the rows of a network need, and its kind.

    Raises:
        RunError: What stands beside the weights does not say it.
    """
    files = [CONFIG, *(name for name in (*PROCESSORS, TOKENIZER) if (folder / name).is_file())]
    try:
        prepare, state = _for_texts(folder, description) if reads_texts(description) else _for_pictures(folder, description)
        return prepare, catalog.load("prepare", prepare)().restore(state)
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        # A border: any value may stand in these files.
        found = f"{folder}: {' and '.join(files)} do not say how rows are prepared ({str(error)[:200]})"
        raise RunError(f"{found}. Fetch them again.") from error


def _fetched(name: str) -> Path:
    """Fetch what is needed of a repository, or find it where it was fetched before."""
    import_transformers()
    import huggingface_hub

    repository, _, revision = name.partition("@")
    try:
        return Path(huggingface_hub.snapshot_download(repository, revision=revision or None, allow_patterns=FETCHED))
    except Exception as error:  # a border: the hub's client raises dozens of types, those of its transport among them
        kept = _kept(repository, revision)
        if kept is not None:
            return kept
        found = f"{PREFIX}{name}: cannot be fetched ({type(error).__name__}: {str(error)[:200]})"
        raise UsageError(f"{found}. Check name and connection, or give a folder with {CONFIG} and {WEIGHTS[0]}.") from error


def _kept(repository: str, revision: str) -> Path | None:
    """Return where another program has put weights that it fetched, though not all files beside them; None where none has."""
    import huggingface_hub

    try:
        config = huggingface_hub.try_to_load_from_cache(repository, CONFIG, revision=revision or None)
    except ValueError:  # no name that a repository could have
        return None
    folder = Path(config).parent if isinstance(config, str) else None
    return folder if folder is not None and any((folder / file).is_file() for file in WEIGHTS) else None


def _settings(path: Path) -> dict[str, Any]:
    """Read a JSON table within limits."""
    try:
        return dict(parse_object(read_bounded(path)))
    except (BorderError, OSError) as error:
        raise RunError(f"{path}: cannot be read: {error}. Fetch it again.") from error


def _weights(name: str, folder: Path, description: Any) -> dict[str, Tensor]:
    """Read the tensors that the files hold, under the names that the architecture gives them."""
    library = import_transformers()
    try:
        network, told = library.AutoModel.from_pretrained(
            str(folder),
            config=description,
            local_files_only=True,
            use_safetensors=True,
            trust_remote_code=False,
            dtype=torch.float32,
            output_loading_info=True,
        )
    except Exception as error:  # a border: the library raises what its parts raise
        raise RunError(f"{name}: its weights cannot be read ({str(error)[:300]}). Fetch them again.") from error
    missing = {*told["missing_keys"], *(str(key[0]) for key in told["mismatched_keys"])}
    return {
        BACKBONE + key: value.detach().to(torch.float32 if value.is_floating_point() else value.dtype).contiguous()
        for key, value in network.state_dict().items()
        if key not in missing
    }


def _for_pictures(folder: Path, description: Any) -> tuple[str, dict[str, Any]]:
    """Return the preprocessing that pictures need, from what stands beside the weights."""
    files = [folder / name for name in PROCESSORS if (folder / name).is_file()]
    said = _settings(files[0]) if files else {}
    said = said.get("image_processor", said)
    size, is_cut = said.get("size") or {}, bool(said.get("do_center_crop", False))
    size = said.get("crop_size") or size if is_cut else size
    side = size if isinstance(size, int) else size.get("height") or size.get("shortest_edge")
    side = side or getattr(description, "image_size", None) or USUAL_SIDE
    width = size.get("width") if isinstance(size, dict) else None
    height = side if isinstance(side, int) else side[0]
    channels = int(description.num_channels)
    is_normalized = said.get("do_normalize", True)
    mean = said.get("image_mean", [USUAL_MEAN] * channels) if is_normalized else [0.0] * channels
    std = said.get("image_std", [USUAL_STD] * channels) if is_normalized else [1.0] * channels
    is_framed = is_cut or (isinstance(size, dict) and "shortest_edge" in size)
    return "image", {
        "size": [int(height), int(width or height)],
        "channels": channels,
        "framing": "crop" if is_framed else "stretch",
        "mean": [255.0 * value for value in mean],
        "deviation": [255.0 * value for value in std],
    }


def _for_texts(folder: Path, description: Any) -> tuple[str, dict[str, Any]]:
    """Return the preprocessing that texts need: the tokenizer beside the weights."""
    path = folder / TOKENIZER
    try:
        if path.is_file():
            told = read_bounded(path).decode("utf-8")
        else:
            library = import_transformers()
            read = library.AutoTokenizer.from_pretrained(str(folder), local_files_only=True, trust_remote_code=False)
            told = read.backend_tokenizer.to_str()
    except Exception as error:  # a border: the library raises what its parts raise
        raise RunError(f"{path}: no tokenizer can be read ({str(error)[:200]}). Save it beside the weights.") from error
    return "pretrained_texts", {"tokenizer": told, "length": text_length(description), "column": ""}


def text_length(description: Any) -> int:
    """Return how many tokens of a text are read, by what a model's folder says of it."""
    places = int(getattr(description, "max_position_embeddings", MOST_TOKENS) or MOST_TOKENS)
    # Some count positions from behind the number of the padding token on: those in which it is among the first.
    behind = int(description.pad_token_id or 0) + 1
    return min(MOST_TOKENS, places - behind if behind < places // 2 else places)


def _licence(card: Path) -> str:
    """Return the licence that a model's card states at its beginning; "" where there is none."""
    if not card.is_file():
        return ""
    head = card.read_text(encoding="utf-8", errors="replace")[:20_000]
    found = LICENCE.search(head) if head.startswith("---") else None
    return found[1].strip() if found else ""
