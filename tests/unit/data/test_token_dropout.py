"""Token dropout on hand-made batches: how many, where, and the same however the batch is padded or shared."""

import math

import torch
from torch import Tensor

from tutelage.data.augment.draw import PartGenerator
from tutelage.data.augment.token_dropout import TokenDropout


def batch_of(rows: int, length: int, *, there: int) -> dict[str, Tensor]:
    mask = (torch.arange(length) < there).expand(rows, length).contiguous()
    return {"token": torch.full((rows, length), 7) * mask, "mask": mask}


def dropped(batch: dict[str, Tensor], *, probability: float = 0.3, seed: int = 0) -> Tensor:
    after = TokenDropout(probability=probability).apply(batch, torch.Generator().manual_seed(seed))
    assert torch.equal(after["mask"], batch["mask"])
    return (after["token"] == 0) & batch["mask"]


def test_about_its_share_of_the_tokens_becomes_unknown_in_every_row_and_place() -> None:
    found = dropped(batch_of(400, 50, there=50)).double()
    error = math.sqrt(0.3 * 0.7)
    assert abs(float(found.mean()) - 0.3) < 4 * error / math.sqrt(20_000)
    assert ((found.mean(dim=0) - 0.3).abs() < 5 * error / math.sqrt(400)).all()
    assert ((found.mean(dim=1) - 0.3).abs() < 5 * error / math.sqrt(50)).all()
    # Neighbors are dropped independently of each other.
    both = (found[:, 1:] * found[:, :-1]).mean()
    assert abs(float(both) - 0.09) < 0.01


def test_what_is_padding_stays_and_all_or_none_can_be_dropped() -> None:
    batch = batch_of(3, 10, there=4)
    after = TokenDropout(probability=1).apply(batch, torch.Generator().manual_seed(0))["token"]
    assert torch.equal(after, torch.zeros(3, 10, dtype=torch.int64))
    other = batch | {"token": torch.full((3, 10), 7)}
    assert (TokenDropout(probability=1).apply(other, torch.Generator().manual_seed(0))["token"][:, 4:] == 7).all()
    assert not dropped(batch, probability=0).any()


def test_a_text_loses_the_same_tokens_however_far_its_batch_is_padded() -> None:
    short, long = dropped(batch_of(6, 16, there=12)), dropped(batch_of(6, 40, there=12))
    assert torch.equal(short[:, :12], long[:, :12])


def test_a_process_changes_its_rows_as_one_process_would() -> None:
    whole = dropped(batch_of(8, 20, there=20), seed=3)
    generator = PartGenerator()
    generator.manual_seed(3)
    generator.num_rows, generator.part = 8, slice(4, 8)
    part = TokenDropout(probability=0.3).apply(batch_of(4, 24, there=20), generator)["token"]
    assert torch.equal(part[:, :20] == 0, whole[4:])
