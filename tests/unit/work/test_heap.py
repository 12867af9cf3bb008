import pytest

from tutelage.work.heap import KEEPS, PAD, PAGE, SPARES, Heap, heap_peak

MIB = 2**20


def test_large_pieces_are_asked_of_the_system_one_by_one() -> None:
    heap = Heap()
    piece = heap.take(MIB)
    assert MIB < heap.held <= MIB + PAGE
    heap.give_back(piece)
    assert heap.held == 0


def test_what_was_given_back_once_comes_from_the_heap_then() -> None:
    heap = Heap()
    heap.give_back(heap.take(MIB))
    heap.take(MIB // 2)
    assert heap.held > MIB // 2 + PAD // 2


def test_the_end_of_the_heap_is_given_back() -> None:
    heap = Heap()
    heap.give_back(heap.take(MIB))
    pieces = [heap.take(MIB // 2) for _ in range(8)]
    for piece in pieces:
        heap.give_back(piece)
    assert heap.held < 3 * MIB


def test_a_taken_gap_keeps_a_hole_from_a_tensor_of_its_size() -> None:
    # Of four neighbours two are given back; with their gaps free they make one hole, else the new tensor finds none.
    def held(num_gaps: int) -> int:
        heap = Heap(num_gaps)
        heap.give_back(heap.take(4 * MIB))
        pieces = [heap.take(MIB) for _ in range(4)]
        heap.give_back(pieces[1])
        heap.give_back(pieces[2])
        before = heap.held
        heap.take(2 * MIB)
        return heap.held - before

    assert held(0) == 0
    assert any(held(number) > MIB for number in range(1, 5))


@pytest.mark.parametrize("rounds", [1, 5])
def test_a_process_holds_at_least_what_lives(rounds: int) -> None:
    lives = [(MIB * (1 + number % 3), number, number + 4) for number in range(10 * rounds)]
    most = max(sum(size for size, born, died in lives if born <= moment <= died) for moment in range(10 * rounds + 4))
    assert most <= heap_peak(lives) <= 2 * most


def test_a_process_that_keeps_freed_memory_holds_what_it_has_written_to() -> None:
    heap = Heap(habit=KEEPS)
    pieces = [heap.take(4 * MIB) for _ in range(3)]
    assert 12 * MIB <= heap.held < 13 * MIB
    for piece in pieces:
        heap.give_back(piece)
    assert 12 * MIB <= heap.held < 13 * MIB
    heap.take(10 * MIB)
    assert heap.held < 13 * MIB
    # What is larger than any heap's piece is asked of the system by itself, and given back to it.
    large = heap.take(64 * MIB)
    assert heap.held > 76 * MIB
    heap.give_back(large)
    assert heap.held < 13 * MIB


def test_a_process_that_spares_addresses_gives_back_what_is_large() -> None:
    heap = Heap(habit=SPARES)
    for _ in range(3):
        pieces = [heap.take(2 * MIB) for _ in range(4)]
        assert 8 * MIB < heap.held <= 8 * MIB + 4 * PAGE
        for piece in pieces:
            heap.give_back(piece)
        assert heap.held == 0


def test_holes_cost_nothing_where_addresses_are_spared() -> None:
    # Two that are given back make room for a larger one: each lies by itself, so nothing between them is in the way.
    lives = [(MIB, 0, 9), (2 * MIB, 1, 4), (MIB, 2, 9), (2 * MIB, 3, 4), (4 * MIB, 6, 9)]
    assert heap_peak(lives, habit=SPARES) < 6.2 * MIB < heap_peak(lives, habit=KEEPS)
