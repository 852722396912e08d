"""One training of a network at a time."""

from __future__ import annotations

from bp_core.network import Network


class TrainingLock:
    """Holds a network for training while a ``with`` lasts; raises at once where another holds it."""

    def __init__(self, net: Network) -> None:
        self._lock = net._training

    def __enter__(self) -> None:
        if not self._lock.acquire(blocking=False):
            raise RuntimeError("this network is being trained by another fit or step; wait for it, or train a copy")

    def __exit__(self, *_: object) -> None:
        self._lock.release()
