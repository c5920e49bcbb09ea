"""How good a trained model is, by H2O's names for the figures."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fastae.compat.h2o._tasks import Rows

if TYPE_CHECKING:
    from fastae.compat.h2o._model import Trained
    from fastae.compat.h2o._tasks import Metrics


class FiguresMixin:
    """What a model says about the quality of its answers.

    The parameters of every figure: `train` and `valid` ask for that of the training frame, which is
    the default, or of the validation frame; with both, a dict of both is returned. `xval` must be
    False, as there is no cross-validation. Each raises ValueError if the model has no such figure.
    """

    @property
    def _trained(self) -> Trained:
        raise NotImplementedError

    def model_performance(
        self, test_data: Any = None, train: bool = False, valid: bool = False
    ) -> Metrics:
        """Return the metrics of a frame.

        Parameters
        ----------
        test_data : frame or None, default=None
            None is the training frame. Rows whose response is missing do not count.
        train, valid : bool, default=False
            Without `test_data`: of the training or the validation frame.

        Returns
        -------
        metrics : AutoEncoderMetrics, ClassificationMetrics or RegressionMetrics
        """
        trained = self._trained
        if test_data is not None:
            data, response = given(test_data), trained.task.response
            if response is not None:
                data = response.known_rows(data, trained.encoder)
            rows = Rows.of(data, trained.encoder)
            return trained.task.metrics(trained.model, rows, "test")
        if not valid or train:
            return trained.train
        if trained.valid is None:
            msg = "There is no validation metric: train had no validation_frame."
            raise ValueError(msg)
        return trained.valid

    def mse(self, train: bool = False, valid: bool = False, xval: bool = False) -> Any:
        """Return the mean squared error; of classes, of the true one's probability.

        Parameters
        ----------
        train, valid : bool, default=False
            `valid` asks for the validation frame; with both, a dict of both is returned.
        xval : bool, default=False
            There is no cross-validation here, so it must be False.

        Returns
        -------
        mse : float or dict of float
        """
        return self._figure("mse", train=train, valid=valid, xval=xval)

    def rmse(self, train: bool = False, valid: bool = False, xval: bool = False) -> Any:
        """Return the square root of the MSE; parameters as in `mse`."""
        return self._figure("rmse", train=train, valid=valid, xval=xval)

    def r2(self, train: bool = False, valid: bool = False, xval: bool = False) -> Any:
        """Return 1 - MSE / variance of the response; parameters as in `mse`."""
        return self._figure("r2", train=train, valid=valid, xval=xval)

    def logloss(self, train: bool = False, valid: bool = False, xval: bool = False) -> Any:
        """Return the log-loss of predicted classes; parameters as in `mse`."""
        return self._figure("logloss", train=train, valid=valid, xval=xval)

    def mean_per_class_error(
        self, train: bool = False, valid: bool = False, xval: bool = False
    ) -> Any:
        """Return the mean of the classes' shares of wrong predictions; parameters as in `mse`."""
        return self._figure("mean_per_class_error", train=train, valid=valid, xval=xval)

    def auc(self, train: bool = False, valid: bool = False, xval: bool = False) -> Any:
        """Return the area under the ROC curve of two classes; parameters as in `mse`."""
        return self._figure("auc", train=train, valid=valid, xval=xval)

    def mae(self, train: bool = False, valid: bool = False, xval: bool = False) -> Any:
        """Return the mean absolute error of predicted numbers; parameters as in `mse`."""
        return self._figure("mae", train=train, valid=valid, xval=xval)

    def rmsle(self, train: bool = False, valid: bool = False, xval: bool = False) -> Any:
        """Return the RMSE of the logarithms of 1 + number; parameters as in `mse`."""
        return self._figure("rmsle", train=train, valid=valid, xval=xval)

    def mean_residual_deviance(
        self, train: bool = False, valid: bool = False, xval: bool = False
    ) -> Any:
        """Return the mean loss of predicted numbers; parameters as in `mse`."""
        return self._figure("mean_residual_deviance", train=train, valid=valid, xval=xval)

    def confusion_matrix(
        self, data: Any = None, train: bool = False, valid: bool = False, xval: bool = False
    ) -> Any:
        """Return how many rows of each class are predicted to be of which.

        Parameters
        ----------
        data : frame or None, default=None
            None is the training frame, or what the others say.
        train, valid, xval : bool, default=False
            As in `mse`.

        Returns
        -------
        matrix : frame
            A row per true class and one of totals; a column per predicted class, "Error" and
            "Rate".
        """
        if data is not None:
            return self._of(self.model_performance(data), "confusion_matrix")
        return self._figure("confusion_matrix", train=train, valid=valid, xval=xval)

    def _figure(self, name: str, *, train: bool, valid: bool, xval: bool) -> Any:
        if xval:
            what = "autoencoders have" if self._trained.task.response is None else "there is"
            msg = f"xval must be False: {what} no cross-validation."
            raise ValueError(msg)
        if train and valid:
            parts = {"train": {"train": True}, "valid": {"valid": True}}
            return {k: self._of(self.model_performance(**v), name) for k, v in parts.items()}
        return self._of(self.model_performance(train=train, valid=valid), name)

    def _of(self, metrics: Metrics, name: str) -> Any:
        if not hasattr(metrics, name):
            task = self._trained.task.described.split(",")[:2]
            msg = f"There is no {name} of this model ({','.join(task)})."
            raise ValueError(msg)
        return getattr(metrics, name)()


def given(data: Any) -> Any:
    """Return a frame to score, or raise ValueError if it has no rows."""
    if data is None or len(data) == 0:
        msg = "The frame to score has no rows."
        raise ValueError(msg)
    return data
