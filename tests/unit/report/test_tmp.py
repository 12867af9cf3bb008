import shutil
from pathlib import Path
from tutelage.report import write_report
def test_a(picture_run: Path, table_run: Path) -> None:
    for run in (picture_run, table_run):
        p = write_report(run)
        shutil.copy(p, f"/tmp/{run.name}.html")
        print(p.stat().st_size)
    (table_run/"result.json").unlink(); (table_run/"data.json").unlink()
    shutil.copy(write_report(table_run), "/tmp/cutoff.html")
