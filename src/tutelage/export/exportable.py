"""A run as people hold it in Python: what the run folder can do, and its way out."""

from pathlib import Path
from typing import Any

from tutelage.export.export import Exported, export_run
from tutelage.run.run import Run

__all__ = ["ExportableRun"]


class ExportableRun(Run):
    """A run folder whose model may leave."""

    def export(self, *, format: str = "onnx", out: str | Path = "", data: Any = None) -> Exported:  # noqa: A002
        """Write the model to one file that answers by itself, and compare the file with it on validation rows.

        Args:
            format: onnx, torch-export or safetensors.
            out: The file; "" = below `export/` in the run folder.
            data: The same data, if the run was given arrays from Python.

        Raises:
            RunError: The model cannot leave in this format, or the file does not answer as it does.
            UsageError: No such format, or what it needs is not installed.
        """
        return export_run(self, format=format, out=out, data=data)
