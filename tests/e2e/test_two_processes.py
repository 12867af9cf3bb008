"""Two processes over gloo on this machine: the same training as one, and one decision where each has a clock of its own."""

import json
import os
import socket
from pathlib import Path
from typing import Any

import pytest

from tests.fork_server import start

ROOT = Path(__file__).parents[2]


def run(problems: str, folder: Path, *, world: int, num_micro: int = 1) -> list[dict[str, Any]]:
    """Run some problems, one after the other, in `world` processes, and return what each process printed."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    program = ("-m", "tests.e2e.mesh_problems", problems, str(folder), str(num_micro))
    several = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), "WORLD_SIZE": str(world)} if world > 1 else {}
    processes = [start(*program, folder=ROOT, environment={**os.environ, **several, "RANK": str(rank)}) for rank in range(world)]
    try:
        told = [process.communicate(timeout=200) for process in processes]
    finally:
        for process in processes:
            process.kill()
    assert [process.returncode for process in processes] == [0] * world, told
    return [json.loads(output.splitlines()[-1]) for output, _ in told]


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """What each of two processes found, problem by problem; one start for all of them."""
    return run(
        "train,stream,decide,interrupt,diverge,shortage,lacks,resume,talk,fail,split", tmp_path_factory.mktemp("both"), world=2
    )


@pytest.mark.slow
def test_two_processes_train_as_one_with_two_micro_batches_bit_for_bit(both: list[dict[str, Any]], tmp_path: Path) -> None:
    first, second = (each["train"] for each in both)
    lone = run("train", tmp_path, world=1, num_micro=2)[0]["train"]
    assert first == second
    assert first["sha"] == lone["sha"]
    assert first["epoch"] == lone["epoch"] == 5.0
    # The loss is a mean of float32 sums, added in another order.
    assert first["loss"] == pytest.approx(lone["loss"], rel=1e-6)


@pytest.mark.slow
def test_two_processes_share_the_real_stream_as_one_with_two_micro_batches_bit_for_bit(
    both: list[dict[str, Any]], tmp_path: Path
) -> None:
    first, second = (each["stream"] for each in both)
    lone = run("stream", tmp_path, world=1, num_micro=2)[0]["stream"]
    assert first == second == lone
    assert first["pictures"]["position"] == first["texts"]["position"] == 50 * 33
    assert first["texts"]["epoch"] == 50 * 33 / 320


@pytest.mark.slow
def test_two_processes_train_as_one_with_whole_batches_but_for_rounding(both: list[dict[str, Any]], tmp_path: Path) -> None:
    lone = run("train,interrupt", tmp_path, world=1)[0]
    # Sums of 32 float32 gradients in another order, through 50 steps with momentum.
    assert both[0]["train"]["weights"] == pytest.approx(lone["train"]["weights"], abs=1e-5)
    assert lone["interrupt"] == {"step": 5, "stop_reason": "terminated"}


@pytest.mark.slow
def test_what_a_clock_decides_is_the_first_processs_decision(both: list[dict[str, Any]]) -> None:
    first, second = (each["decide"] for each in both)
    assert json.dumps(first) == json.dumps(second)  # as text: a metric that is not a number equals nothing
    assert first["control"]["corrections"], "the budget corrected nothing, so nothing was agreed on"
    assert first["control"]["total_steps"] == 57
    assert first["control"]["best_score"] == 1 / 3


@pytest.mark.slow
def test_a_signal_to_one_process_stops_both_at_the_same_step(both: list[dict[str, Any]]) -> None:
    assert [each["interrupt"] for each in both] == [{"step": 16, "stop_reason": "terminated"}] * 2


@pytest.mark.slow
def test_a_divergence_in_one_process_is_seen_by_both_at_the_same_step(both: list[dict[str, Any]]) -> None:
    first, second = (each["diverge"] for each in both)
    assert first == second
    assert (first["refused"], first["step"], first["error"]) == (1, 50, "")
    assert first["events"] == [["Refused", step] for step in (12, 21, 22, 23)] + [["RolledBack", 23]]


def test_a_lack_of_memory_in_one_process_makes_both_take_smaller_parts_and_ends_both_where_that_is_not_enough(
    both: list[dict[str, Any]],
) -> None:
    first, second = (each["shortage"] for each in both)
    assert first["parts"] == second["parts"] == 4
    assert first["weights"] == second["weights"]
    assert first["step"] == second["step"] == 20
    assert all("for 16 rows in 8 parts" in each["error"] for each in (first, second))


@pytest.mark.slow
def test_memory_that_lacks_outside_of_the_gradient_is_agreed_on_too(both: list[dict[str, Any]]) -> None:
    first, second = (each["lacks"] for each in both)
    assert (first["parts"], first["exchange"]) == (second["parts"], second["exchange"]) == ("2", "")
    assert all("the model and its optimizer do not fit" in each["moments"] for each in (first, second))
    assert all("copying the state of training" in each["snapshot"] for each in (first, second))


@pytest.mark.slow
def test_what_the_first_process_cannot_do_ends_both_with_the_same_error(both: list[dict[str, Any]]) -> None:
    first, second = (each["fail"] for each in both)
    assert first == second
    assert first["value"] == [0, "done"]
    assert first["io"] == ["PermissionError", "[Errno 13] Permission denied: 'run/plan.json'"]
    assert first["save"][0] == first["secure"][0] == "DiskError"
    assert "steps" in first["save"][1]
    assert first["step"] < first["end"]
    assert first["patient"] == first["room"] == []
    assert first["saved"] == [f"{first['end']:09d}.safetensors"]


@pytest.mark.slow
def test_two_processes_resume_with_the_same_bits_each_with_its_own_dropout(both: list[dict[str, Any]]) -> None:
    first, second = (each["resume"] for each in both)
    assert (first["equal"], first["different"]) == (True, [])
    assert (second["equal"], second["different"]) == (True, [])
    assert first["rng"] != second["rng"]


@pytest.mark.slow
def test_a_model_split_over_two_processes_trains_with_whole_backward_passes_and_never_silently_without(
    both: list[dict[str, Any]],
) -> None:
    for each in both:
        # Sums of the same two numbers; that they come out equal here is no promise of the library.
        assert each["split"]["apart"] < 1e-6
        assert "backward='whole'" in each["split"]["refused"]


def check_talk(told: list[dict[str, Any]], world: int) -> None:
    count = world * (world + 1) // 2
    assert all(each == told[0] for each in told)
    assert told[0]["sum"] == [[count] * 2, count, [[world] * 2] * 2]
    assert told[0]["spread"] == [[0.0] * 3, [0]]
    assert told[0]["total"] == count
    assert told[0]["agree"] == {"time": 0.1 + 0.2, "word": "first", "late": False}
    assert told[0]["first_word"] == ["second" if world > 1 else "", ""]
    assert [each["rows"] for each in told[0]["gather"]] == [list(range(rank + 1)) for rank in range(world)]
    assert told[0]["nothing"] == [{}] * world


@pytest.mark.slow
def test_every_word_of_the_mesh_is_the_same_in_both_processes(both: list[dict[str, Any]]) -> None:
    check_talk([each["talk"] for each in both], 2)


@pytest.mark.slow
def test_three_processes_agree_as_well(tmp_path: Path) -> None:
    check_talk([each["talk"] for each in run("talk", tmp_path, world=3)], 3)
