"""What a trainer is given to learn from, checked and put before the engine."""

from __future__ import annotations

from typing import Any

import numpy as np

from bp_core import _checks, _loss_function, _targets, _weights
from bp_core._targets import Data, Targets
from bp_core.network import Network


class Intake:
    """Checks rows, targets and weights for a network and a loss."""

    def __init__(self, net: Network, loss: str) -> None:
        self.network, self._loss = net, loss

    @property
    def dtype(self) -> np.dtype[Any]:
        """That of the network."""
        return self.network.dtype

    def data(
        self,
        X: object,
        y: object,
        sample_weight: object = None,
        class_weight: object = None,
        missing: str = "error",
        *,
        finite: bool = True,
        part: bool = False,
    ) -> Data:
        """What the engine takes, checked but for X, whose numbers are looked at as they are read.

        Without ``finite`` the numbers of y are looked at then, too. A ``part`` of the rows may lack all its targets.
        """
        rows, _ = _checks.rows_of(X, self.network.layer_sizes[0], row_allowed=False)
        _checks.require_rows(rows)
        n = rows.shape[0]
        targets = self._targets(y, n, missing, finite)
        sizes = targets.sizes
        if sizes is not None and not part and not sizes.any():
            raise ValueError("y is nan in every row: all targets are missing; expected at least one number")
        if class_weight is not None and self._loss == _loss_function.NAME:
            raise ValueError("class_weight is not for a loss that is a function; pass sample_weight")
        output = self.network.output, self.network.layer_sizes[-1]
        weights = _weights.with_classes(sample_weight, class_weight, targets, n, output)
        return Data(rows, targets.rows, targets.classes, weights, sizes, sizes is not None)

    def _targets(self, y: object, n: int, missing: str, finite: bool) -> Targets:
        n_out = self.network.layer_sizes[-1]
        if self._loss == _loss_function.NAME:
            return _targets.check_free(y, n, n_out, missing)
        return _targets.check(y, n, n_out, self._loss, self.dtype, finite=finite, missing=missing)

    def validation(self, validation_data: object, missing: str) -> Data | None:
        """What the engine takes for the validation rows, all finite."""
        if validation_data is None:
            return None
        if not isinstance(validation_data, (tuple, list)) or len(validation_data) not in (2, 3):
            kind = type(validation_data).__name__
            raise ValueError(f"validation_data is a {kind}; expected (X, y) or (X, y, sample_weight)")
        try:
            X, y, weight = (*validation_data, None)[:3]
            data = self.data(X, y, weight, missing=missing)
            _checks.check_finite("X", data.X, self.dtype)
        except (TypeError, ValueError) as error:
            raise type(error)(f"validation_data: {error}") from None
        return data
