"""torch.export: one graph that `torch.export.load` runs wherever torch is, and compilers of torch take further.

`torch.export.load` runs what a file asks it to; `tutelage.export.load` refuses files that ask for more than a graph of known
operations. With torch alone, load only files from people whom you would let run a program.
"""

import json
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
import torch
from torch import Tensor

from tutelage.core.durable import write_durably
from tutelage.core.errors import RunError
from tutelage.data.prepare.intake import RawInput
from tutelage.export.base import Answerer, Format
from tutelage.export.drawing import dynamic, quiet, short
from tutelage.export.outgoing import Outgoing
from tutelage.export.plain_archive import read_entry, require_plain

__all__ = ["TorchExport"]

ENTRY = "tutelage.json"
"""Name of the file inside that holds what is said beside the graph."""


class TorchExport(Format):
    """Settings of the format."""

    kind: Literal["torch_export"] = "torch_export"
    suffix: ClassVar[str] = ".pt2"

    def write(self, model: Outgoing, path: Path) -> None:
        """Write the graph; words are looked up before it, as the file beside says."""
        samples = model.samples()
        with quiet(), tempfile.TemporaryDirectory() as folder:
            try:
                shapes = {"given": {one.name: dynamic(("batch", *one.coded_sizes)) for one in model.inputs}}
                program = torch.export.export(model.graph, (samples,), dynamic_shapes=shapes, strict=False)
            except Exception as error:  # a border: the exporter raises nearly everything
                raise RunError(f"the model cannot be drawn by torch.export: {short(error)}") from error
            program.example_inputs = None  # they would be pickled, and are only ones
            for held in (program.state_dict, program.constants):
                # Saving takes one whose memory NumPy handed out for a part of another tensor, and fails.
                held.update({name: _anew(one) for name, one in held.items() if isinstance(one, Tensor) and not one.numel()})
            whole = Path(folder) / f"model{self.suffix}"
            torch.export.save(program, whole, extra_files={ENTRY: json.dumps(model.record())})
            write_durably(path, whole.read_bytes())

    def read(self, path: Path) -> Answerer:
        """Return what runs the file.

        Raises:
            RunError: It holds something that loading it would run.
        """
        from tutelage.model.layers import recurrence  # noqa: F401 - its operations may stand in the graph

        inputs = [RawInput.restored(one) for one in self.told(path)["inputs"]]
        require_plain(path)
        with quiet():
            program: Any = torch.export.load(path).module()

        @torch.no_grad()
        def answer(raw: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
            given = {one.name: torch.from_numpy(np.ascontiguousarray(one.coded(raw[one.handed]))) for one in inputs}
            try:
                return {name: found.numpy() for name, found in program(given).items()}
            except Exception as error:  # a border: the program asserts what it was drawn for
                sizes = ", ".join(f"{name} {tuple(value.shape)}" for name, value in given.items())
                raise RunError(f"{path}: the exported program does not take {sizes}: {short(error)}") from error

        return answer

    def told(self, path: Path) -> dict[str, Any]:
        """Return what is said beside the graph."""
        return dict(json.loads(read_entry(path, ENTRY)))


def _anew(empty: Tensor) -> Tensor:
    """Return a tensor without numbers like another one."""
    return torch.empty(empty.shape, dtype=empty.dtype, device=empty.device)
