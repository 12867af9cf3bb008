"""Runs an exported file on what people have: pictures, rows, texts, series; an example of what another program has to do."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tutelage.core import catalog
from tutelage.core.errors import RunError, TutelageError, UsageError
from tutelage.data.prepare.intake import padded_batches
from tutelage.data.prepare.kept_tokens import kept_tokens
from tutelage.export.base import Answerer
from tutelage.export.drawing import short
from tutelage.floor.word_pairs import text_places

__all__ = ["Loaded", "load"]

SAID: dict[str, type] = {"inputs": list, "outputs": list, "labels": list, "recipe": dict, "facts": dict}
"""What is said beside a graph, see `Outgoing.record`."""


@dataclass(frozen=True)
class Loaded:
    """An exported model.

    Attributes:
        told: What is said beside it: `inputs`, `outputs`, `labels`, `recipe`.
        answer: Raw inputs by name to outputs by name.
    """

    told: Mapping[str, Any]
    answer: Answerer

    def run(self, **inputs: Any) -> dict[str, np.ndarray]:
        """Return the outputs for raw inputs by name, each [B, ...]; `told["inputs"]` says what they are."""
        return self.answer({name: np.asarray(values) for name, values in inputs.items()})

    def texts(self, texts: Sequence[str], **others: Any) -> dict[str, np.ndarray]:
        """Return the outputs for texts: they are cut into tokens by the tokenizer that travels with the model."""
        return self.run(**self._of_members(lambda recipe: _from_texts(recipe, texts)), **others)

    def picture(self, file: str | Path) -> dict[str, np.ndarray]:
        """Return the outputs for one image file."""
        return self.run(**self._of_members(lambda recipe: {"image": _pixels(recipe["image"], Path(file))}))

    def _of_members(self, make: Callable[[Mapping[str, Any]], dict[str, np.ndarray]]) -> dict[str, np.ndarray]:
        """Return what is made by each recipe: there is one, but for several models that take other inputs each."""
        recipe = self.told["recipe"]
        made: dict[str, np.ndarray] = {}
        for member in recipe.get("members", [recipe]):
            moved = member.get("names", {})
            made |= {moved.get(name, name): values for name, values in make(member).items()}
        return made


def load(file: str | Path) -> Loaded:
    """Read an exported file.

    Args:
        file: What `tutelage export` wrote; its ending says the format.

    Raises:
        UsageError: No format has such an ending, or what it needs is not installed.
        RunError: It is damaged, or another program wrote it.
    """
    path = Path(file)
    kinds = [catalog.load("export", kind) for kind in catalog.names("export")]
    kind = next((one for one in kinds if path.suffix == one.suffix), None)
    if kind is None or not path.is_file():
        found = "no such file" if kind else f"ends in {path.suffix!r}"
        raise UsageError(f"{path}: {found}. Expected a file that ends in {', '.join(one.suffix for one in kinds)}.")
    made = kind()
    try:
        told = made.told(path)
        odd = [key for key, type_ in SAID.items() if not isinstance(told.get(key), type_)]
        if not odd:
            return Loaded(told, made.read(path))
        found = f"nothing, or something else than a {SAID[odd[0]].__name__}, is said of {odd[0]}"
    except TutelageError:
        raise
    except Exception as error:  # a border: the formats' libraries raise nearly everything
        found = f"{type(error).__name__}: {short(error)}"
    raise RunError(f"{path}: is not what `tutelage export` wrote, or is damaged ({found}). Export the run anew.")


def _pixels(recipe: Mapping[str, Any], file: Path) -> np.ndarray:
    """Return the pixels of an image file, uint8 [1, H, W, C], as a model is handed them."""
    from tutelage.data.source.decode import decode_image

    pixels = np.asarray(decode_image(file, mode=recipe["mode"], at_least=recipe["at_least"]))
    return (pixels[:, :, None] if pixels.ndim == 2 else pixels)[None]


def _from_texts(recipe: Mapping[str, Any], texts: Sequence[str]) -> dict[str, np.ndarray]:
    """Return the inputs that a model takes of texts: tokens, and places of words where its floor counts them."""
    import tokenizers

    told = recipe["text"]
    tokenizer, cut = tokenizers.Tokenizer.from_str(told["tokenizer"]), told["cut"]
    tokenizer.no_truncation()
    tokenizer.no_padding()
    marks_ends = bool(told.get("add_special_tokens", False))
    found = tokenizer.encode_batch(list(texts), add_special_tokens=marks_ends)
    pieces = [kept_tokens(one.ids, length=cut["length"], tail=cut["tail"]) for one in found]
    length_B = np.array([len(piece) for piece in pieces], dtype=np.int64)
    token_BT = np.zeros((len(pieces), int(length_B.max())), dtype=np.int64)
    for row, piece in enumerate(pieces):
        token_BT[row, : len(piece)] = piece
    return {"token": token_BT, "token_length": length_B, **_places(recipe.get("places"), texts)}


def _places(rule: Mapping[str, Any] | None, texts: Sequence[str]) -> dict[str, np.ndarray]:
    """Return the places of words where a model was trained beside a floor that counts them."""
    if rule is None:
        return {}
    pieces = [piece.astype(np.int64) for piece in text_places(texts, bits=int(rule["bits"]))]
    ((_, place_BL, length_B),) = padded_batches(pieces, size=len(pieces))
    return {"place": place_BL, "place_length": length_B}
