"""What is in the run folder beside this report."""

import urllib.parse
from typing import ClassVar, Literal

from tutelage.core import layout
from tutelage.report.blocks import fold, table
from tutelage.report.html import Child, Html, tag
from tutelage.report.record import RunRecord
from tutelage.report.sections.base import Section

__all__ = ["Files"]

MEANINGS = {
    layout.RECIPE: "what was asked for",
    layout.PLAN: "what was decided, with reasons",
    layout.ENV: "machine and versions",
    layout.DATA: "summary of the data",
    layout.EVENTS: "everything that happened, one JSON object a line",
    layout.METRICS: "every measured point, one JSON object a line",
    layout.RESULT: "the final scores",
    layout.PREDICTOR: "the trained model with its preprocessing",
    layout.BEST: "the trained model: best weights and preprocessing",
    layout.LAST: "the model with the weights of the last step",
    layout.STEPS: "checkpoints, from which training can go on",
}


class Files(Section):
    """The files of the folder, with sizes and links."""

    kind: Literal["files"] = "files"
    order: ClassVar[int] = 150

    def show(self, run: RunRecord) -> Html | None:
        """Return the list, or None where the folder is empty."""
        rows: list[list[Child]] = []
        for path in sorted(run.folder.iterdir()):
            if path.name == layout.REPORT or path.name.startswith("."):
                continue
            files = [path] if path.is_file() else [item for item in path.rglob("*") if item.is_file()]
            name = path.name + ("/" if path.is_dir() else "")
            link = tag("a", name, href="./" + urllib.parse.quote(name.encode("utf-8", "surrogateescape")))
            rows.append([link, _size(sum(item.stat().st_size for item in files)), MEANINGS.get(path.name, "")])
        if not rows:
            return None
        content = table(["file", "size", "what it is"], rows, numeric=(1,), class_="compact")
        return tag("section", fold("Files of this run", content), id=self.anchor)


def _size(count: int) -> str:
    """Write a number of bytes."""
    for size, unit in ((1e9, "GB"), (1e6, "MB"), (1e3, "kB")):
        if count >= size:
            return f"{count / size:.1f} {unit}"
    return f"{count} B"
