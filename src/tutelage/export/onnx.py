"""ONNX: one graph that ONNX Runtime, and much else, runs without Python or torch; words are looked up inside."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
import torch

from tutelage.core.durable import write_durably
from tutelage.core.errors import RunError, UsageError
from tutelage.export.base import Answerer, Format
from tutelage.export.drawing import dynamic, quiet, short
from tutelage.export.onnx_words import finish
from tutelage.export.outgoing import Outgoing
from tutelage.model.layers.recurrence import with_onnx_kernels

__all__ = ["Onnx"]

OPSET = 20
"""The first with regular expressions."""
INSTALL = "pip install 'tutelage[export]'"
ENTRY = "tutelage"
"""Key of the metadata that holds what is said beside the graph."""


class Onnx(Format):
    """Settings of the format."""

    kind: Literal["onnx"] = "onnx"
    suffix: ClassVar[str] = ".onnx"

    def require(self) -> None:
        """Refuse where onnx, onnxscript or ONNX Runtime is missing."""
        try:
            import onnx  # noqa: F401
            import onnxruntime  # noqa: F401
            import onnxscript  # noqa: F401
        except ImportError as error:
            raise UsageError(f"format onnx needs {error.name}, which is not installed: {INSTALL}") from error

    def record(self, model: Outgoing) -> dict[str, Any]:
        """Return what is said beside the graph, which takes words as they are and looks them up itself."""
        told = model.record()
        for one, raw in zip(told["inputs"], model.inputs, strict=True):
            one["dtype"] = "string" if raw.takes_words else one["dtype"]
        return told

    def write(self, model: Outgoing, path: Path) -> None:
        """Write the graph, words and labels in it, and what is said beside it as metadata."""
        samples = model.samples()
        names = [f"in_{number}" for number in range(len(samples))]
        with quiet():
            try:
                program: Any = torch.onnx.export(
                    with_onnx_kernels(model.graph),
                    kwargs={"given": samples},
                    dynamo=True,
                    dynamic_shapes={"given": {one.name: dynamic(("batch", *one.coded_sizes)) for one in model.inputs}},
                    input_names=names,
                    output_names=[output.name for output in model.outputs],
                    opset_version=OPSET,
                    verbose=False,
                )
            except Exception as error:  # a border: the exporter raises nearly everything
                raise RunError(f"the model cannot be written as an ONNX graph: {short(error)}") from error
            proto = program.model_proto
        finish(
            proto, dict(zip(names, model.inputs, strict=True)), labels=model.labels, entry=(ENTRY, json.dumps(self.record(model)))
        )
        try:
            content = proto.SerializeToString()
        except Exception as error:  # a border: protobuf raises its own kinds, and holds 2 GB at most
            raise RunError(
                f"the model is too large for one ONNX file ({short(error)}). Take safetensors or torch-export."
            ) from error
        write_durably(path, content)

    def read(self, path: Path) -> Answerer:
        """Return what runs the file in ONNX Runtime."""
        self.require()
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        outputs = [output.name for output in session.get_outputs()]
        known = {one.name for one in session.get_inputs()}

        def answer(raw: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
            return dict(zip(outputs, session.run(outputs, {name: raw[name] for name in known}), strict=True))

        return answer

    def told(self, path: Path) -> dict[str, Any]:
        """Return what is said beside the graph."""
        self.require()
        import onnx

        return dict(json.loads({one.key: one.value for one in onnx.load(str(path)).metadata_props}[ENTRY]))
