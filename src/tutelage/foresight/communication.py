"""The gradient exchange between devices: latency plus payload over bandwidth, within nodes and between them.

Use it to move a measured step from one device to many. Payloads are those of data parallelism, in buckets; the exchange of all
buckets but the last hides behind the backward pass as far as that lasts.

Source: Thakur et al., Optimization of collective communication operations in MPICH, 2005, sections 3 and 4.5 (ring and
recursive halving, alpha-beta costs); Li et al., PyTorch Distributed, 2020, arXiv 2006.15704, section 3.2.3 (buckets, overlap).
Differs from the papers: bandwidth grows with the payload up to what is published for saturated links.
"""

import math
from dataclasses import dataclass

from tutelage.hardware.catalog import Device

__all__ = ["Exchange", "Link", "Network", "all_reduce_s", "exchange"]

SATURATED_SHARE = 0.8
"""Of a link's one-directional datasheet bandwidth, at large payloads: 235 of 300 and 368 of 450 GB/s are published."""
LATENCY_S, NETWORK_LATENCY_S = 3e-6, 10e-6
"""One message within a node and between nodes; 32 KiB over 8 devices at 0.9 GB/s, as published, is 14 messages of 2.6 us."""
HALF_BYTES = 1 << 20
"""Payload of one message at which half of the bandwidth is reached."""
BUCKET_BYTES = 25 * (1 << 20)
"""Bucket of gradients that torch exchanges at once by default."""


@dataclass(frozen=True, slots=True)
class Link:
    """How messages travel.

    Attributes:
        latency_s: Seconds of an empty message.
        bandwidth: Bytes a second of a very large one.
    """

    latency_s: float
    bandwidth: float

    def seconds(self, num_bytes: float) -> float:
        """Return the seconds of one message."""
        return self.latency_s + (num_bytes + HALF_BYTES * min(1.0, num_bytes / HALF_BYTES)) / self.bandwidth


@dataclass(frozen=True, slots=True)
class Network:
    """Devices in nodes.

    Attributes:
        devices: How many in all.
        per_node: How many in one node.
        within: Links inside a node.
        between: Links between nodes, for each device.
    """

    devices: int
    per_node: int
    within: Link
    between: Link

    @classmethod
    def of(cls, device: Device, devices: int) -> "Network":
        """Return what the datasheet lets expect of so many of a device."""
        within = Link(LATENCY_S, max(device.link, device.network) * SATURATED_SHARE)
        return cls(devices, device.per_node, within, Link(NETWORK_LATENCY_S, device.network * SATURATED_SHARE))


@dataclass(frozen=True, slots=True)
class Exchange:
    """What the exchange of gradients costs in one step.

    Attributes:
        seconds: Of the exchange alone.
        exposed_s: By which it makes the step longer.
        exposed_share: Of the exchange that nothing hides.
    """

    seconds: float
    exposed_s: float
    exposed_share: float


def all_reduce_s(num_bytes: float, *, network: Network) -> float:
    """Return the seconds in which all devices add up a payload: scattered within nodes, added between them, gathered again."""
    inner = min(network.devices, network.per_node)
    nodes = math.ceil(network.devices / inner)
    total = 2 * _scatter_s(num_bytes, count=inner, link=network.within)
    return total + 2 * _scatter_s(num_bytes / inner, count=nodes, link=network.between)


def exchange(gradient_bytes: float, *, network: Network, backward_s: float, bucket_bytes: float = BUCKET_BYTES) -> Exchange:
    """Return what the exchange of a model's gradients costs in one step.

    Args:
        gradient_bytes: Of all gradients.
        network: The devices.
        backward_s: Seconds of the backward pass on one device; it hides all buckets but the last.
        bucket_bytes: Payload exchanged at once.
    """
    if network.devices <= 1 or gradient_bytes <= 0:
        return Exchange(0.0, 0.0, 0.0)
    whole, rest = divmod(gradient_bytes, bucket_bytes)
    sizes = [bucket_bytes] * min(1, int(whole)) + ([rest] if rest else [])
    each = [all_reduce_s(size, network=network) for size in sizes]
    total = (each[0] * whole if whole else 0.0) + (each[-1] if rest else 0.0)
    last = each[0] if len(each) == 1 else min(each)
    hidden = min(total - last, backward_s * (1 - 1 / max(1.0, math.ceil(gradient_bytes / bucket_bytes))))
    exposed = total - max(0.0, hidden)
    return Exchange(total, exposed, exposed / total)


def _scatter_s(num_bytes: float, *, count: int, link: Link) -> float:
    """Return half an all-reduce: the better of a ring (least bytes) and of halving (fewest messages)."""
    if count <= 1:
        return 0.0
    ring = (count - 1) * link.seconds(num_bytes / count)
    rounds = math.ceil(math.log2(count))
    halving = rounds * link.latency_s + sum(link.seconds(num_bytes / 2**turn) - link.latency_s for turn in range(1, rounds + 1))
    return min(ring, halving)
