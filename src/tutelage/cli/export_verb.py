"""`tutelage export RUN --format onnx`: write a run's model to one file that answers by itself."""

import argparse
from pathlib import Path

from tutelage.cli.out_file import check_out_file, say_new_folder
from tutelage.core.outlet import one_line, say_json, tell, warn
from tutelage.export.export import export_run
from tutelage.export.place import record_beside, tokenizer_beside
from tutelage.run.run import Run

__all__ = ["run"]


def run(arguments: argparse.Namespace) -> int:
    """Write, compare, and tell how far apart the answers are."""
    opened = Run.open(arguments.run, tell=warn)
    # What is written beside it takes a place too.
    wanted = Path(arguments.out)
    for path in (wanted, record_beside(wanted), tokenizer_beside(wanted)) if arguments.out else ():
        check_out_file(str(path), [], learned_from=str(opened.plan.get("source", "")))
    if arguments.out:
        say_new_folder(arguments.out)
    found = export_run(opened, format=arguments.format, out=arguments.out)
    if arguments.json:
        say_json({"run": arguments.run, "format": arguments.format, **found.record()})
        return 0
    check = found.check
    equal = ", the same labels" if check.labels_equal else ", other labels where classes are all but equal"
    tell(f"exported   {one_line(str(found.file))}: {check.num_rows:,} validation rows answered alike, "
         f"{check.max_difference:.2g} apart at most{equal if opened.classes else ''}")  # fmt: skip
    if check.predict_difference is not None:
        tell(f"           {check.predict_difference:.2g} apart at most from `tutelage predict`, which computes in bfloat16")
    for path in found.beside:
        tell(f"beside it  {one_line(str(path))}")
    return 0
