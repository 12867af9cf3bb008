import pytest

from tutelage.work.allocator import reserved_peak, rounded, segment_bytes

MIB = 2**20


@pytest.mark.parametrize(("asked", "taken"), [(1, 512), (512, 512), (513, 1024), (1_000_000, 1_000_448)])
def test_sizes_are_rounded_up_to_512_bytes(asked: int, taken: int) -> None:
    assert rounded(asked) == taken


@pytest.mark.parametrize(
    ("wanted", "segment"), [(512, 2 * MIB), (MIB, 2 * MIB), (MIB + 512, 20 * MIB), (10 * MIB, 10 * MIB), (11 * MIB, 12 * MIB)]
)
def test_segments_are_of_two_or_twenty_mebibytes_or_of_their_own_size(wanted: int, segment: int) -> None:
    assert segment_bytes(wanted) == segment


def test_small_tensors_share_a_segment() -> None:
    assert reserved_peak([(512 * 1024, 0, 9)] * 4) == 2 * MIB
    assert reserved_peak([(512 * 1024, 0, 9)] * 5) == 4 * MIB


def test_memory_that_was_given_back_is_used_again() -> None:
    assert reserved_peak([(30 * MIB, 1, 3), (30 * MIB, 4, 6)]) == 30 * MIB
    assert reserved_peak([(30 * MIB, 1, 4), (30 * MIB, 4, 6)]) == 60 * MIB


def test_free_neighbours_become_one_piece() -> None:
    quarters = [(5 * MIB, 1, 2)] * 4
    assert reserved_peak([*quarters, (20 * MIB, 3, 4)]) == 20 * MIB


def test_a_hole_that_is_too_small_costs_another_segment() -> None:
    held = [(5 * MIB, 1, 2), (5 * MIB, 1, 9), (5 * MIB, 1, 2), (5 * MIB, 1, 9)]
    assert reserved_peak([*held, (9 * MIB, 3, 4)]) == 40 * MIB
