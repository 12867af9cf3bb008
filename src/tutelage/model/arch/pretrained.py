"""A network of the `transformers` library for pictures or texts, with a head of its own: what public weights are put into.

When to use it: few rows, and weights at hand that were learned from many. `--from FOLDER` chooses it, with the folder's sizes;
named alone it begins from nothing, as a small vision transformer. Needs the extra `hub`. The settings hold the library's whole
description of the network, so a predictor needs neither the folder nor the hub; code from elsewhere is never run.

Source: the library's own implementations; of the default A. Dosovitskiy et al., "An Image is Worth 16x16 Words", 2020, arXiv
2010.11929. Differs from the paper: no layer between the pooled features and the head.

Shape letters: B batch, C channels, H height, W width, T tokens, D width of the features, O outputs.
"""

import inspect
import json
from typing import Any, ClassVar, Literal

from pydantic import Field
from torch import Tensor, nn

from tutelage.core.border import BorderError, parse_object
from tutelage.core.errors import RecipeError, UsageError
from tutelage.core.shape.base import Shape
from tutelage.core.shape.views import Grid, Text, View
from tutelage.core.typed import take
from tutelage.model.arch.base import Model
from tutelage.model.layers.roles import mark

__all__ = ["Pretrained", "BACKBONE", "import_transformers", "read_description", "reads_texts"]

INSTALL = "pip install 'tutelage[hub]'"
BACKBONE = "backbone."
"""What the names of the library's own weights begin with."""
SMALL = json.dumps(
    {
        "model_type": "vit",
        "hidden_size": 64,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "intermediate_size": 128,
        "image_size": 32,
        "patch_size": 8,
    }
)
"""A vision transformer that learns from small pictures within minutes."""
MOST_LAYERS = 1_000
"""Of a network that is built from a description; the deepest public ones have a few hundred."""
DIMENSIONS_OF_TOKENS, DIMENSIONS_OF_MAPS = 3, 4


class Pretrained(Model):
    """The library's description of the network, and the head."""

    kind: Literal["pretrained"] = "pretrained"
    views: ClassVar[tuple[type[View], ...]] = (Grid, Text)
    clip: ClassVar[float] = 1.0
    compiles: ClassVar[bool] = False
    config: str = Field(SMALL, max_length=2**20, description="The library's config.json, as text.")
    dropout: float = Field(0.1, ge=0, lt=1, description="Probability that a feature is left out before the head.")

    def build(self, shape: Shape, num_outputs: int) -> nn.Module:
        """Make the network: a picture [B, C, H, W], or tokens and mask [B, T] -> [B, num_outputs].

        Raises:
            UsageError: The library is not installed.
        """
        self.require(shape)
        description = read_description(self.config)
        grid, text = shape.view(Grid), shape.view(Text)
        is_for_texts = reads_texts(description)
        if is_for_texts != (text is not None):
            reads = "texts" if is_for_texts else "pictures"
            raise RecipeError(f"recipe: model = 'pretrained' holds a network for {reads}, and the data are {shape.say()}.")
        if grid is not None and grid.channels != description.num_channels:
            found = f"takes {description.num_channels} channels, and the data have {grid.channels}"
            raise RecipeError(f"recipe: model = 'pretrained' {found}. Set prepare.channels to {description.num_channels}.")
        if text is not None and text.vocabulary_size > description.vocab_size:
            found = f"knows {description.vocab_size:,} tokens, and the data have {text.vocabulary_size:,}"
            raise RecipeError(f"recipe: model = 'pretrained' {found}. Leave prepare out, or lower prepare.vocabulary_size.")
        backbone = import_transformers().AutoModel.from_config(description, trust_remote_code=False)
        width = int(getattr(description, "hidden_size", 0) or description.hidden_sizes[-1])
        head = mark(nn.Linear(width, num_outputs), "output")
        nn.init.normal_(head.weight, std=0.02)
        nn.init.zeros_(head.bias)
        if grid is None:
            return TextNet(backbone, head, dropout=self.dropout)
        return PictureNet(
            backbone, head, dropout=self.dropout, is_resized=_side(description) not in ((), (grid.height, grid.width))
        )


