"""The estimator: an autoencoder as scikit-learn outlier detector and transformer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, Self

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator, OutlierMixin
from sklearn.utils.validation import check_is_fitted

from fastae import _summary
from fastae._anomaly_scores import MSE, names_of
from fastae._callbacks import CallbackMixin
from fastae._detecting import DetectingMixin
from fastae._weights import Network

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Sequence


Float64 = npt.NDArray[np.float64]


class Autoencoder(
    CallbackMixin,
    DetectingMixin,
    OutlierMixin,  # type: ignore[misc]
    BaseEstimator,  # type: ignore[misc]
):
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
    loss : {"squared_error", "absolute_error", "huber", "quantile"}, default="squared_error"
        What training minimises, summed over the columns of a row: half the square, or the
        absolute value, of the error in scaled units; Huber's mixture of both [7]_; or the pinball
        loss, whose minimum is a quantile [8]_. Scores and histories are squared errors whatever
        the loss.
    huber_delta : float > 0, default=1.0
        For "huber": errors beyond it count linearly. In scaled units.
    quantile : float in (0, 1), default=0.5
        For "quantile": the share of values that should lie below their reconstruction.
    solver : {"adam", "adadelta", "sgd"}, default="adam"
        Adam [2]_, ADADELTA [3]_, or gradient descent with momentum.
    learning_rate_init : "auto" or float > 0, default="auto"
        First step size; ADADELTA's own steps are multiplied by it. "auto" is 4 for "adadelta",
        0.02 for "sgd" (0.01 with `parallel="hogwild"`), and for "adam"
        ``0.001 * sqrt(batch_size)`` with one hidden layer of 64 units, less in wider and deeper
        networks, and with `parallel="hogwild"` no more than for 32 rows; with a constant rate 1
        for "adadelta", 0.01 for "sgd", and 0.3 times as much for "adam".
    learning_rate : {"cosine", "constant", "invscaling", "onecycle"}, default="cosine"
        How the step size changes. "cosine" takes it down to 0 at the end of the last epoch, half
        a period of a cosine [6]_, so that the noise of single rows averages out; "constant" is
        what ADADELTA and Adam were published with; "invscaling" divides it by
        ``(1 + updates) ** power_t``; "onecycle" takes it from 1/25 up within the first 30 % of
        the training, and then down to almost 0 [9]_.
    power_t : float >= 0, default=0.5
        For "invscaling".
    layer_rate_decay : float > 0, default=1.0
        The step size of the layer after `k` hidden ones is multiplied by ``layer_rate_decay**k``.
    batch_size : "auto" or int >= 1, default="auto"
        Rows per update of the weights, at most `n_samples`; 1 is online learning. "auto" is 1
        for "adadelta", else ``n_samples // 64`` rounded down to a power of two, from 1 to 128
        (to 32 with `parallel="hogwild"`).
    max_epochs : float >= 0, default=100
        Passes over the training rows; a fraction ends in the middle of one. With 0 the weights
        stay as they were initialised.
    l1, l2 : float >= 0, default=0.0
        The loss of a batch, half the squared error summed over columns and averaged over rows,
        grows by ``l1 * sum(abs(W)) + l2 / 2 * sum(W ** 2)`` over all weights but the biases.
    max_w2 : float > 0, default=None
        Limit of the sum of squares of the weights into each unit: after every update, larger ones
        are scaled down to it [10]_.
    input_dropout : float in [0, 1), default=0.0
        Denoising [11]_: the probability that an input is replaced by 0 (`shift_`), anew
        for every row and epoch; the others are divided by ``1 - input_dropout``. What is to be
        reconstructed stays clean.
    hidden_dropout : float in [0, 1), or one per hidden layer, default=0.0
        The probability that a hidden unit is switched off while training on a row [10]_; the
        others are divided by ``1 - hidden_dropout``, so that scoring, where all are on, sees the
        same expected sums.
    input_noise : float >= 0, default=0.0
        Denoising: standard deviation, in scaled units, of Gaussian noise added to the inputs.
    average_activation : float, default=0.0
        Target of the mean activation of hidden units with `sparsity_beta`, within the range of the
        activation.
    sparsity_beta : float >= 0, default=0.0
        Sparse autoencoder: the loss grows by
        ``sparsity_beta / 2 * sum((mean_activation - average_activation) ** 2)`` over the hidden
        units. The mean is over all rows so far, up to the last 1,000 or so.
    momentum : float in [0, 1), default=0.9
        For "sgd".
    momentum_start : float in [0, 1), default=None
        For "sgd": the momentum of the first update, from which it grows to `momentum` in a
        straight line. None: it does not change.
    momentum_ramp : float >= 0, default=1e6
        The rows over which it grows.
    momentum_dampening : bool, default=False
        For "sgd": multiply gradients by ``1 - momentum``, so that momentum does not make steps
        longer (H2O's convention).
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
    pretraining : {"stacked"}, default=None
        "stacked": before all layers are trained together, those up to the codes are trained one
        after another, each to compress what the one below puts out [12]_. Of its own time:
        `max_time` and checkpoints begin afterwards, and Ctrl-C ends `fit` with nothing changed.
    pretraining_epochs : float >= 0, default=None
        Epochs per layer for that; None: `max_epochs`.
    scaling : {"auto", "range", "standard", "robust", "none"}, default="auto"
        What the network sees: ``(x - mean) / (max - min)``, ``(x - mean) / sd``,
        ``(x - median) / spread``, or x itself, per column, by the training rows. Constant columns
        are only shifted. The spread of "robust" is the distance between the quartiles over 1.349
        (a normal column's standard deviation), or where half of the values are the same, half the
        range or twice the median distance of the others from these, whichever is less; scaled
        values end at -10 and 10: a few absurd values neither squeeze the others together nor lead
        the training astray. In a stream its first call settles it.
        "auto" is "range" for bool and 8 bit integers, whose type bounds them, and where
        `output_activation` is "tanh" or "logistic", which reach no further; else "robust", but
        "standard" in a stream whose first call has fewer than 256 rows. `scaling_` says which.
    constant_features : {"keep", "drop"}, default="keep"
        What becomes of columns that are constant, or almost (`constant_features_`). "drop": they
        are neither inputs nor outputs of the network and have no part in errors, as if the table
        were without them (of which a copy is made); `reconstruct` says their constant. In a
        stream its first call settles which. With "keep", a departure from the constant counts.
    missing : {"ignore", "impute", "error"}, default="ignore"
        What NaN in a table means. "ignore": the network sees the column's mean there (with
        ``scaling="robust"`` here and below: the median), and nothing
        is to be reconstructed: such cells have no error, and the MSE of a row is the mean over its
        other cells (0 if there is none); a column without any value in `fit` never has an error,
        and is NaN in reconstructions. "impute": the cell is taken for the column's mean
        altogether, as in H2O. "error": an error.
    missing_indicator : bool, default=False
        With ``missing="ignore"``: give the network one more input per number, which is 1 where that
        is missing. Factors have such an input in any case.
    categorical_features : "from_dtype" or array-like, default="from_dtype"
        Which columns are factors. "from_dtype": those of text, and of category types. Names,
        positions, or a mask of bool name further ones. A factor is not turned into columns of 0 and
        1: a row reads the weights of its level, so that thousands of levels cost no more than a few
        (training; scores and `reconstruct` compute all levels' outputs). A level that `fit` has not
        seen is a missing value.
    categorical_loss : {"cross_entropy", "squared_error"}, default="cross_entropy"
        "cross_entropy": the network puts out a distribution over the levels of a factor (softmax),
        and its error is the negative logarithm of the level's probability, divided by the entropy
        of the column in `fit` (0.1 nats at least): 1 is what the frequencies alone would give, as
        it is for a number of unit variance. Beyond 512 levels, training compares the row's level
        with 256 drawn ones instead of all [14]_. "squared_error": one output per level, compared
        with 1 and 0, of which each counts as a column; H2O's way.
    max_categories : int >= 2, default=10_000
        Most levels of a factor: the rarer ones share one, "(other)".
    contamination : "auto" or float in (0, 0.5], default="auto"
        Sets `offset_`, below whose score `predict` calls a row odd. A float is the share of
        training rows to call odd. "auto" is the outer fence of a box plot of the logarithms of
        training errors, at most 5 times the largest one, and from 200 rows on at most their
        99.5 % quantile, so that some row is called odd; it looks at about 10,000 evenly spaced
        rows of larger tables. With `calibration_fraction` all this is of the calibration rows.
    anomaly_score : {"mse", "standardized", "mahalanobis", "code_distance"} or sequence of these, \
            default="mse"
        How odd a row is: what `score_samples` is minus of, and thresholds and p-values go by.
        "mse": the mean of its squared errors. "standardized": of its squared errors, each divided
        by the column's mean on the training rows, so that columns that the network knows well
        speak as loudly as others. "mahalanobis": the squared Mahalanobis distance of the row's
        residuals from those of training rows [15]_, per column (up to 2,048 columns); a factor's
        residual is the root of its error. "code_distance": that of the codes [16]_, per unit,
        which sees odd rows that are reconstructed well. Several: the mean of them, each in units
        of its mean on the training rows [16]_. All but "mse" compare with about 10,000 evenly
        spaced training rows (in a stream, with those of the last call of 256 or more rows, else
        of the largest), and shrink correlations [17]_. Training, `history_` and
        `reconstruction_error` are about the MSE in any case.
    threshold : None, float, "mad", "evt" or dict, default=None
        Another rule for `offset_`, in place of `contamination`: a number is the largest error that
        still counts as normal; a dict holds arguments of `set_threshold`, such as
        ``{"false_positive_rate": 0.01}``, and "mad" and "evt" stand for its methods with their
        defaults. A rate finer than the rows support is an error.
    calibration_fraction : float in [0, 1), default=0.0
        Share of the rows, drawn at random from the normal ones, that are kept out of everything
        else: of training, scaling, the levels of factors and validation. Their errors, as those
        of rows that the network has not seen, set the threshold, and are what `p_values` and
        `detect` compare with. Belongs to `fit`: `partial_fit` holds out none, and forgets these,
        since its network is another one (`calibrate` then).
    anomaly_margin : "auto" or float > 0, default="auto"
        With `anomalous` rows in `fit`: their MSE is pushed up until it reaches this margin, in
        squared scaled units [13]_. "auto" is ten times the MSE of reconstructing every row by the
        columns' means.
    anomaly_weight : "auto" or float > 0, default="auto"
        How much each of them counts in training, a normal row counting 1. "auto" makes all of them
        together count as much as all normal rows.
    validation_fraction : float in [0, 1), default=0.0
        Share of the rows, drawn at random, that are not trained on but scored along with the
        training (`history_`); they have no part in the scaling and the threshold either.
    early_stopping : bool, default=False
        Stop when the moving average of the MSE has ceased to fall: that of the validation rows,
        or without these of the training rows.
    stopping_rounds : int >= 1, default=5
        Scorings per moving average. Training stops after at least twice as many and one, when
        none of the last `stopping_rounds` averages is better than the one before them.
    stopping_tolerance : float in [0, 1), default=0.0
        By how much, relatively, it has to be better.
    restore_best_weights : bool, default=True
        End with the weights of the best scoring rather than the last. Only with `early_stopping`
        or validation rows.
    target_mse : float >= 0, default=None
        Stop when the training MSE is not above it.
    max_time : float > 0, default=None
        Stop training after so many seconds.
    score_every : "auto" or int >= 1, default="auto"
        Rows between two scorings (rows of `history_`); scoring never changes training. "auto" is
        a tenth of the training, but not more than an epoch; and if no stopping rule, callback or
        validation depends on it, less often where `score_duty_cycle` demands it.
    score_interval : float >= 0, default=0.0
        Least seconds between two scorings. Above 0, early stopping depends on the clock.
    score_duty_cycle : float in (0, 1], default=0.05
        With "auto": the share of the time that scoring may take.
    score_training_samples : int >= 0, default=10_000
        Training rows to score, evenly spaced; 0: all.
    score_validation_samples : int >= 0, default=0
        Validation rows to score; 0: all.
    warm_start : bool, default=False
        Let `fit` go on from the weights, the optimiser's state and the history of the `fit`
        before, under the scaling of that one; `max_epochs` more epochs, with schedules of their
        own (but "invscaling" goes on).
    checkpoint : path, default=None
        File to write the state of the training to, and to go on from if it exists. A run that was
        killed and goes on ends with the same weights as one that was not, bit for bit
        (``parallel="deterministic"``). Of a finished run, `fit` then returns the result at once;
        or it trains on if `max_epochs` has grown. The file is always replaced as a whole.
    checkpoint_interval : float >= 0, default=60.0
        Seconds between two checkpoints; 0: after every scoring.
    callback : callable, default=None
        Called after every scoring with a dict, the new row of `history_`; training stops if it
        returns True. Scikit-learn's own callbacks (1.9 on) are set by `set_callbacks`.
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
        With 1, a line per scoring goes to the logger "fastae" (standard error if logging is not
        set up; in a notebook one line with a bar, which is written over).

    Attributes
    ----------
    coefs_ : list of ndarray of shape (fan_in, fan_out), float32
        Weights per layer: views of the network. What you write there is what scores next.
    intercepts_ : list of ndarray of shape (fan_out,), float32
        Biases per layer, views as well.
    loss_curve_ : list of float
        Training MSE of each complete epoch, as seen while the weights were changing.
    history_ : Table
        A mapping of columns to arrays, with ``to_pandas()``: "time" (UTC), "duration" (seconds of
        training so far), "obs_per_s" (rows per second since the row before), "epochs",
        "iterations" (updates of the weights), "samples", "training_rmse", "training_mse" (of a
        sample of training rows, by the weights of that moment), "validation_rmse",
        "validation_mse". Row 0 is the network before training, the last row the fitted one.
    stop_reason_ : str
        What ended training: "max_epochs", "early_stopping", "target_mse", "max_time", "callback"
        or "interrupted".
    best_mse_ : float
        The best MSE of all scorings, where `restore_best_weights` looks for it; else NaN.
    n_iter_ : int
        Complete epochs.
    n_samples_seen_ : int
        Rows trained on, counted once per epoch.
    offset_ : float
        Scores below it are odd: ``decision_function(X) = score_samples(X) - offset_``.
    shift_, scale_ : ndarray of shape (n_features,), float64
        The network sees ``(X - shift_) * scale_``; with "robust" no further than from -10 to 10.
        Without the columns that are dropped.
    scaling_ : str
        What `scaling` came to: "range", "standard", "robust" or "none".
    constant_features_ : ndarray of shape (n_constant,), int
        Columns where at least 99.9 % of the values that are not missing are equal but for
        rounding, by up to 10,000 evenly spaced rows of weight above 0 that are not `anomalous`;
        and columns without any value. ``verbose=1`` logs them.
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
    .. [7] P. J. Huber. "Robust Estimation of a Location Parameter." Annals of Mathematical
       Statistics 35, 1964.
    .. [8] R. Koenker, G. Bassett. "Regression Quantiles." Econometrica 46, 1978.
    .. [9] L. N. Smith, N. Topin. "Super-Convergence: Very Fast Training of Neural Networks Using
       Large Learning Rates." arXiv:1708.07120, 2018.
    .. [10] N. Srivastava, G. Hinton, A. Krizhevsky, I. Sutskever, R. Salakhutdinov. "Dropout: A
       Simple Way to Prevent Neural Networks from Overfitting." JMLR 15, 2014.
    .. [11] P. Vincent, H. Larochelle, Y. Bengio, P.-A. Manzagol. "Extracting and Composing Robust
       Features with Denoising Autoencoders." ICML 2008.
    .. [12] Y. Bengio, P. Lamblin, D. Popovici, H. Larochelle. "Greedy Layer-Wise Training of Deep
       Networks." NIPS 2006.
    .. [13] J. Zhao, M. Mathieu, Y. LeCun. "Energy-based Generative Adversarial Networks." ICLR
       2017: eq. 1, a hinge on the reconstruction error of rows that are not to be reconstructed.
    .. [14] Y. Bengio, J.-S. Senécal. "Quick Training of Probabilistic Neural Nets by Importance
       Sampling." AISTATS 2003.
    .. [15] P. Malhotra, A. Ramakrishnan, G. Anand, L. Vig, P. Agarwal, G. Shroff. "LSTM-based
       Encoder-Decoder for Multi-sensor Anomaly Detection." ICML Anomaly Detection Workshop 2016.
    .. [16] T. Denouden, R. Salay, K. Czarnecki, V. Abdelzad, B. Phan, S. Vernekar. "Improving
       Reconstruction Autoencoder Out-of-distribution Detection with Mahalanobis Distance."
       arXiv:1812.02765, 2018.
    .. [17] O. Ledoit, M. Wolf. "A Well-conditioned Estimator for Large-dimensional Covariance
       Matrices." Journal of Multivariate Analysis 88, 2004.

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
        average_activation: float = 0.0,
        sparsity_beta: float = 0.0,
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
        coefs_init: Sequence[npt.ArrayLike] | None = None,
        intercepts_init: Sequence[npt.ArrayLike] | None = None,
        pretraining: str | None = None,
        pretraining_epochs: float | None = None,
        scaling: str = "auto",
        constant_features: str = "keep",
        missing: str = "ignore",
        missing_indicator: bool = False,
        categorical_features: Any = "from_dtype",
        categorical_loss: str = "cross_entropy",
        max_categories: int = 10_000,
        contamination: float | Literal["auto"] = "auto",
        anomaly_score: str | Sequence[str] = "mse",
        threshold: float | str | dict[str, Any] | None = None,
        calibration_fraction: float = 0.0,
        anomaly_margin: float | Literal["auto"] = "auto",
        anomaly_weight: float | Literal["auto"] = "auto",
        validation_fraction: float = 0.0,
        early_stopping: bool = False,
        stopping_rounds: int = 5,
        stopping_tolerance: float = 0.0,
        restore_best_weights: bool = True,
        target_mse: float | None = None,
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
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.output_activation = output_activation
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
        self.average_activation = average_activation
        self.sparsity_beta = sparsity_beta
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
        self.coefs_init = coefs_init
        self.intercepts_init = intercepts_init
        self.pretraining = pretraining
        self.pretraining_epochs = pretraining_epochs
        self.scaling = scaling
        self.constant_features = constant_features
        self.missing = missing
        self.missing_indicator = missing_indicator
        self.categorical_features = categorical_features
        self.categorical_loss = categorical_loss
        self.max_categories = max_categories
        self.contamination = contamination
        self.anomaly_score = anomaly_score
        self.threshold = threshold
        self.calibration_fraction = calibration_fraction
        self.anomaly_margin = anomaly_margin
        self.anomaly_weight = anomaly_weight
        self.validation_fraction = validation_fraction
        self.early_stopping = early_stopping
        self.stopping_rounds = stopping_rounds
        self.stopping_tolerance = stopping_tolerance
        self.restore_best_weights = restore_best_weights
        self.target_mse = target_mse
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
        y: object = None,
        *,
        sample_weight: Any = None,
        anomalous: Any = None,
        X_val: Any = None,
    ) -> Self:
        """Train the network to reconstruct the rows of X, and set the threshold.

        Ctrl-C ends the training early with a warning and leaves a usable model.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows in any units: bool, integers, float32 or float64 of any memory order, read in
            place. One row and one column are enough.
        y : ignored
            For scikit-learn's conventions.
        sample_weight : array-like of shape (n_samples,), default=None
            How much each row counts, in the loss, the scaling, the scores and the threshold: a
            row of weight 0 is absent, one of weight 2 pulls twice as hard. Only ratios matter to
            the weights; where they are counts, the threshold is that of the repeated rows.
        anomalous : array-like of bool of shape (n_samples,), default=None
            True for rows that are known to be anomalies. The network learns not to reconstruct
            them (`anomaly_margin`), and what is like them; they have no part in the scaling, the
            threshold and the history. A few are worth much: with 1 % of the training anomalies
            known, the mean area under the ROC curve over ADBench's public tables grows from 0.69
            to 0.80 (``benchmarks/labels.py anomalies``).
        X_val : array-like of shape (n_val, n_features), default=None
            Rows to validate with, in place of `validation_fraction`.

        Returns
        -------
        self : Autoencoder
            Fitted. On any error it stays as it was.

        Raises
        ------
        ValueError
            If a parameter is out of its range, X is empty, not two-dimensional, or has text or
            infinity, weights are negative or all 0, `anomalous` is no mark per row or marks
            all, or `checkpoint` is damaged or of another training.
        DivergenceError
            If errors or weights stop being finite while training.
        """
        del y
        return self._fit(X, sample_weight, X_val, anomalous=anomalous)

    def partial_fit(
        self, X: Any, y: object = None, *, sample_weight: Any = None, anomalous: Any = None
    ) -> Self:
        """Train on some rows once, and go on from there in the next call.

        The first call draws the weights and, with ``batch_size="auto"``, settles the batch size
        by its number of rows. After `fit`, training goes on from the fitted weights.

        The scaling follows the stream unless it is "robust", which the first call settles (with
        ``scaling="auto"``: of 256 rows or more): `shift_` and `scale_` are those of all rows so far
        (of `fit` and of every call), and whenever they move, the weights of the first layer, and
        of an output layer without activation, are converted, so that the network computes in the
        columns' own units what it did before. (A column that was constant so far has no unit yet:
        its weights stay.) The threshold follows too: it is that of the last 10,000 rows' errors,
        each taken at the end of its call. Schedules that lead to a last epoch are constant here;
        `early_stopping`, `max_time`, `checkpoint`, `pretraining` and validation belong to `fit`.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            The next rows.
        y : ignored
            For scikit-learn's conventions.
        sample_weight : array-like of shape (n_samples,), default=None
            As in `fit`; ratios matter within a call.
        anomalous : array-like of bool of shape (n_samples,), default=None
            As in `fit`.

        Returns
        -------
        self : Autoencoder
            On any error it stays as it was.

        Raises
        ------
        ValueError, DivergenceError
            As in `fit`.

        Examples
        --------
        >>> import numpy as np
        >>> from fastae import Autoencoder
        >>> rng = np.random.default_rng(0)
        >>> model = Autoencoder(hidden_layer_sizes=2, random_state=0)
        >>> for _ in range(5):
        ...     model = model.partial_fit(rng.normal(size=(200, 4)))
        >>> model.n_samples_seen_, model.history_["epochs"].tolist()
        (1000, [0.0, 1.0, 2.0, 3.0, 4.0, 5.0])
        """
        del y
        return self._partial_fit(X, sample_weight, anomalous)

    def feature_importances(self, X: Any = None) -> Float64:
        """Return how much each column matters, to the network or to the errors of rows.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features), default=None
            None: by the weights, after Gedeon (1997): shares of the absolute weights along the
            paths from a column (of a factor: from all of its levels) through the first two
            layers. Otherwise each column's share of
            the squared error of these rows: which columns decide their scores.

        Returns
        -------
        importances : ndarray of shape (n_features,), float64
            By weights the largest is 1; by errors they add up to 1 (0 if there is no error).

        Raises
        ------
        sklearn.exceptions.NotFittedError, ValueError
            As in `transform`.

        Examples
        --------
        >>> import numpy as np
        >>> from fastae import Autoencoder
        >>> X = np.random.default_rng(0).normal(size=(200, 3))
        >>> X[:, 2] = X[:, 1]
        >>> model = Autoencoder(hidden_layer_sizes=1, random_state=0).fit(X)
        >>> int(model.feature_importances(X).argmax())  # the one that cannot be reconstructed
        0
        """
        check_is_fitted(self)
        if X is None:
            importances = self._by_column(_summary.gedeon(self.coefs_))
            return np.asarray(importances / max(importances.max(), np.finfo(np.float64).tiny))
        errors = np.nansum(self._column_errors(self._table(X)), axis=0, dtype=np.float64)
        return np.asarray(errors / max(errors.sum(), np.finfo(np.float64).tiny))

    @classmethod
    def _assembled(
        cls,
        *,
        coefs: Sequence[npt.ArrayLike],
        intercepts: Sequence[npt.ArrayLike],
        shift: Float64,
        scale: Float64,
        encoder: Any = None,
        **params: Any,
    ) -> Autoencoder:
        """Return a fitted estimator made of given parts, without training.

        Parameters
        ----------
        coefs, intercepts : sequences of arrays of shape (fan_in, fan_out) and (fan_out,)
        shift, scale : ndarray of shape (n_units,), float64
        encoder : object or None
            As in `_fit_encoded`.
        **params
            Of the constructor. No row is odd until `offset_` is set.
        """
        widths = [np.shape(coefs[0])[0], *(np.shape(b)[0] for b in intercepts)]
        model = cls(hidden_layer_sizes=tuple(widths[1:-1]), **params)
        if names_of(model.anomaly_score) != (MSE,):
            msg = (
                f"anomaly_score={model.anomaly_score!r} compares with training rows, of which "
                'weights taken over have none: leave it at "mse".'
            )
            raise ValueError(msg)
        network = Network.from_arrays(widths, coefs, intercepts, names=("coefs", "intercepts"))
        activations = (*[model.activation] * (len(widths) - 2), model.output_activation)
        shift, scale = (np.array(v, dtype=np.float64) for v in (shift, scale))
        model._show(network, activations, shift, scale)
        model._encoder = encoder
        model.n_features_in_ = widths[0] if encoder is None else encoder.n_columns
        model._missing, model.scaling_ = model.missing, model.scaling
        model._step_sizes, model._momentum = [], 0.0
        model.offset_ = -np.inf
        return model

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "offset_")

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags
