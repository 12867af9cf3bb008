"""Limits of a job count as those of a container do: of the own group and of all above it."""

from pathlib import Path

import pytest

from tutelage.core import control_groups
from tutelage.core.control_groups import memory_groups
from tutelage.core.free_memory import free_memory_bytes
from tutelage.core.memory import memory_bytes

JOB = "slurm/uid_1/job_2"


def group(folder: Path, limit: str, used: int, *, freed: int = 0) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "memory.max").write_text(f"{limit}\n")
    (folder / "memory.current").write_text(f"{used}\n")
    (folder / "memory.stat").write_text(f"anon 1\ninactive_file {freed}\n")


def seen(tmp_path: Path, *mounts: tuple[str, str, str]) -> None:
    """Say which groups are seen where: version by its file system, the group at the top, and the folder."""
    lines = ["22 1 0:20 / / rw - ext4 /dev/root rw", "odd line"]
    for number, (kind, root, at) in enumerate(mounts):
        options = "rw,cpu,memory" if kind == "cgroup" else "rw,nsdelegate"
        lines.append(f"{30 + number} 22 0:{30 + number} {root} {tmp_path / at} rw,nosuid shared:9 - {kind} cgroup {options}")
    lines.append("60 22 0:60 / /sys/fs/cgroup/cpuset rw - cgroup cgroup rw,cpuset")
    (tmp_path / "mounts").write_text("\n".join(lines[:1] + lines[2:]) + "\n")


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(control_groups, "MOUNTS", tmp_path / "mounts")
    monkeypatch.setattr(control_groups, "OWN", tmp_path / "own")
    seen(tmp_path, ("cgroup2", "/", ""), ("cgroup", "/", "memory"))
    (tmp_path / "own").write_text(f"4:cpu,memory:/old/group\n1:name=systemd:/elsewhere\n0::/{JOB}/step_0\n")
    return tmp_path


@pytest.mark.parametrize("at", ["", "slurm", JOB, f"{JOB}/step_0"])
def test_the_limit_of_any_group_above_counts(root: Path, at: str) -> None:
    for name in ("", "slurm", JOB, f"{JOB}/step_0"):
        group(root / name, "max", 50)
    group(root / at, "3000", 1000, freed=100)
    assert memory_bytes() == 3000
    assert free_memory_bytes() == 2100


def test_the_tightest_of_several_groups_counts(root: Path) -> None:
    group(root / JOB, "5000", 4000)
    group(root / "slurm", "9000", 8800)
    assert memory_bytes() == 5000
    assert free_memory_bytes() == 200


def test_groups_of_the_first_version_are_read_by_their_own_names(root: Path) -> None:
    folder = root / "memory" / "old"
    folder.mkdir(parents=True)
    (folder / "memory.limit_in_bytes").write_text("4000")
    (folder / "memory.usage_in_bytes").write_text("3000")
    (folder / "memory.stat").write_text("total_inactive_file 500\n")
    assert memory_bytes() == 4000
    assert free_memory_bytes() == 1500


@pytest.mark.parametrize("own", ["0::/../../other\n", "no such line\n", ""])
def test_where_the_own_group_cannot_be_seen_the_one_at_the_top_is_asked(root: Path, own: str) -> None:
    (root / "own").write_text(own)
    group(root, "3000", 1000)
    assert free_memory_bytes() == 2000
    assert {each.limit.parent for each in memory_groups()} == {root, root / "memory"}


def test_a_job_in_a_container_is_found_below_the_containers_own_group(root: Path) -> None:
    seen(root, ("cgroup2", "/docker/abc", "sys fs".replace(" ", "\\040")))
    (root / "own").write_text("0::/docker/abc/job\n")
    group(root / "sys fs" / "job", "3000", 1000)
    assert free_memory_bytes() == 2000


def test_dots_in_a_name_are_no_way_up(root: Path) -> None:
    (root / "own").write_text("0::/a..b/job\n")
    group(root / "a..b" / "job", "3000", 1000)
    assert free_memory_bytes() == 2000


def test_a_group_of_another_container_is_not_taken_for_the_own_one(root: Path) -> None:
    seen(root, ("cgroup2", "/docker/abc", ""))
    (root / "own").write_text("0::/docker/other/job\n")
    group(root / "other" / "job", "3000", 1000)
    group(root, "9000", 1000)
    assert free_memory_bytes() == 8000


def test_systems_without_groups_have_none(root: Path) -> None:
    (root / "mounts").unlink()
    assert memory_groups() == []