class PictureNet(nn.Module):
    """The library's network for pictures, its features pooled, a head.

    Args:
        backbone: Of the library.
        head: [B, D] -> [B, O].
        dropout: Probability that a feature is left out.
        is_resized: Whether the pictures are of another size than those that it was made for: its positions are then stretched.
    """

    def __init__(self, backbone: nn.Module, head: nn.Module, *, dropout: float, is_resized: bool) -> None:
        super().__init__()
        self.backbone, self.head, self.dropout = backbone, head, nn.Dropout(dropout)
        can_stretch = "interpolate_pos_encoding" in inspect.signature(backbone.forward).parameters
        self.beside: dict[str, Any] = {"interpolate_pos_encoding": True} if is_resized and can_stretch else {}
        embeddings = getattr(backbone, "embeddings", None)
        self.has_first = getattr(embeddings, "cls_token", None) is not None
        if self.has_first and getattr(backbone, "pooler", None) is not None:
            # The first token itself is taken: a layer after it would be learned, and never be asked.
            backbone.pooler = None  # type: ignore[assignment]
        if self.has_first and hasattr(embeddings, "mask_token"):
            embeddings.mask_token = None  # type: ignore[union-attr]

    def forward(self, image_BCHW: Tensor) -> Tensor:
        """Return [B, O]."""
        found = self.backbone(pixel_values=image_BCHW, **self.beside)
        outputs_BO: Tensor = self.head(self.dropout(self._pooled(found)))
        return outputs_BO

    def _pooled(self, found: Any) -> Tensor:
        """Return the features [B, D]: of the first token, as the network pools them itself, or their mean."""
        hidden: Tensor = found.last_hidden_state
        if self.has_first and hidden.dim() == DIMENSIONS_OF_TOKENS:
            return hidden[:, 0]
        pooled: Tensor | None = getattr(found, "pooler_output", None)
        if pooled is not None:
            return pooled.flatten(1)
        return hidden.mean(dim=(2, 3)) if hidden.dim() == DIMENSIONS_OF_MAPS else hidden.mean(dim=1)


class TextNet(nn.Module):
    """The library's network for texts, the mean of its tokens' features, a head.

    Args:
        backbone: Of the library.
        head: [B, D] -> [B, O].
        dropout: Probability that a feature is left out.
    """

    def __init__(self, backbone: nn.Module, head: nn.Module, *, dropout: float) -> None:
        super().__init__()
        self.backbone, self.head, self.dropout = backbone, head, nn.Dropout(dropout)
        if getattr(backbone, "pooler", None) is not None:
            backbone.pooler = None  # type: ignore[assignment]

    def forward(self, token_BT: Tensor, mask_BT: Tensor) -> Tensor:
        """Return [B, O]."""
        hidden_BTD: Tensor = self.backbone(input_ids=token_BT, attention_mask=mask_BT.long()).last_hidden_state
        there_BT1 = mask_BT.unsqueeze(-1).to(hidden_BTD.dtype)
        mean_BD = (hidden_BTD * there_BT1).sum(dim=1) / there_BT1.sum(dim=1).clamp(min=1)
        outputs_BO: Tensor = self.head(self.dropout(mean_BD))
        return outputs_BO


def import_transformers() -> Any:
    """Import the library, quiet, or say how to install it.

    Raises:
        UsageError: It is not installed.
    """
    try:
        import transformers
    except ImportError as error:
        raise UsageError(f"public weights are read by the transformers library, which is not installed: {INSTALL}") from error
    library: Any = transformers
    library.logging.set_verbosity_error()
    library.logging.disable_progress_bar()
    return library


def read_description(text: str) -> Any:
    """Return the library's configuration that a text describes.

    Raises:
        RecipeError: It is none that the library itself knows.
    """
    library = import_transformers()
    try:
        values = parse_object(text.encode("utf-8", "replace"))
        kind = take(values, "model_type", str)
    except BorderError as error:
        found = f"recipe: model.config: is no JSON table with a model_type, as config.json of a network has: {error}."
        raise RecipeError(found) from error
    deep = [key for key, value in values.items() if "layers" in key and isinstance(value, int) and value > MOST_LAYERS]
    if deep:
        raise RecipeError(f"recipe: model.config: {deep[0]} = {values[deep[0]]:,}: expected at most {MOST_LAYERS:,}.")
    if kind not in library.CONFIG_MAPPING:
        raise RecipeError(
            f"recipe: model.config: transformers {library.__version__} has no network {kind!r} of its own, and code that comes "
            "with weights is never run. Choose weights of another network."
        )
    try:
        description = library.AutoConfig.for_model(kind, **{key: value for key, value in values.items() if key != "model_type"})
    except Exception as error:  # a border: each of the library's configurations checks its values in its own way
        raise RecipeError(f"recipe: model.config: {str(error).strip()[:300]}. Fetch config.json again.") from error
    reads_texts(description)
    return description


def reads_texts(description: Any) -> bool:
    """Tell whether a network reads texts; else it reads pictures.

    Raises:
        RecipeError: Neither pictures alone nor texts alone.
    """
    has_pictures, has_texts = hasattr(description, "num_channels"), hasattr(description, "vocab_size")
    if has_pictures == has_texts or getattr(description, "is_encoder_decoder", False):
        kind = getattr(description, "model_type", "")
        raise RecipeError(f"recipe: model.config: a network {kind!r} is neither an encoder of pictures nor one of texts.")
    return has_texts


def _side(description: Any) -> tuple[int, ...]:
    """Return height and width of the pictures that a network was made for; () where it takes any."""
    side = getattr(description, "image_size", None) or ()
    return (side, side) if isinstance(side, int) else tuple(side)
