"""The estimator: an autoencoder as scikit-learn outlier detector and transformer."""

from __future__ import annotations

import warnings
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Literal, Self

import numpy as np
import numpy.typing as npt
from sklearn.base import (
    BaseEstimator,
    ClassNamePrefixFeaturesOutMixin,
    OutlierMixin,
    TransformerMixin,
)
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from fastae import _core, _params, _threads
from fastae._input import Array, check_codes, check_table, fail_if_not_finite
from fastae._scaling import scaling
from fastae._threshold import threshold
from fastae._training import Progress, Training, diverged
from fastae._weights import Network, draw, fill, n_weights

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

Float64 = npt.NDArray[np.float64]

# Enough rows for the error of the untrained network and for the "auto" threshold.
_SAMPLE_ROWS = 10_000


class Autoencoder(OutlierMixin, TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Fully connected autoencoder: finds odd rows, and compresses rows to a few features.

    The network learns to reconstruct its input through a narrow layer. Rows unlike those it was
    trained on come out wrong: the mean squared error of a row's reconstruction says how odd the
    row is ([1]_), and the narrow layer's output is a compact description of it. Inputs are
    scaled inside, so columns may be in any units. Training is mini-batch gradient descent in
    C++ on float32 weights.

    Parameters
    ----------
    hidden_layer_sizes : "auto", int or sequence of int, default="auto"
        Units per hidden layer. "auto" is one layer of ``ceil(sqrt(n_features))`` units; ``()``
        connects the input straight to the output.
    activation : {"tanh", "relu", "elu", "logistic", "identity"}, default="tanh"
        Of the hidden layers.
    output_activation : same choices, default="identity"
        Of the output layer. It limits what can be reconstructed, in scaled units: "tanh" to
        (-1, 1), which range scaling never leaves on the training rows.
    solver : {"adam", "adadelta", "sgd"}, default="adam"
        Adam [2]_, ADADELTA [3]_, or gradient descent with momentum.
    learning_rate_init : "auto" or float > 0, default="auto"
        First step size; ADADELTA's own steps are multiplied by it. "auto" is 4 for "adadelta",
        0.02 for "sgd" (0.01 with `parallel="hogwild"`), and for "adam"
        ``0.001 * sqrt(batch_size)`` with one hidden layer of 64 units, less in wider and deeper
        networks, and with `parallel="hogwild"` no more than for 32 rows; with a constant rate 1
        for "adadelta", 0.01 for "sgd", and 0.3 times as much for "adam".
    learning_rate : {"cosine", "constant"}, default="cosine"
        How the step size changes. "cosine" takes it down to 0 at the end of the last epoch, half
        a period of a cosine [6]_, so that the noise of single rows averages out; "constant" is
        what ADADELTA and Adam were published with.
    batch_size : "auto" or int >= 1, default="auto"
        Rows per update of the weights, at most `n_samples`; 1 is online learning. "auto" is 1
        for "adadelta", else ``n_samples // 64`` rounded down to a power of two, from 1 to 128
        (to 32 with `parallel="hogwild"`).
    max_epochs : int >= 0, default=100
        Passes over the training rows. With 0 the weights stay as they were initialised.
    l1, l2 : float >= 0, default=0.0
        The loss of a batch, half the squared error summed over columns and averaged over rows,
        grows by ``l1 * sum(abs(W)) + l2 / 2 * sum(W ** 2)`` over all weights but the biases.
    momentum : float in [0, 1), default=0.9
        For "sgd".
    nesterovs_momentum : bool, default=True
        For "sgd": take the gradient where momentum leads.
    annealing : float >= 0, default=0.0
        For "sgd": the rate after n trained rows is ``learning_rate_init / (1 + annealing * n)``.
    rho : float in [0, 1), default=0.99
        For "adadelta": how slowly it forgets past gradients and steps.
    beta_1, beta_2 : float in [0, 1), default=0.9 and 0.999
        For "adam": how slowly it forgets past gradients and their squares.
    epsilon : float >= 1e-18, default=1e-8
        For "adam" and "adadelta": keeps divisors away from 0.
    init : {"glorot_uniform", "uniform", "normal"}, default="glorot_uniform"
        Distribution of the first weights. "glorot_uniform" [4]_ takes its width from the layer.
    init_scale : float > 0, default=1.0
        Half-width for "uniform", standard deviation for "normal".
    coefs_init : list of array-like of shape (fan_in, fan_out), default=None
        First weights, one array per layer, in place of random ones.
    intercepts_init : list of array-like of shape (fan_out,), default=None
        First biases, one array per layer, in place of zeros.
    scaling : {"range", "standard", "none"}, default="range"
        What the network sees: ``(x - mean) / (max - min)``, ``(x - mean) / sd``, or x itself,
        per column, by the training rows. Constant columns are only shifted.
    contamination : "auto" or float in (0, 0.5], default="auto"
        Sets `offset_`, below whose score `predict` calls a row odd. A float is the share of
        training rows to call odd. "auto" is the outer fence of a box plot of the logarithms of
        training errors, and from 200 rows on at most their 99.5 % quantile, so that some row is
        called odd; it looks at about 10,000 evenly spaced rows of larger tables.
    parallel : {"deterministic", "hogwild"}, default="deterministic"
        How threads share training. "deterministic": the same weights, bit for bit, whatever
        `n_jobs` (on one instruction set). "hogwild": threads update the weights without locks
        [5]_ and no two trainings are alike.
    n_jobs : int, default=None
        Threads. None: as many as the size of the work pays for, within the limits set by
        ``OMP_NUM_THREADS``, threadpoolctl, joblib, CPU affinity and container quotas. A positive
        number is taken as it is, up to 16 per CPU; -1: all of those; -2: all but one.
    random_state : int, RandomState or None, default=None
        Of the first weights and the order of rows. An int makes `fit` repeatable.
    verbose : int, default=0
        With 1, progress goes to the logger "fastae" (standard error if logging is not set up).

    Attributes
    ----------
    coefs_ : list of ndarray of shape (fan_in, fan_out), float32
        Weights per layer: views of the network. What you write there is what scores next.
    intercepts_ : list of ndarray of shape (fan_out,), float32
        Biases per layer, views as well.
    loss_curve_ : list of float
        Training MSE of each epoch, as seen while the weights were changing.
    history_ : dict of ndarray
        "epoch", "samples", "duration" (seconds of training so far), "obs_per_s" (rows per
        second in that epoch), "mse" and "rmse"; row 0 is the network before training.
    n_iter_ : int
        Complete epochs.
    n_samples_seen_ : int
        Rows trained on, counted once per epoch.
    offset_ : float
        Scores below it are odd: ``decision_function(X) = score_samples(X) - offset_``.
    shift_, scale_ : ndarray of shape (n_features,), float64
        The network sees ``(X - shift_) * scale_``.
    hidden_layer_sizes_ : tuple of int
        Units per hidden layer.
    batch_size_ : int
        Rows per update.
    n_layers_ : int
        Layers, input and output included.
    n_features_in_ : int
        Columns of the training table.
    feature_names_in_ : ndarray of shape (n_features,), object
        Their names, if `X` was a data frame whose names are all strings.

    See Also
    --------
    sklearn.ensemble.IsolationForest : Detector with the same methods that isolates rows by trees.
    sklearn.decomposition.PCA : The best linear autoencoder.

    Notes
    -----
    The MSE everywhere is the mean over columns of the squared error in scaled units, as in H2O.
    float64 input (and 32 and 64 bit integers) is scored in float64, other input in float32;
    scores do not depend on `n_jobs` or on which rows are scored together.

    References
    ----------
    .. [1] S. Hawkins, H. He, G. Williams, R. Baxter. "Outlier Detection Using Replicator Neural
       Networks." DaWaK 2002.
    .. [2] D. P. Kingma, J. Ba. "Adam: A Method for Stochastic Optimization." ICLR 2015.
    .. [3] M. D. Zeiler. "ADADELTA: An Adaptive Learning Rate Method." arXiv:1212.5701, 2012.
    .. [4] X. Glorot, Y. Bengio. "Understanding the Difficulty of Training Deep Feedforward
       Neural Networks." AISTATS 2010.
    .. [5] F. Niu, B. Recht, C. Ré, S. J. Wright. "Hogwild!: A Lock-Free Approach to
       Parallelizing Stochastic Gradient Descent." NIPS 2011.
    .. [6] I. Loshchilov, F. Hutter. "SGDR: Stochastic Gradient Descent with Warm Restarts."
       ICLR 2017.

    Examples
    --------
    >>> import numpy as np
    >>> from fastae import Autoencoder
    >>> t = np.linspace(0, 1, 100)
    >>> X = np.column_stack([t, 20 * t, 5 - t])
    >>> model = Autoencoder(hidden_layer_sizes=1, random_state=0).fit(X)
    >>> model.predict([[0.5, 10.0, 4.5], [0.5, 2.0, 4.5]])
    array([ 1, -1])
    >>> model.transform(X).shape
    (100, 1)
    """

    def __init__(
        self,
        *,
        hidden_layer_sizes: int | Sequence[int] | Literal["auto"] = "auto",
        activation: str = "tanh",
        output_activation: str = "identity",
        solver: str = "adam",
        learning_rate_init: float | Literal["auto"] = "auto",
        learning_rate: str = "cosine",
        batch_size: int | Literal["auto"] = "auto",
        max_epochs: int = 100,
        l1: float = 0.0,
        l2: float = 0.0,
        momentum: float = 0.9,
        nesterovs_momentum: bool = True,
        annealing: float = 0.0,
        rho: float = 0.99,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        init: str = "glorot_uniform",
        init_scale: float = 1.0,
        coefs_init: Sequence[npt.ArrayLike] | None = None,
        intercepts_init: Sequence[npt.ArrayLike] | None = None,
        scaling: str = "range",
        contamination: float | Literal["auto"] = "auto",
        parallel: str = "deterministic",
        n_jobs: int | None = None,
        random_state: int | np.random.RandomState | None = None,
        verbose: int = 0,
    ) -> None:
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.output_activation = output_activation
        self.solver = solver
        self.learning_rate_init = learning_rate_init
        self.learning_rate = learning_rate
        self.batch_size = batch_size
        self.max_epochs = max_epochs
        self.l1 = l1
        self.l2 = l2
        self.momentum = momentum
        self.nesterovs_momentum = nesterovs_momentum
        self.annealing = annealing
        self.rho = rho
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon
        self.init = init
        self.init_scale = init_scale
        self.coefs_init = coefs_init
        self.intercepts_init = intercepts_init
        self.scaling = scaling
        self.contamination = contamination
        self.parallel = parallel
        self.n_jobs = n_jobs
        self.random_state = random_state
        self.verbose = verbose

    def fit(self, X: Any, y: object = None) -> Self:  # noqa: ARG002
        """Train the network to reconstruct the rows of X, and set the threshold.

        Ctrl-C ends the training early with a warning and leaves a usable model.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows in any units: bool, integers, float32 or float64 of any memory order, read in
            place. One row and one column are enough.
        y : ignored
            For scikit-learn's conventions.

        Returns
        -------
        self : Autoencoder
            Fitted. On any error it stays as it was.

        Raises
        ------
        ValueError
            If a parameter is out of its range, or X is empty, not two-dimensional, or has text,
            NaN or infinity.
        DivergenceError
            If errors or weights stop being finite while training.
        """
        return self._fit(X)

    def _fit(self, X: Any, on_progress: Progress | None = None) -> Self:
        """Do what `fit` says; `on_progress` as in `fastae._training.Training`."""
        with _unchanged_on_error(self):
            X = check_table(self, X, reset=True, finite=False)
            params = _params.resolve(self, *X.shape)
            rng = check_random_state(self.random_state)
            network = self._initial_network(params, rng)
            seed = int.from_bytes(rng.bytes(8), "little")
            shift, scale = self._column_scaling(X)
            training = Training(
                X, network, shift, scale, params, seed, self._training_threads(X, params)
            )
            self._show(network, params.activations, shift, scale)
            training.untrained_mse = 0.0 - float(np.mean(self._scores(_spread_rows(X))))  # no -0.0
            training.run(on_progress, verbose=int(self.verbose))
            self._finish(X, training)
        if training.interrupted:
            warnings.warn("Training interrupted by user.", UserWarning, stacklevel=3)
        return self

    def _initial_network(self, params: _params.Params, rng: np.random.RandomState) -> Network:
        """Return the network before training: random, or as the user gives it."""
        network = Network.zeros(params.widths)
        if self.coefs_init is None:
            draw(network, self.init, float(self.init_scale), rng)
        else:
            fill(network.coefs, self.coefs_init, "coefs_init")
        if self.intercepts_init is not None:
            fill(network.intercepts, self.intercepts_init, "intercepts_init")
        return network

    def _column_scaling(self, X: Array) -> tuple[Float64, Float64]:
        """Return shift and scale of the columns, from one pass that also finds NaN."""
        n_threads = _threads.resolve(self.n_jobs, flops=4.0 * X.size)
        stats = _core.column_stats(X, n_threads=n_threads)
        if not all(np.isfinite(column).all() for column in stats):
            fail_if_not_finite(self, X)
        return scaling(self.scaling, stats, X.dtype)

    def _training_threads(self, X: Array, params: _params.Params) -> int:
        """Return the threads that pay for training: they meet per batch, or once per epoch."""
        if self.parallel == "hogwild":
            flops = 6.0 * X.shape[0] * n_weights(params.widths)
            return _threads.resolve(self.n_jobs, flops=flops)
        return _threads.for_training(
            self.n_jobs,
            widths=params.widths,
            batch_size=params.batch_size,
            n_samples=X.shape[0] * params.max_epochs,
        )

    def _show(
        self, network: Network, activations: tuple[str, ...], shift: Float64, scale: Float64
    ) -> None:
        """Set what scoring needs."""
        self._network = network
        self._activations = activations
        self.coefs_ = list(network.coefs)
        self.intercepts_ = list(network.intercepts)
        self.shift_ = shift
        self.scale_ = scale
        self.hidden_layer_sizes_ = network.widths[1:-1]
        self.n_layers_ = len(network.widths)

    def _finish(self, X: Array, training: Training) -> None:
        """Set the history and the threshold."""
        self.batch_size_ = training.params.batch_size
        self.loss_curve_ = training.mse
        self.history_ = training.history()
        self.n_iter_ = len(training.mse)
        self.n_samples_seen_ = training.samples
        mse = -self._scores(_spread_rows(X) if self.contamination == "auto" else X)
        if not np.isfinite(mse).all():
            raise diverged(max(self.n_iter_, 1), training.params)
        self.offset_ = -threshold(mse, self.contamination)

    def _call(self, function: Callable[..., Any], X: Array, **extra: Any) -> Any:
        """Call one of the core's scoring functions on a checked table."""
        network = self._network
        if not network.shows(self.coefs_, self.intercepts_):
            # The user put other arrays there. Nothing is stored: scoring changes no attribute,
            # so several threads may score at once.
            network = Network.from_arrays(network.widths, self.coefs_, self.intercepts_)
        flops = 2.0 * X.shape[0] * n_weights(network.widths)
        return function(
            X,
            network.params,
            widths=network.widths,
            activations=self._activations,
            shift=self.shift_,
            scale=self.scale_,
            n_threads=_threads.resolve(self.n_jobs, flops=flops),
            **extra,
        )

    def _scores(self, X: Array) -> Float64:
        scores: Float64 = self._call(_core.score, X)
        return np.negative(scores, out=scores)

    def transform(self, X: Any) -> Array:
        """Return the codes of rows: the output of the narrowest hidden layer.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        codes : ndarray of shape (n_samples, n_codes)
            Of the first layer among equally narrow ones. float64 for float64 input and 32 and
            64 bit integers, else float32. Without a hidden layer: the reconstruction, in scaled
            units.

        Raises
        ------
        sklearn.exceptions.NotFittedError
            If `fit` has not been called.
        ValueError
            If X has NaN, infinity, text, or another number of columns than in `fit`.
        """
        check_is_fitted(self)
        X = check_table(self, X, reset=False)
        codes: Array = self._call(_core.activations, X, n_layers=self._code_layer())
        return codes

    def inverse_transform(self, X: Any) -> Array:
        """Return the rows that codes stand for.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_codes)
            Codes as `transform` returns them.

        Returns
        -------
        reconstruction : ndarray of shape (n_samples, n_features)
            In the units of the training table. float32 for float32 codes, else float64.

        Raises
        ------
        sklearn.exceptions.NotFittedError
            If `fit` has not been called.
        ValueError
            If X is not a finite table with one column per code.
        """
        check_is_fitted(self)
        codes = check_codes(X, self._n_features_out)
        rows: Array = self._call(_core.decode, codes, first_layer=self._code_layer())
        return rows

    def reconstruct(self, X: Any) -> Array:
        """Return what the network makes of rows, in their own units.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        reconstruction : ndarray of shape (n_samples, n_features)
            The same as ``inverse_transform(transform(X))`` but for rounding. float64 for float64
            input and 32 and 64 bit integers, else float32.

        Raises
        ------
        sklearn.exceptions.NotFittedError, ValueError
            As in `transform`.
        """
        check_is_fitted(self)
        rows: Array = self._call(_core.reconstruct, check_table(self, X, reset=False))
        return rows

    def deep_features(self, X: Any, layer: int | None = None) -> Array:
        """Return the output of any hidden layer.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
        layer : int or None, default=None
            0 is the first hidden layer, -1 the last; None the one that `transform` returns.

        Returns
        -------
        features : ndarray of shape (n_samples, hidden_layer_sizes_[layer])
            float64 for float64 input and 32 and 64 bit integers, else float32.

        Raises
        ------
        sklearn.exceptions.NotFittedError
            If `fit` has not been called.
        ValueError
            If there is no such layer, or X is wrong as in `transform`.

        Examples
        --------
        >>> import numpy as np
        >>> from fastae import Autoencoder
        >>> X = np.random.default_rng(0).normal(size=(50, 6))
        >>> model = Autoencoder(hidden_layer_sizes=(5, 2, 4), random_state=0).fit(X)
        >>> model.deep_features(X, layer=-1).shape
        (50, 4)
        """
        check_is_fitted(self)
        n_hidden = len(self.hidden_layer_sizes_)
        if layer is not None and not -n_hidden <= layer < n_hidden:
            allowed = f"from {-n_hidden} to {n_hidden - 1}" if n_hidden else "None here"
            msg = f"layer must be {allowed}: there are {n_hidden} hidden layers, got {layer}."
            raise ValueError(msg)
        n_layers = self._code_layer() if layer is None else layer % n_hidden + 1
        X = check_table(self, X, reset=False)
        features: Array = self._call(_core.activations, X, n_layers=n_layers)
        return features

    def reconstruction_error(self, X: Any, per_feature: bool = False) -> Array:
        """Return the squared error of the reconstruction, in scaled units.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
        per_feature : bool, default=False
            Return the error of each column rather than their mean.

        Returns
        -------
        error : ndarray of shape (n_samples,), float64, or (n_samples, n_features)
            MSE of each row; or squared errors per column, float64 for float64 input and 32 and
            64 bit integers, else float32.

        Raises
        ------
        sklearn.exceptions.NotFittedError, ValueError
            As in `transform`.
        """
        if not per_feature:
            return -self.score_samples(X)
        check_is_fitted(self)
        X = check_table(self, X, reset=False)
        errors: Array = self._call(_core.feature_errors, X)
        return errors

    def score_samples(self, X: Any) -> Float64:
        """Return how normal each row looks: minus its reconstruction MSE.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        scores : ndarray of shape (n_samples,), float64
            At most 0; the lower, the more abnormal. In squared scaled units.

        Raises
        ------
        sklearn.exceptions.NotFittedError, ValueError
            As in `transform`.
        """
        check_is_fitted(self)
        X = check_table(self, X, reset=False, finite=False)
        scores = self._scores(X)
        if not np.isfinite(scores).all():  # so NaN in X costs no pass of its own
            fail_if_not_finite(self, X)
        return scores

    def decision_function(self, X: Any) -> Float64:
        """Return the score of each row relative to the threshold.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        decision : ndarray of shape (n_samples,), float64
            ``score_samples(X) - offset_``: negative for odd rows.

        Raises
        ------
        sklearn.exceptions.NotFittedError, ValueError
            As in `transform`.
        """
        scores = self.score_samples(X)
        return np.subtract(scores, self.offset_, out=scores)

    def predict(self, X: Any) -> npt.NDArray[np.int_]:
        """Tell odd rows from normal ones.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        labels : ndarray of shape (n_samples,), int
            -1 for odd rows, 1 for normal ones.

        Raises
        ------
        sklearn.exceptions.NotFittedError, ValueError
            As in `transform`.
        """
        return np.where(self.decision_function(X) < 0, -1, 1)

    def score(self, X: Any, y: object = None) -> float:  # noqa: ARG002
        """Return minus the mean reconstruction MSE: higher is better, for model selection.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
        y : ignored
            For scikit-learn's conventions.

        Returns
        -------
        score : float
            In squared scaled units.

        Raises
        ------
        sklearn.exceptions.NotFittedError, ValueError
            As in `transform`.
        """
        return float(np.mean(self.score_samples(X)))

    def layer_table(self) -> list[dict[str, Any]]:
        """Return one line per layer, for printing.

        Returns
        -------
        layers : list of dict
            "layer" (1 is the input), "units", "type" ("input" or the activation), "l1", "l2", and
            "mean_weight", "sd_weight", "mean_bias", "sd_bias", which are None for the input.

        Raises
        ------
        sklearn.exceptions.NotFittedError
            If `fit` has not been called.
        """
        check_is_fitted(self)
        keys = ("l1", "l2", "mean_weight", "sd_weight", "mean_bias", "sd_bias")
        first = {"layer": 1, "units": self.n_features_in_, "type": "input"}
        table = [first | dict.fromkeys(keys)]
        layers = zip(self._activations, self.coefs_, self.intercepts_, strict=True)
        for layer, (activation, W, b) in enumerate(layers, start=2):
            moments = (np.mean(W), np.std(W), np.mean(b), np.std(b))
            values = (self.l1, self.l2, *map(float, moments))
            line = {"layer": layer, "units": b.size, "type": activation}
            table.append(line | dict(zip(keys, values, strict=True)))
        return table

    def get_feature_names_out(self, input_features: Any = None) -> npt.NDArray[np.object_]:
        """Return the names of the codes: "autoencoder0", "autoencoder1", ...

        Parameters
        ----------
        input_features : array-like of str or None, default=None
            Only compared with the names seen in `fit`.

        Returns
        -------
        names : ndarray of shape (n_codes,), object

        Raises
        ------
        sklearn.exceptions.NotFittedError
            If `fit` has not been called.
        ValueError
            If `input_features` are not the columns of `fit`.
        """
        # Called, not inherited: the mixin would have to come before TransformerMixin.
        names: npt.NDArray[np.object_] = ClassNamePrefixFeaturesOutMixin.get_feature_names_out(
            self, input_features
        )
        return names

    @property
    def _n_features_out(self) -> int:
        return min(self.hidden_layer_sizes_, default=self.n_features_in_)

    def _code_layer(self) -> int:
        """Return how many layers lead to the codes: up to the first narrowest hidden layer."""
        sizes = self.hidden_layer_sizes_
        return sizes.index(min(sizes)) + 1 if sizes else 1

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "offset_")

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.non_deterministic = self.parallel == "hogwild"
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags

    def __getstate__(self) -> dict[str, Any]:
        # coefs_ and intercepts_ carry the weights; the buffer would store them twice.
        state = dict(super().__getstate__())
        state.pop("_network", None)
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        if hasattr(self, "coefs_"):
            widths = [self.coefs_[0].shape[0], *(W.shape[1] for W in self.coefs_)]
            self._network = Network.from_arrays(widths, self.coefs_, self.intercepts_)
            self.coefs_ = list(self._network.coefs)
            self.intercepts_ = list(self._network.intercepts)


def _spread_rows(X: Array) -> Array:
    """Return at most 10,000 evenly spaced rows, as a view."""
    return X[:: -(-X.shape[0] // _SAMPLE_ROWS)]


@contextmanager
def _unchanged_on_error(estimator: Any) -> Iterator[None]:
    """Give the estimator back its attributes if the block fails."""
    before = dict(vars(estimator))
    try:
        yield
    except BaseException:
        vars(estimator).clear()
        vars(estimator).update(before)
        raise
