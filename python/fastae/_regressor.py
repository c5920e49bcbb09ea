"""The regressor: a network whose lower layers an autoencoder may have learned."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal, Self

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator, MultiOutputMixin, RegressorMixin
from sklearn.utils.validation import check_array, check_is_fitted

from fastae._callbacks import CallbackMixin
from fastae._checks import check
from fastae._fitting import unchanged_on_error
from fastae._scaling import scaling
from fastae._stream import ColumnStats
from fastae._supervised import SupervisedMixin
from fastae._targets import Targets

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Sequence

    from fastae._autoencoder import Autoencoder
    from fastae._data import ScoredRows, TrainingData
    from fastae._fitting import Scaling

Float64 = npt.NDArray[np.float64]


class AutoencoderRegressor(
    CallbackMixin,
    SupervisedMixin,
    MultiOutputMixin,  # type: ignore[misc]
    RegressorMixin,  # type: ignore[misc]
    BaseEstimator,  # type: ignore[misc]
):
    """Regressor over the layers that an autoencoder learned, or a plain multi-layer perceptron.

    With many rows and few labels, an autoencoder learns from all rows what they are made of, and
    the regressor begins with its layers in place of random ones. Training is gradient descent in
    C++ on float32 weights.

    Parameters
    ----------
    autoencoder : Autoencoder, default=None
        Whose layers to begin with, and whose scaling to keep: those from the input up to the
        codes, or the first `encoder_layers`. A fitted one is taken as it is and not changed (but
        scikit-learn's `clone`, in searches and cross-validation, makes it an unfitted one: wrap it
        in ``sklearn.frozen.FrozenEstimator`` to prevent that). An unfitted one is cloned and fitted
        on X and `X_unlabeled` first ([1]_, [2]_). None: a plain multi-layer perceptron.
    encoder_layers : int >= 0, default=None
        How many hidden layers to take over; None: up to the codes.
    encoder_rate : float >= 0, default=1.0
        By what the step size of the layers taken over is multiplied; 0: they stay as they are.
    thaw_epochs : float >= 0, default=0.0
        Above 0, the layers taken over do not change at first, while those on top find their
        place: the uppermost trains after so many epochs, the one below it after twice as many,
        and so on [3]_. For `fit`; `partial_fit` has no epochs to count.
    hidden_layer_sizes : "auto", int or sequence of int, default="auto"
        Units of the hidden layers on top. "auto" is none with an autoencoder, and without one a
        layer of 100 units.
    activation : {"relu", "tanh", "elu", "logistic", "identity"}, default="relu"
        Of the layers on top.
    reconstruction_weight : float >= 0, default=0.0
        Above 0, training is semi-supervised [4]_: the last hidden layer also reconstructs the
        inputs, of rows with and without label, and the loss is
        ``supervised + reconstruction_weight * reconstruction``, each the mean over the rows that
        have it; the reconstruction's is half the squared error summed over columns, in scaled
        units.
    loss : {"squared_error", "absolute_error", "huber", "quantile"}, default="squared_error"
        What training minimises, summed over the targets: half the square, or the absolute value,
        of the error in units of the target's standard deviation; Huber's mixture of both; or the
        pinball loss, whose minimum is a quantile. The same goes for the reconstruction.
    huber_delta : float > 0, default=1.0
        For "huber": errors beyond it count linearly, in standard deviations of the target.
    quantile : float in (0, 1), default=0.5
        For "quantile": the share of targets that should lie below their prediction.
    solver, learning_rate_init, learning_rate, power_t, layer_rate_decay : optional
        The optimiser and its step size, as in `Autoencoder`.
    batch_size : "auto" or int >= 1, default="auto"
        Rows per update, as in `Autoencoder`, but "auto" is 16 already from 128 rows on (but for
        "adadelta").
    max_epochs : float >= 0, default=100
        Passes over the training rows.
    l1, l2, max_w2, input_dropout, hidden_dropout, input_noise : optional
        Regularisation, as in `Autoencoder`. What is to be reconstructed stays clean.
    momentum, momentum_start, momentum_ramp, momentum_dampening, nesterovs_momentum : optional
        For "sgd", as in `Autoencoder`.
    annealing, rho, beta_1, beta_2, epsilon : optional
        Of the solvers, as in `Autoencoder`.
    init, init_scale : optional
        Distribution of the first weights, as in `Autoencoder`.
    scaling : {"auto", "range", "standard", "robust", "none"}, default="auto"
        As in `Autoencoder`; of no influence with `autoencoder`, whose scaling is kept.
    constant_features : {"keep", "drop"}, default="keep"
        As in `Autoencoder`; with `autoencoder`, whose columns are kept, of no influence either.
    missing : {"ignore", "impute", "error"}, default="ignore"
        What NaN in a table of inputs means, as in `Autoencoder`: but for "error", the network sees
        the column's mean.
    missing_indicator, categorical_features : optional
        Of missing values and columns of categories, as in `Autoencoder`; with `autoencoder`, what
        that was fitted with counts.
    categorical_loss : {"cross_entropy", "squared_error"}, default="cross_entropy"
        As in `Autoencoder`; with `reconstruction_weight`.
    max_categories : int >= 2, default=10_000
        As `categorical_features`.
    validation_fraction : float in [0, 1), default=0.0
        Share of the labelled rows that are not trained on but scored along with the
        training.
    early_stopping, stopping_rounds, stopping_tolerance, restore_best_weights : optional
        As in `Autoencoder`, by the mean squared error.
    max_time, score_every, score_interval, score_duty_cycle : optional
        As in `Autoencoder`.
    score_training_samples, score_validation_samples : optional
        As in `Autoencoder`.
    warm_start, checkpoint, checkpoint_interval, callback : optional
        As in `Autoencoder`.
    parallel, n_jobs, random_state, verbose : optional
        As in `Autoencoder`.

    Attributes
    ----------
    autoencoder_ : Autoencoder or None
        The fitted autoencoder that lower layers came from.
    coefs_ : list of ndarray of shape (fan_in, fan_out), float32
        Weights per layer: views of the network. With `reconstruction_weight`, the first
        `n_features` columns of the last are the reconstruction's.
    intercepts_ : list of ndarray of shape (fan_out,), float32
        Biases per layer, views as well.
    history_ : Table
        As in `Autoencoder`, with the columns "training_rmse",
        "training_mse", "validation_rmse", "validation_mse", in units of y, averaged over the
        targets.
    loss_curve_ : list of float
        Mean squared error, in standard deviations of the targets, of each complete epoch, as seen
        while the weights were changing.
    best_mse_ : float
        The least mean squared error of all scorings, where `restore_best_weights` looks for it;
        else NaN.
    stop_reason_, n_iter_, n_samples_seen_, batch_size_, hidden_layer_sizes_, n_layers_
        As in `Autoencoder`.
    shift_, scale_ : ndarray of shape (n_features,), float64
        The network sees ``(X - shift_) * scale_``.
    scaling_, constant_features_
        As in `Autoencoder`.
    target_shift_, target_scale_ : ndarray of shape (n_targets,), float64
        The network's outputs are ``(y - target_shift_) * target_scale_``.
    n_features_in_ : int
        Columns of the training table.
    feature_names_in_ : ndarray of shape (n_features,), object
        Their names, if `X` was a data frame whose names are all strings.

    See Also
    --------
    Autoencoder : What the lower layers can come from.
    AutoencoderClassifier : The same for labels.

    References
    ----------
    .. [1] G. E. Hinton, R. R. Salakhutdinov. "Reducing the Dimensionality of Data with Neural
       Networks." Science 313, 2006.
    .. [2] D. Erhan, Y. Bengio, A. Courville, P.-A. Manzagol, P. Vincent, S. Bengio. "Why Does
       Unsupervised Pre-training Help Deep Learning?" JMLR 11, 2010.
    .. [3] J. Howard, S. Ruder. "Universal Language Model Fine-tuning for Text Classification." ACL
       2018: gradual unfreezing.
    .. [4] L. Le, A. Patterson, M. White. "Supervised Autoencoders: Improving Generalization
       Performance with Unsupervised Regularizers." NeurIPS 2018.

    Examples
    --------
    >>> import numpy as np
    >>> from fastae import AutoencoderRegressor
    >>> X = np.random.default_rng(0).uniform(-2, 2, size=(400, 3))
    >>> y = 50 + 10 * np.sin(X[:, 0]) * X[:, 1]
    >>> model = AutoencoderRegressor(random_state=0).fit(X[:300], y[:300])
    >>> model.score(X[300:], y[300:]) > 0.9
    True
    """

    target_shift_: Float64
    target_scale_: Float64
    _target_stats: ColumnStats
    _y_is_1d: bool
    _fitted_names = (
        *SupervisedMixin._fitted_names, "target_shift_", "target_scale_", "_y_is_1d",
    )  # fmt: skip

    def __init__(
        self,
        autoencoder: Autoencoder | None = None,
        *,
        encoder_layers: int | None = None,
        encoder_rate: float = 1.0,
        thaw_epochs: float = 0.0,
        hidden_layer_sizes: int | Sequence[int] | Literal["auto"] = "auto",
        activation: str = "relu",
        reconstruction_weight: float = 0.0,
        loss: str = "squared_error",
        huber_delta: float = 1.0,
        quantile: float = 0.5,
        solver: str = "adam",
        learning_rate_init: float | Literal["auto"] = "auto",
        learning_rate: str = "cosine",
        power_t: float = 0.5,
        layer_rate_decay: float = 1.0,
        batch_size: int | Literal["auto"] = "auto",
        max_epochs: float = 100,
        l1: float = 0.0,
        l2: float = 0.0,
        max_w2: float | None = None,
        input_dropout: float = 0.0,
        hidden_dropout: float | Sequence[float] = 0.0,
        input_noise: float = 0.0,
        momentum: float = 0.9,
        momentum_start: float | None = None,
        momentum_ramp: float = 1e6,
        momentum_dampening: bool = False,
        nesterovs_momentum: bool = True,
        annealing: float = 0.0,
        rho: float = 0.99,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        init: str = "glorot_uniform",
        init_scale: float = 1.0,
        scaling: str = "auto",
        constant_features: str = "keep",
        missing: str = "ignore",
        missing_indicator: bool = False,
        categorical_features: Any = "from_dtype",
        categorical_loss: str = "cross_entropy",
        max_categories: int = 10_000,
        validation_fraction: float = 0.0,
        early_stopping: bool = False,
        stopping_rounds: int = 5,
        stopping_tolerance: float = 0.0,
        restore_best_weights: bool = True,
        max_time: float | None = None,
        score_every: int | Literal["auto"] = "auto",
        score_interval: float = 0.0,
        score_duty_cycle: float = 0.05,
        score_training_samples: int = 10_000,
        score_validation_samples: int = 0,
        warm_start: bool = False,
        checkpoint: str | os.PathLike[str] | None = None,
        checkpoint_interval: float = 60.0,
        callback: Callable[[dict[str, Any]], object] | None = None,
        parallel: str = "deterministic",
        n_jobs: int | None = None,
        random_state: int | np.random.RandomState | None = None,
        verbose: int = 0,
    ) -> None:
        self.autoencoder = autoencoder
        self.encoder_layers = encoder_layers
        self.encoder_rate = encoder_rate
        self.thaw_epochs = thaw_epochs
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.reconstruction_weight = reconstruction_weight
        self.loss = loss
        self.huber_delta = huber_delta
        self.quantile = quantile
        self.solver = solver
        self.learning_rate_init = learning_rate_init
        self.learning_rate = learning_rate
        self.power_t = power_t
        self.layer_rate_decay = layer_rate_decay
        self.batch_size = batch_size
        self.max_epochs = max_epochs
        self.l1 = l1
        self.l2 = l2
        self.max_w2 = max_w2
        self.input_dropout = input_dropout
        self.hidden_dropout = hidden_dropout
        self.input_noise = input_noise
        self.momentum = momentum
        self.momentum_start = momentum_start
        self.momentum_ramp = momentum_ramp
        self.momentum_dampening = momentum_dampening
        self.nesterovs_momentum = nesterovs_momentum
        self.annealing = annealing
        self.rho = rho
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon
        self.init = init
        self.init_scale = init_scale
        self.scaling = scaling
        self.constant_features = constant_features
        self.missing = missing
        self.missing_indicator = missing_indicator
        self.categorical_features = categorical_features
        self.categorical_loss = categorical_loss
        self.max_categories = max_categories
        self.validation_fraction = validation_fraction
        self.early_stopping = early_stopping
        self.stopping_rounds = stopping_rounds
        self.stopping_tolerance = stopping_tolerance
        self.restore_best_weights = restore_best_weights
        self.max_time = max_time
        self.score_every = score_every
        self.score_interval = score_interval
        self.score_duty_cycle = score_duty_cycle
        self.score_training_samples = score_training_samples
        self.score_validation_samples = score_validation_samples
        self.warm_start = warm_start
        self.checkpoint = checkpoint
        self.checkpoint_interval = checkpoint_interval
        self.callback = callback
        self.parallel = parallel
        self.n_jobs = n_jobs
        self.random_state = random_state
        self.verbose = verbose

    def fit(
        self,
        X: Any,
        y: Any,
        *,
        sample_weight: Any = None,
        X_unlabeled: Any = None,
        X_val: Any = None,
        y_val: Any = None,
    ) -> Self:
        """Train the network on rows with labels, and on rows without where they have a use.

        Ctrl-C ends the training early with a warning and leaves a usable model.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            As in `Autoencoder.fit`.
        y : array-like of shape (n_samples,) or (n_samples, n_targets)
            Numbers in any units: they are standardised inside. NaN (in all columns) is a row
            without label where such rows have a use: with an autoencoder or
            `reconstruction_weight`.
        sample_weight : array-like of shape (n_samples,), default=None
            How much each row counts; a row of weight 0 is absent.
        X_unlabeled : array-like of shape (n_unlabeled, n_features), default=None
            More rows, without labels: for an unfitted `autoencoder`, and to be reconstructed with
            `reconstruction_weight`.
        X_val, y_val : array-like, default=None
            Labelled rows to validate with, in place of `validation_fraction`.

        Returns
        -------
        self : AutoencoderRegressor
            Fitted. On any error it stays as it was.

        Raises
        ------
        ValueError
            If a parameter is out of its range, a table or y is wrong, no row has a label, or the
            autoencoder was trained on other columns.
        DivergenceError
            If errors or weights stop being finite while training.

        Examples
        --------
        >>> import numpy as np
        >>> from fastae import AutoencoderRegressor
        >>> X = np.random.default_rng(0).normal(size=(200, 3))
        >>> y = 100 + 10 * X[:, 0]
        >>> model = AutoencoderRegressor(random_state=0).fit(X, y)
        >>> model.score(X, y) > 0.9
        True
        """
        return self._fit(X, y, sample_weight, X_unlabeled, (X_val, y_val))

    def partial_fit(self, X: Any, y: Any, *, sample_weight: Any = None) -> Self:
        """Train on some rows once, and go on from there in the next call.

        The first call draws the weights (an unfitted `autoencoder` is fitted on its rows) and
        settles the batch size. The scaling follows the stream as in `Autoencoder.partial_fit`, but
        for that of an autoencoder, which stays.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            The next rows.
        y : array-like of shape (n_samples,) or (n_samples, n_targets)
            As in `fit`.
        sample_weight : array-like of shape (n_samples,), default=None
            As in `fit`; ratios matter within a call.

        Returns
        -------
        self : AutoencoderRegressor
            On any error it stays as it was.

        Raises
        ------
        ValueError, DivergenceError
            As in `fit`.

        Examples
        --------
        >>> import numpy as np
        >>> from fastae import AutoencoderRegressor
        >>> X = np.random.default_rng(0).normal(size=(200, 3))
        >>> y = 100 + 10 * X[:, 0]
        >>> model = AutoencoderRegressor(random_state=0)
        >>> for rows in np.split(np.arange(200), 4):
        ...     model = model.partial_fit(X[rows], y[rows])
        >>> model.predict(X).shape
        (200,)
        """
        with unchanged_on_error(self):
            check(self)
            first = not hasattr(self, "_state")
            if first:
                self._encoded_targets(y, learn=True)
            return self._partial_fit(X, y, sample_weight, first=first)

    def predict(self, X: Any) -> Float64:
        """Return the predicted numbers.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        values : ndarray of shape (n_samples,) or (n_samples, n_targets), float64
            In the units and the shape of y.

        Raises
        ------
        sklearn.exceptions.NotFittedError
            If `fit` has not been called.
        ValueError
            If X has infinity, text, NaN with ``missing="error"``, or another number of columns than
            in `fit`.

        Examples
        --------
        >>> import numpy as np
        >>> from fastae import AutoencoderRegressor
        >>> X = np.random.default_rng(0).normal(size=(200, 3))
        >>> y = 100 + 10 * X[:, 0]
        >>> model = AutoencoderRegressor(random_state=0).fit(X, y)
        >>> bool(abs(model.predict([[1.0, 0.0, 0.0]]) - 110) < 3)
        True
        """
        check_is_fitted(self)
        values = self._in_own_units(self._predicted(X))
        return values[:, 0] if self._y_is_1d else values

    def _in_own_units(self, outputs: Float64) -> Float64:
        return np.asarray(outputs / self.target_scale_ + self.target_shift_)

    def _measure(self, rows: ScoredRows) -> tuple[Float64, dict[str, float]]:
        """Return the squared error of each row, averaged over the targets, and its mean."""
        assert rows.targets is not None
        outputs = np.asarray(self._outputs(rows.table), dtype=np.float64)
        gaps = self._in_own_units(outputs) - rows.targets.of(rows)
        errors: Float64 = np.square(gaps).mean(axis=1)
        mse = rows.mean(errors)
        return errors, {"rmse": mse**0.5, "mse": mse}

    def _encoded_targets(self, y: Any, *, learn: bool) -> Targets:
        if y is None:
            msg = "AutoencoderRegressor requires y to be passed, but the target y is None."
            raise ValueError(msg)
        values = check_array(
            y, dtype=np.float64, ensure_2d=False, input_name="y",
            ensure_all_finite="allow-nan" if self._has_use_for_unlabelled else True,
        )  # fmt: skip
        is_1d = values.ndim == 1
        values = values[:, np.newaxis] if is_1d else values
        if learn:
            self._y_is_1d, self._n_targets = is_1d, values.shape[1]
        elif values.shape[1] != self._n_targets:
            msg = f"y must have {self._n_targets} columns, as in fit, got {values.shape[1]}."
            raise ValueError(msg)
        missing = np.isnan(values)
        partly = np.flatnonzero(missing.any(axis=1) & ~missing.all(axis=1))
        if partly.size:
            msg = (
                f"Row {partly[0]} of y has a NaN beside numbers: a row without label must be NaN "
                "in all columns."
            )
            raise ValueError(msg)
        return Targets.of_values(values)

    def _with_scaled_targets(
        self, data: TrainingData, how: Literal["anew", "merged", "kept"]
    ) -> TrainingData:
        assert data.targets is not None
        assert data.targets.values is not None
        if how != "kept":
            rows = data.sample(0)
            new = _stats(data.targets.of(rows), rows.weights)
            self._target_stats = new if how == "anew" else self._target_stats.merged(new)
            self.target_shift_, self.target_scale_ = scaling(
                "standard", self._target_stats.columns, np.dtype(np.float64), name="y"
            )
        scaled = data.targets.scaled(self.target_shift_, self.target_scale_)
        return replace(data, targets=scaled)

    def _target_scaling(self) -> Scaling:
        return self.target_shift_, self.target_scale_


def _stats(values: Float64, weights: Float64 | None) -> ColumnStats:
    """Return the statistics of some rows of targets."""
    with np.errstate(over="ignore", invalid="ignore"):  # `scaling` reports what is too wide
        mean = np.average(values, axis=0, weights=weights)
        variance = np.average(np.square(values - mean), axis=0, weights=weights)
    total = float(values.shape[0] if weights is None else weights.sum())
    count = np.full(values.shape[1], total)
    return ColumnStats(count, mean, values.min(axis=0), values.max(axis=0), variance, total)
