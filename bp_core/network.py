"""Network: the structure, the parameters, and every way to look at them."""

from __future__ import annotations

import os
from _thread import allocate_lock  # threading's own Lock, without the millisecond that importing it takes
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bp_core import (
    _checks,
    _parameters,
    _passes,
    _structure,
    _threads,
    activations,
    initializers,
)
from bp_core._csr import Sparse
from bp_core._names import look_up, look_up_each
from bp_core.losses import LossLike
from bp_core.predictor import Predictor
from bp_core.results import ForwardPass, GradientCheck, Gradients

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from bp_core._file import Contents
    from bp_core.explain import Explanation

Real = NDArray[Any]


class Network:
    """A feed-forward network of dense layers.

    Each layer computes ``z = a_prev @ W + b`` and ``a = f(z)``. Weights are drawn at random, biases
    start at 0.

    Parameters
    ----------
    layer_sizes : sequence of int
        Units per layer, inputs first: ``(2, 3, 1)``. Two entries are a network without hidden layer.
    hidden : str or sequence of str, default "relu"
        Activation of the hidden layers, one name or one each: identity, sigmoid, tanh, relu, leaky_relu,
        elu, gelu, silu, softplus, softsign, exp.
    output : str, default "identity"
        Activation of the output: the same names, and softmax.
    bias : str or sequence of str, default "unit"
        "unit": one bias per unit; "layer": one that all units of a layer share; "none".
    init : str, default "auto"
        Initial weights: glorot_uniform, glorot_normal, he_uniform, he_normal, lecun_uniform, lecun_normal,
        zeros. "auto" is he_uniform for relu, leaky_relu, elu, gelu, silu and softplus, else glorot_uniform.
    dtype : str or numpy dtype, default "float32"
        float32 or float64.
    seed : int, optional
        The same seed gives the same weights to the bit; None draws anew each time.

    Raises
    ------
    ValueError
        For sizes below 1, unknown names (the nearest valid one is named), or another dtype.

    Examples
    --------
    >>> import bp_core as bp
    >>> net = bp.Network((2, 3, 1), hidden="sigmoid", output="sigmoid", seed=0)
    >>> net.predict([[0.0, 1.0], [1.0, 1.0]]).shape
    (2, 1)
    """

    def __init__(
        self,
        layer_sizes: Sequence[int],
        *,
        hidden: str | Sequence[str] = "relu",
        output: str = "identity",
        bias: str | Sequence[str] = "unit",
        init: str = "auto",
        dtype: Any = "float32",
        seed: int | None = None,
    ) -> None:
        sizes = _structure.check_sizes(layer_sizes)
        init = look_up("init", init, initializers.NAMES)
        seed = _checks.check_seed(seed)
        self._build(
            sizes,
            activations.look_up_hidden(hidden, len(sizes) - 2),
            look_up("output activation", output, activations.OUTPUT),
            look_up_each("bias", bias, len(sizes) - 1, _structure.BIAS_MODES, "layers of weights"),
            dtype,
        )
        self._draw(init, seed)

    def _build(
        self, sizes: tuple[int, ...], hidden: tuple[str, ...], output: str, bias: tuple[str, ...], dtype: Any
    ) -> None:
        """Lay out a network of checked structure, all parameters 0."""
        self._engine = _parameters.engine_for(dtype)
        self._structure = _structure.Structure(sizes, hidden, output, bias, self._engine.DTYPE)
        self._plan = _parameters.make_plan(
            sizes,
            [activations.CODES[name] for name in (*hidden, output)],
            [_structure.BIAS_MODES.index(mode) for mode in bias],
        )
        self._layout = self._engine.layout(self._plan)
        self._parameters = _parameters.zeros(self._layout[0], self.dtype)
        self._weights = _parameters.weight_views(self._parameters, self._layout)
        self._biases = _parameters.bias_views(self._parameters, self._layout)
        self._predict_plain = self._engine.predict_plain
        self._parameters_memory = self._parameters.data  # opened faster than the array
        self._training = allocate_lock()

    def _draw(self, init: str, seed: int | None) -> None:
        """Draw every W from stream 0 of the seed."""
        words = initializers.generator(np.random.SeedSequence().entropy if seed is None else seed, 0)  # type: ignore[arg-type]
        for W, activation in zip(self.weights, (*self.hidden, self.output), strict=True):
            W[...] = initializers.draw_weights(words, initializers.scheme_for(init, activation), *W.shape)

    @classmethod
    def from_arrays(
        cls,
        weights: Sequence[ArrayLike],
        biases: Sequence[ArrayLike] | None,
        *,
        hidden: str | Sequence[str],
        output: str,
    ) -> Network:
        """Make a network from its weights and biases, which are copied.

        Parameters
        ----------
        weights : sequence of array_like, each (fan_in, fan_out)
            W of every layer; each fan_in is the fan_out before it.
        biases : sequence of array_like, or None
            b of every layer: (fan_out,) for a bias per unit, (1,) for one per layer, (0,) or None for none.
            None for all: no biases.
        hidden, output : str
            As for the constructor.

        Returns
        -------
        Network
            float32 if all arrays are float32 or float16, else float64.

        Raises
        ------
        ValueError
            If shapes do not fit; the message names the layer, its shape and the one expected.

        Examples
        --------
        >>> import bp_core as bp
        >>> net = bp.Network.from_arrays([[[1.0], [2.0]]], [[0.5]], hidden="relu", output="identity")
        >>> net.predict([3.0, 4.0])
        array([11.5])
        """
        W, b = _structure.check_arrays(weights, biases)
        sizes, modes, dtype = _structure.read_arrays(W, b)
        net = cls(sizes, hidden=hidden, output=output, bias=modes, init="zeros", dtype=dtype)
        for view, array in zip((*net.weights, *net.biases), (*W, *b), strict=True):
            view[...] = array
        return net

    # ------------------------------------------------------------- structure
    @property
    def layer_sizes(self) -> tuple[int, ...]:
        """Units per layer, inputs first."""
        return self._structure.layer_sizes

    @property
    def hidden(self) -> tuple[str, ...]:
        """The activation of each hidden layer."""
        return self._structure.hidden

    @property
    def output(self) -> str:
        """The activation of the output."""
        return self._structure.output

    @property
    def bias(self) -> tuple[str, ...]:
        """The bias mode of each layer of weights."""
        return self._structure.bias

    @property
    def dtype(self) -> np.dtype[Any]:
        """float32 or float64."""
        return self._structure.dtype

    @property
    def n_parameters(self) -> int:
        """The number of weights and biases."""
        return sum(part.size for part in (*self.weights, *self.biases))

    def __repr__(self) -> str:
        sizes = "-".join(map(str, self.layer_sizes))
        names = ", ".join((*self.hidden, self.output))
        return f"<Network {sizes} ({names}), {self.n_parameters} parameters, {self.dtype}>"

    def summary(self) -> str:
        """Return a table of the layers: sizes, activation, bias, parameters.

        Examples
        --------
        >>> import bp_core as bp
        >>> print(bp.Network((2, 3, 1), hidden="tanh").summary())
        layer  inputs  units  activation  bias  parameters
            0       2      3  tanh        unit           9
            1       3      1  identity    unit           4
        13 parameters in float32
        """
        return _structure.table(self.weights, self.biases, (*self.hidden, self.output), self.bias)

    # ------------------------------------------------------------ parameters
    @property
    def weights(self) -> tuple[Real, ...]:
        """W of every layer, a writable view (fan_in, fan_out) each."""
        return self._weights

    @property
    def biases(self) -> tuple[Real, ...]:
        """B of every layer, a writable view each: (fan_out,), (1,) with bias "layer", (0,) with "none"."""
        return self._biases

    def get_parameters(self) -> Real:
        """Return one contiguous copy of all parameters: weights[0], biases[0], weights[1], ...

        Returns
        -------
        ndarray, (n_parameters,)
            Each W row by row.
        """
        return _parameters.join(self.weights, self.biases)

    def set_parameters(self, vector: ArrayLike) -> None:
        """Set all parameters from a vector in the order of :meth:`get_parameters`.

        Parameters
        ----------
        vector : array_like, (n_parameters,)

        Raises
        ------
        ValueError
            If the vector has another shape; nothing is changed then.
        """
        array = _checks.numeric("vector", vector)
        if array.shape != (self.n_parameters,):
            raise ValueError(f"vector has shape {array.shape}; this network has ({self.n_parameters},) parameters")
        self._parameters[...] = 0  # the padding too
        _parameters.split_into(array, self.weights, self.biases)

    def copy(self) -> Network:
        """Return a network of its own with the same structure and parameters."""
        return self._twin(self.dtype)

    def _twin(self, dtype: Any) -> Network:
        twin = type(self).__new__(type(self))
        twin._build(self.layer_sizes, self.hidden, self.output, self.bias, dtype)
        twin.set_parameters(self.get_parameters())
        return twin

    def __deepcopy__(self, memo: dict[int, Any]) -> Network:
        return self.copy()

    def __getstate__(self) -> dict[str, Any]:
        return {
            "structure": self._structure,
            "parameters": self.get_parameters(),
        }

    def __setstate__(self, state: dict[str, Any]) -> None:
        self._build(*state["structure"])
        self.set_parameters(state["parameters"])

    def save(self, path: str | os.PathLike[str]) -> None:
        """Save to a safetensors file, in one piece or not at all.

        Parameters
        ----------
        path : str or path-like
            An existing file is replaced once the new one is complete on disk.

        Raises
        ------
        OSError
            If the file cannot be written; an old file stays as it was.
        """
        from bp_core import _file

        _file.save(path, self._contents())

    def _contents(self) -> Contents:
        """Return what a file holds of this network."""
        from bp_core._file import Contents

        return Contents(self._structure.as_arguments(), self.weights, self.biases)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Network:
        """Load what :meth:`save` wrote; the parameters come back to the bit.

        Parameters
        ----------
        path : str or path-like

        Returns
        -------
        Network

        Raises
        ------
        OSError
            If the file cannot be read.
        ValueError
            If it is no such file, or damaged; the message says what is wrong with it.
        """
        from bp_core import _file

        return cls._from_contents(_file.load(path, _file.NETWORK), path)

    @classmethod
    def _from_contents(cls, contents: Contents, path: object) -> Network:
        """Make the network that a file holds."""
        try:
            net = cls(**contents.structure, init="zeros", seed=0)
        except ValueError as error:
            raise ValueError(f"{path} is damaged: {error}") from None
        arrays = (*contents.weights, *contents.biases)
        for view, array in zip((*net.weights, *net.biases), arrays, strict=True):
            view[...] = array
        return net

    # ------------------------------------------------------------ prediction
    def predict(self, X: ArrayLike | Sparse, *, out: Real | None = None, n_threads: int | None = None) -> Real:
        """Return the network's output.

        Parameters
        ----------
        X : array_like, (n, n_in) or one row (n_in,), or CSR matrix (n, n_in)
            Any real numbers in any memory layout; rows are converted as they are read. A NaN gives NaN.
        out : ndarray, (n, n_out) or (n_out,), optional
            C-contiguous array of the network's dtype to write to; it must overlap neither X nor the parameters.
        n_threads : int, optional
            At most so many threads, 64 in all. None: as many as help, by the work; at most the usable cores, or what
            the environment variable ``BP_CORE_NUM_THREADS``, else ``OMP_NUM_THREADS`` says. The result does not
            depend on it.

        Returns
        -------
        ndarray, (n, n_out), or (n_out,) for one row
            ``predict(X)[i]`` has the bits of ``predict(X[i])``.

        Raises
        ------
        ValueError
            If X has another number of features, or ``out`` another shape, dtype or layout, or memory of X
            or of the parameters.
        TypeError
            If X holds no real numbers.
        """
        if n_threads is None:
            plain: Real | None = self._predict_plain(self._plan, self._parameters_memory, X, out)
            if plain is not None:
                return plain
        _checks.check_threads(n_threads)
        rows, single = _checks.rows_of(X, self.layer_sizes[0])
        if out is None:
            result = np.empty((rows.shape[0], self.layer_sizes[-1]), self.dtype)
        else:
            result = _passes.check_out(self, out, rows, single)
        threads = _threads.for_prediction(n_threads, self, rows.shape[0], _threads.unmet(self, rows))
        status, bad_row = self._engine.predict(self._plan, self._parameters, rows, result, threads)
        if status:
            _checks.raise_bad_row(status, bad_row, (rows,), self.dtype)
        if out is not None:
            return out
        return result[0] if single else result

    __call__ = predict

    def predictor(self) -> Predictor:
        """Return a snapshot of this network, for many predictions of a row or a few.

        Returns
        -------
        Predictor
            ``p(X)`` has the bits of ``predict(X)`` and takes the same arguments. Later changes of this network do not
            change it; any number of threads may use it at once.

        Examples
        --------
        >>> import bp_core as bp
        >>> net = bp.Network((2, 3, 1), seed=0)
        >>> p = net.predictor()
        >>> bool(p([0.5, 1.0]) == net.predict([0.5, 1.0]))
        True
        """
        return Predictor(self)

    def forward(self, X: ArrayLike | Sparse) -> ForwardPass:
        """Return every z and a of the forward pass.

        Parameters
        ----------
        X : array_like, (n, n_in) or one row (n_in,), or CSR matrix (n, n_in)

        Returns
        -------
        ForwardPass
            ``.z[l]``, ``.a[l]`` of (n, units) each, ``.output``; one row drops the row axis.

        Examples
        --------
        >>> import bp_core as bp
        >>> net = bp.Network((2, 3, 1), hidden="sigmoid", output="sigmoid", seed=0)
        >>> [z.shape for z in net.forward([0.5, 1.0]).z]
        [(3,), (1,)]
        """
        return _passes.forward(self, X)

    def jacobian(self, X: ArrayLike) -> Real:
        """Return how every output changes with every input, the other inputs held constant.

        Parameters
        ----------
        X : array_like, (n, n_in) or one row (n_in,)

        Returns
        -------
        ndarray, (n, n_out, n_in), or (n_out, n_in) for one row
            ``jacobian(X)[s, j, k]`` is the partial derivative of ``predict(X)[s, j]`` by ``X[s, k]``, through the
            activation of the output. ``jacobian(X)[s]`` has the bits of ``jacobian(X[s])``.

        Raises
        ------
        ValueError
            If X has another number of features, or a number in it is not finite (row and column are named).
        TypeError
            If X holds no real numbers, or is sparse.

        Notes
        -----
        One forward pass, then for each output j a backward pass that starts from delta = da_j/dz: f'(z) at unit j and
        0 elsewhere, or, behind a softmax, a_j ([i = j] - a_i). At a kink it is the derivative from the left.

        Time goes with the number of outputs: that of about 1 + n_out forward passes, of 1 + 2 n_out where the result
        is too large for the cache. Beside the result, 128 rows at a time take memory.

        Examples
        --------
        >>> import bp_core as bp
        >>> net = bp.Network.from_arrays([[[3.0], [2.0], [-1.0]]], None, hidden=(), output="identity")
        >>> net.jacobian([5.0, 5.0, 5.0])       # without activation: the weights, wherever one stands
        array([[ 3.,  2., -1.]])
        """
        return _passes.jacobian(self, X)

    # ---------------------------------------------------- loss and gradients
    def loss(
        self, X: ArrayLike | Sparse, y: ArrayLike, *, loss: LossLike = "auto", sample_weight: ArrayLike | None = None
    ) -> float:
        """Return the loss over the rows of X, without any penalty.

        Parameters
        ----------
        X : array_like, (n, n_in) or one row (n_in,), or CSR matrix (n, n_in)
        y : array_like
            Targets (n, n_out); (n,) where n_out is 1; for cross_entropy class indices (n,) or probability rows.
            For one row without the row axis.
        loss : str, Huber or Quantile, default "auto"
            cross_entropy for a softmax output, else half_squared_error; see :mod:`bp_core.losses`.
        sample_weight : array_like, (n,), optional
            Weights of the rows, divided by their mean.

        Returns
        -------
        float

        Raises
        ------
        ValueError
            If shapes do not fit, a number is not finite (row and column are named), or the loss does not fit
            the output.
        """
        problem = _passes.prepare(self, X, y, loss, sample_weight, sparse=True)
        return _passes.evaluate(self, problem.data, problem.objective, _passes.NOTHING)

    def gradients(
        self, X: ArrayLike | Sparse, y: ArrayLike, *, loss: LossLike = "auto", sample_weight: ArrayLike | None = None
    ) -> Gradients:
        """Return the derivatives of the loss by every parameter, delta and input; change nothing.

        Parameters
        ----------
        X, y, loss, sample_weight
            As for :meth:`loss`.

        Returns
        -------
        Gradients
            ``.loss``, ``.weights``, ``.biases``, ``.deltas``, ``.inputs``; arrays, for a sparse X too.

        Raises
        ------
        ValueError
            As for :meth:`loss`.

        Notes
        -----
        With delta = dLoss/dz: delta of the output is dLoss/da f'(z); delta_prev = (delta @ W.T) f'(z_prev);
        dLoss/dW = a_prev.T @ delta; dLoss/db = the sum of delta over the rows (D. Rumelhart, G. Hinton and
        R. Williams, 1986).

        Examples
        --------
        >>> import bp_core as bp
        >>> net = bp.Network.from_arrays([[[2.0]]], None, hidden="relu", output="identity")
        >>> net.gradients([3.0], [5.0]).weights[0]      # (a - y) x = (6 - 5) 3
        array([[3.]])
        """
        return _passes.gradients(self, _passes.prepare(self, X, y, loss, sample_weight, sparse=True))

    def check_gradients(self, X: ArrayLike, y: ArrayLike, *, loss: LossLike = "auto") -> GradientCheck:
        """Compare backpropagation with central differences, in a float64 copy of this network.

        Parameters
        ----------
        X, y, loss
            As for :meth:`loss`, but for a sparse X. Of an array with more than 1,000 numbers 1,000 are compared, evenly
            spread.

        Returns
        -------
        GradientCheck
            ``.ok``, ``.max_error``, ``.worst``.

        Raises
        ------
        ValueError
            As for :meth:`loss`, and if every row lies at a kink.

        Notes
        -----
        A parameter p moves by 6e-6 max(1, abs(p)) to either side. See :class:`GradientCheck` for the measure.

        Examples
        --------
        >>> import bp_core as bp
        >>> net = bp.Network((2, 3, 1), hidden="tanh", seed=0)
        >>> net.check_gradients([[0.5, -1.0]], [[1.0]]).ok
        True
        """
        problem = _passes.prepare(self, X, y, loss, None)
        from bp_core import _gradient_check

        return _gradient_check.check(self, problem.rows, problem.data.targets, loss)

    def explain(
        self,
        x: ArrayLike,
        y: ArrayLike,
        *,
        loss: LossLike = "auto",
        learning_rate: float = 0.1,
        input_names: Sequence[object] | None = None,
        output_names: Sequence[object] | None = None,
    ) -> Explanation:
        """Explain backpropagation for some rows: every number by name, from the forward pass to the update.

        Parameters
        ----------
        x : array_like, (n_in,) or (n, n_in)
            One row, or a batch, over whose rows the error is the mean.
        y, loss
            As for :meth:`loss`.
        learning_rate : float, default 0.1
            Of the step of gradient descent that is shown; nothing is changed.
        input_names, output_names : sequence of str, optional
            Written beside the inputs and outputs; None: a data frame's columns, else nothing.

        Returns
        -------
        Explanation
            ``print`` it, or show it in a notebook; ``.parameter("W7")``, ``.path("x1", "a2")``, ``.to_latex()``,
            ``.to_dict()``, ``.save_html(path)``.

        Raises
        ------
        ValueError
            As for :meth:`loss`, and for a learning rate that is not positive.
        DivergenceError
            If the loss is not finite.

        Examples
        --------
        >>> import bp_core as bp
        >>> net = bp.Network.from_arrays([[[2.0]]], None, hidden="relu", output="identity")
        >>> print(net.explain([3.0], [5.0]).parameter("W1"))
        W1  x1 -> z1  weights[0][0, 0] = 2
          dE/dW1 = dE/da1 * da1/dz1 * dz1/dW1
                 = (a1 - y) * 1 * x1
                 = 1 * 1 * 3
                 = 3
          central difference 3, error ...: they agree
          W1 <- W1 - learning_rate * dE/dW1 = 2 - 0.1 * 3 = 1.7
        """
        from bp_core.explain import Explanation

        return Explanation(self, x, y, loss, learning_rate, input_names, output_names)

    def draw(
        self,
        *,
        gradients: Gradients | None = None,
        ax: Axes | None = None,
        path: str | os.PathLike[str] | None = None,
        max_units: int = 16,
        input_names: Sequence[object] | None = None,
        output_names: Sequence[object] | None = None,
        show_values: bool | None = None,
    ) -> Axes:
        """Draw the network with matplotlib: a circle for each unit, a line for each weight.

        Parameters
        ----------
        gradients, ax, path, max_units, input_names, output_names, show_values
            As for :func:`bp_core.plot.draw`: dE/dW instead of W, where to draw, where to save, how many units of a
            large layer, names beside inputs and outputs, a number on each line.

        Returns
        -------
        matplotlib Axes

        Raises
        ------
        ImportError
            Without matplotlib, the extra ``plot``.

        Examples
        --------
        >>> import matplotlib.pyplot as plt
        >>> import bp_core as bp
        >>> net = bp.Network((2, 3, 1), hidden="sigmoid", output="sigmoid", seed=0)
        >>> ax = net.draw(path="net.png", input_names=["height", "weight"])
        >>> plt.close(ax.figure)
        """
        from bp_core.plot import draw

        return draw(
            self,
            gradients=gradients,
            ax=ax,
            path=path,
            max_units=max_units,
            input_names=input_names,
            output_names=output_names,
            show_values=show_values,
        )


def require_network(net: object) -> Network:
    """Return ``net``; raise for all but a network."""
    if not isinstance(net, Network):
        raise TypeError(f"net is {type(net).__name__}; expected a bp.Network")
    return net
