"""safetensors: the weights, with all that Tutelage needs to answer with them, in one file that holds no code.

The file is what a run folder holds under `best/`: preprocessing, architecture, calibrator and labels are JSON in its header.
Other programs read the weights by their names.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np

from tutelage.export.base import Answerer, Format
from tutelage.export.leaving import outgoing
from tutelage.export.outgoing import Outgoing
from tutelage.predictor.ensemble import load_answerer

__all__ = ["Safetensors"]


class Safetensors(Format):
    """Settings of the format."""

    kind: Literal["safetensors"] = "safetensors"
    suffix: ClassVar[str] = ".safetensors"

    def write(self, model: Outgoing, path: Path) -> None:
        """Write the predictor, or the ensemble."""
        model.predictor.save(path)

    def read(self, path: Path) -> Answerer:
        """Return what runs the file: the graph, built anew from it."""
        built = outgoing(load_answerer(path, device="cpu"), facts={})

        def answer(raw: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
            return built.run(raw)

        return answer

    def told(self, path: Path) -> dict[str, Any]:
        """Return what is said beside the graph."""
        return outgoing(load_answerer(path, device="cpu"), facts={}).record()
