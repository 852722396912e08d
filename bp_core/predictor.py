"""Predictor: a network as it was, ready to be asked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from numpy.typing import ArrayLike, NDArray

from bp_core import _engine_f32, _engine_f64

if TYPE_CHECKING:
    import numpy as np

    from bp_core.network import Network

Real = NDArray[Any]


class Predictor:
    """A network that never changes: what :meth:`Network.predictor` returns.

    It has a copy of the parameters, laid out for prediction. Called with one row or a few it answers sooner than
    :meth:`Network.predict`, with the same bits, and any number of threads may use it at once.

    Parameters
    ----------
    net : Network
        May be trained, changed or deleted afterwards.

    Raises
    ------
    TypeError
        If ``net`` is no network.

    Examples
    --------
    >>> import bp_core as bp
    >>> net = bp.Network.from_arrays([[[1.0], [2.0]]], [[0.5]], hidden="relu", output="identity")
    >>> p = net.predictor()
    >>> net.weights[0][...] = 0.0
    >>> p([3.0, 4.0])
    array([11.5])
    """

    _net: Network

    def __new__(cls, net: Network) -> Predictor:
        """Prepare a copy of the network in the engine of its dtype."""
        if not hasattr(net, "_engine"):
            raise TypeError(f"net is {type(net).__name__}; expected a bp_core.Network")
        own = net.copy()
        kind = KINDS[own.dtype.name]
        self: Predictor = kind.__new__(kind, own._plan, own._parameters, own.predict)
        self._net = own
        return self

    def __call__(self, X: ArrayLike, *, out: Real | None = None, n_threads: int | None = None) -> Real:
        """Return the network's output, as :meth:`Network.predict` does.

        Parameters
        ----------
        X, out, n_threads
            As for :meth:`Network.predict`.

        Returns
        -------
        ndarray, (n, n_out), or (n_out,) for one row

        Raises
        ------
        ValueError, TypeError
            As for :meth:`Network.predict`.
        """
        raise NotImplementedError  # each kind below has its engine's own

    @property
    def layer_sizes(self) -> tuple[int, ...]:
        """Units per layer, inputs first."""
        return self._net.layer_sizes

    @property
    def dtype(self) -> np.dtype[Any]:
        """float32 or float64."""
        return self._net.dtype

    def __repr__(self) -> str:
        return f"<Predictor of {self._net!r}>"

    def __copy__(self) -> Predictor:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Predictor:
        return self

    def __reduce__(self) -> tuple[type[Predictor], tuple[Network]]:
        return Predictor, (self._net,)


class _Single(_engine_f32.Prepared, Predictor):
    pass


class _Double(_engine_f64.Prepared, Predictor):
    pass


KINDS: dict[str, Any] = {"float32": _Single, "float64": _Double}
"""The class of each dtype: the engine's call comes first, and no frame of Python is made for it."""
