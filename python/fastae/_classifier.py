"""The classifier: a network whose lower layers an autoencoder may have learned."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal, Self

import numpy as np
import numpy.typing as npt
from scipy.special import log_softmax, softmax
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils import assert_all_finite, compute_sample_weight
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, column_or_1d

from fastae._callbacks import CallbackMixin
from fastae._checks import check, fail
from fastae._fitting import unchanged_on_error
from fastae._supervised import SupervisedMixin
from fastae._targets import UNKNOWN, Targets

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Sequence

    from fastae._autoencoder import Autoencoder
    from fastae._data import ScoredRows

Float64 = npt.NDArray[np.float64]


class AutoencoderClassifier(
    CallbackMixin,
    SupervisedMixin,
    ClassifierMixin,  # type: ignore[misc]
    BaseEstimator,  # type: ignore[misc]
):
    """Classifier over the layers that an autoencoder learned, or a plain multi-layer perceptron.

    With many rows and few labels, an autoencoder learns from all rows what they are made of, and
    the classifier begins with its layers in place of random ones. Training minimises the
    cross-entropy of the softmax of the outputs, in C++ on float32 weights.

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
    class_weight : dict or "balanced", default=None
        How much rows of each class count, on top of `sample_weight`. "balanced": inversely to the
        number of rows of their class.
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
        Share of the labelled rows, of every class in proportion, that are not trained on but
        scored along with the training.
    early_stopping, stopping_rounds, stopping_tolerance, restore_best_weights : optional
        As in `Autoencoder`, by the log-loss.
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
    classes_ : ndarray of shape (n_classes,)
        The labels.
    autoencoder_ : Autoencoder or None
        The fitted autoencoder that lower layers came from.
    coefs_ : list of ndarray of shape (fan_in, fan_out), float32
        Weights per layer: views of the network. With `reconstruction_weight`, the first
        `n_features` columns of the last are the reconstruction's.
    intercepts_ : list of ndarray of shape (fan_out,), float32
        Biases per layer, views as well.
    history_ : Table
        As in `Autoencoder`, with the columns "training_logloss",
        "training_error" (share of wrong labels), "validation_logloss", "validation_error".
    loss_curve_ : list of float
        Mean log-loss of each complete epoch, as seen while the weights were changing.
    best_logloss_ : float
        The least log-loss of all scorings, where `restore_best_weights` looks for it; else NaN.
    stop_reason_, n_iter_, n_samples_seen_, batch_size_, hidden_layer_sizes_, n_layers_
        As in `Autoencoder`.
    shift_, scale_ : ndarray of shape (n_features,), float64
        The network sees ``(X - shift_) * scale_``.
    scaling_, constant_features_
        As in `Autoencoder`.
    n_features_in_ : int
        Columns of the training table.
    feature_names_in_ : ndarray of shape (n_features,), object
        Their names, if `X` was a data frame whose names are all strings.

    See Also
    --------
    Autoencoder : What the lower layers can come from.
    AutoencoderRegressor : The same for numbers.

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
    >>> from sklearn.datasets import load_digits
    >>> from fastae import Autoencoder, AutoencoderClassifier
    >>> X, y = load_digits(return_X_y=True)
    >>> autoencoder = Autoencoder(
    ...     hidden_layer_sizes=48, activation="relu", input_dropout=0.3, max_epochs=30,
    ...     scaling="range", random_state=0)
    >>> model = AutoencoderClassifier(autoencoder, max_epochs=30, random_state=0)
    >>> model = model.fit(X[:100], y[:100], X_unlabeled=X[100:1200])
    >>> model.score(X[1200:], y[1200:]) > 0.7
    True
    >>> model.predict_proba(X[:1]).shape
    (1, 10)
    """

    classes_: npt.NDArray[Any]
    class_weight: Mapping[Any, float] | Literal["balanced"] | None
    _decisive = "logloss"
    _fitted_names = (*SupervisedMixin._fitted_names, "classes_")

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
        class_weight: Mapping[Any, float] | Literal["balanced"] | None = None,
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
        self.class_weight = class_weight
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
        y : array-like of shape (n_samples,)
            Labels: numbers or strings. -1 is a row without label, as in scikit-learn's
            semi-supervised estimators, where such rows have a use (with an autoencoder or
            `reconstruction_weight`) and there are at least two other labels; else a label like any
            other. Among strings (an array of objects), -1 and None are rows without label.
        sample_weight : array-like of shape (n_samples,), default=None
            How much each row counts; a row of weight 0 is absent.
        X_unlabeled : array-like of shape (n_unlabeled, n_features), default=None
            More rows, without labels: for an unfitted `autoencoder`, and to be reconstructed with
            `reconstruction_weight`.
        X_val, y_val : array-like, default=None
            Labelled rows to validate with, in place of `validation_fraction`.

        Returns
        -------
        self : AutoencoderClassifier
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
        >>> from fastae import AutoencoderClassifier
        >>> X = np.random.default_rng(0).normal(size=(200, 3))
        >>> y = np.where(X[:, 0] > 0, "large", "small")
        >>> model = AutoencoderClassifier(random_state=0).fit(X, y)
        >>> model.classes_.tolist(), model.score(X, y) > 0.9
        (['large', 'small'], True)
        """
        return self._fit(X, y, sample_weight, X_unlabeled, (X_val, y_val))

    def partial_fit(
        self, X: Any, y: Any, *, classes: Any = None, sample_weight: Any = None
    ) -> Self:
        """Train on some rows once, and go on from there in the next call.

        The first call draws the weights (an unfitted `autoencoder` is fitted on its rows) and
        settles the batch size. The scaling follows the stream as in `Autoencoder.partial_fit`, but
        for that of an autoencoder, which stays.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            The next rows.
        y : array-like of shape (n_samples,)
            As in `fit`.
        classes : array-like of shape (n_classes,), default=None
            All labels that there will be; needed in the first call.
        sample_weight : array-like of shape (n_samples,), default=None
            As in `fit`; ratios matter within a call.

        Returns
        -------
        self : AutoencoderClassifier
            On any error it stays as it was.

        Raises
        ------
        ValueError, DivergenceError
            As in `fit`, and for ``class_weight="balanced"``, which
            needs all rows at once.

        Examples
        --------
        >>> import numpy as np
        >>> from fastae import AutoencoderClassifier
        >>> X = np.random.default_rng(0).normal(size=(200, 3))
        >>> y = np.where(X[:, 0] > 0, "large", "small")
        >>> model = AutoencoderClassifier(random_state=0)
        >>> for rows in np.split(np.arange(200), 4):
        ...     model = model.partial_fit(X[rows], y[rows], classes=["large", "small"])
        >>> model.predict(X).shape
        (200,)
        """
        with unchanged_on_error(self):
            check(self)
            if self.class_weight == "balanced":
                msg = (
                    "class_weight='balanced' needs all rows at once, which partial_fit does not "
                    "see: give a dict, or sample_weight."
                )
                raise ValueError(msg)
            first = not hasattr(self, "_state")
            self._settle_classes(classes, first=first)
            return self._partial_fit(X, y, sample_weight, first=first)

    def predict_proba(self, X: Any) -> Float64:
        """Return the probability of each class.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        probabilities : ndarray of shape (n_samples, n_classes), float64
            Columns in the order of `classes_`; rows sum to 1.

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
        >>> from fastae import AutoencoderClassifier
        >>> X = np.random.default_rng(0).normal(size=(200, 3))
        >>> y = np.where(X[:, 0] > 0, "large", "small")
        >>> model = AutoencoderClassifier(random_state=0).fit(X, y)
        >>> np.allclose(model.predict_proba(X).sum(axis=1), 1)
        True
        """
        check_is_fitted(self)
        probabilities: Float64 = softmax(self._predicted(X), axis=1)
        return probabilities

    def predict_log_proba(self, X: Any) -> Float64:
        """Return the logarithms of the classes' probabilities.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        logarithms : ndarray of shape (n_samples, n_classes), float64
            Finite where the probability itself would be 0.

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
        >>> from fastae import AutoencoderClassifier
        >>> X = np.random.default_rng(0).normal(size=(200, 3))
        >>> y = np.where(X[:, 0] > 0, "large", "small")
        >>> model = AutoencoderClassifier(random_state=0).fit(X, y)
        >>> np.allclose(np.exp(model.predict_log_proba(X)), model.predict_proba(X))
        True
        """
        check_is_fitted(self)
        logs: Float64 = log_softmax(self._predicted(X), axis=1)
        return logs

    def predict(self, X: Any) -> npt.NDArray[Any]:
        """Return the most probable label of each row.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        labels : ndarray of shape (n_samples,)
            Of the type of `classes_`.

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
        >>> from fastae import AutoencoderClassifier
        >>> X = np.random.default_rng(0).normal(size=(200, 3))
        >>> y = np.where(X[:, 0] > 0, "large", "small")
        >>> model = AutoencoderClassifier(random_state=0).fit(X, y)
        >>> model.predict([[2.0, 0.0, 0.0], [-2.0, 0.0, 0.0]])
        array(['large', 'small'], dtype='<U5')
        """
        check_is_fitted(self)
        return np.asarray(self.classes_[self._predicted(X).argmax(axis=1)])

    def _measure(self, rows: ScoredRows) -> tuple[Float64, dict[str, float]]:
        """Return the log-loss of each row; its mean and the share of wrong classes."""
        assert rows.targets is not None
        codes = rows.targets.of(rows)
        logs = log_softmax(np.asarray(self._outputs(rows.table), dtype=np.float64), axis=1)
        errors: Float64 = -logs[np.arange(codes.size), codes]
        wrong = logs.argmax(axis=1) != codes
        return errors, {"logloss": rows.mean(errors), "error": rows.mean(wrong)}

    def _encoded_targets(self, y: Any, *, learn: bool) -> Targets:
        labels, unknown = _labels(y)
        if unknown.any() and not self._has_use_for_unlabelled:
            msg = (
                "y has rows without label (None, or -1 among strings), which are of use only with "
                "an autoencoder or reconstruction_weight: leave them out."
            )
            raise ValueError(msg)
        if learn:
            self.classes_ = np.unique(labels[~unknown])
        if self._has_use_for_unlabelled and labels.dtype.kind in "if":
            marked = labels == UNKNOWN
            others = np.unique(labels[~marked])
            if learn and marked.any() and others.size > 1:
                self.classes_ = others
            unknown = unknown | (marked & ~np.isin(UNKNOWN, self.classes_))
        if learn:
            self._check_number()
        codes = np.searchsorted(self.classes_, labels).astype(np.int32)
        codes[unknown] = UNKNOWN
        known = np.isin(labels, self.classes_) | unknown
        if not known.all():
            stranger = labels[~known].tolist()[0]
            msg = f"y has {stranger!r}, which is none of the classes {self.classes_.tolist()}."
            raise ValueError(msg)
        self._n_targets = int(self.classes_.size)
        return Targets.of_classes(codes, self._n_targets)

    def _check_number(self) -> None:
        if self.classes_.size < 2:
            msg = (
                "The number of classes has to be greater than one; got "
                f"{self.classes_.size} class, {self.classes_.tolist()[0]!r}."
            )
            raise ValueError(msg)

    def _settle_classes(self, classes: Any, *, first: bool) -> None:
        """Set `classes_` in the first call of `partial_fit`, and compare it in later ones."""
        if first and classes is None:
            msg = "classes must be passed on the first call to partial_fit."
            raise ValueError(msg)
        if classes is None:
            return
        listed = np.unique(_labels(classes)[0])
        if first:
            self.classes_ = listed
            self._check_number()
        elif not np.array_equal(self.classes_, listed):
            msg = (
                f"classes={listed.tolist()} are not those of the first call, "
                f"{self.classes_.tolist()}."
            )
            raise ValueError(msg)

    def _row_weights(self, targets: Targets, weights: Float64 | None) -> Float64 | None:
        if self.class_weight is None:
            return weights
        if self.class_weight != "balanced" and not isinstance(self.class_weight, Mapping):
            fail("class_weight", "None, 'balanced' or a dict", self.class_weight)
        assert targets.classes is not None
        counting = targets.known if weights is None else targets.known & (weights > 0)
        by_class = np.ones(counting.size)
        by_class[counting] = compute_sample_weight(
            self.class_weight, self.classes_[targets.classes[counting]]
        )
        return by_class if weights is None else weights * by_class

    def _labels_of(self, targets: npt.NDArray[Any]) -> npt.NDArray[Any]:
        return np.asarray(self.classes_[targets])


def _labels(y: Any) -> tuple[npt.NDArray[Any], npt.NDArray[np.bool_]]:
    """Return y as one label per row, and which rows have none: None, or -1 among strings."""
    if y is None:
        msg = "AutoencoderClassifier requires y to be passed, but the target y is None."
        raise ValueError(msg)
    labels: npt.NDArray[Any] = column_or_1d(y, warn=True)
    unknown = np.zeros(labels.size, dtype=bool)
    if labels.dtype == object:
        has_text = any(isinstance(label, str) for label in labels)
        unknown = np.array([
            label is None or (has_text and not isinstance(label, str) and label == UNKNOWN)
            for label in labels
        ], dtype=bool)  # fmt: skip
    if unknown.any() and not unknown.all():
        labels = labels.copy()
        labels[unknown] = labels[~unknown][0]
        labels = np.array(labels.tolist())
    assert_all_finite(labels, input_name="y")
    check_classification_targets(labels)
    return labels, unknown
