"""What notebooks show of an estimator: scikit-learn's diagram, and below it the layers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sklearn import get_config

if TYPE_CHECKING:
    from fastae._table import Table


class HtmlMixin:
    """Adds the layers to the diagram that scikit-learn draws of a fitted estimator.

    It stands before scikit-learn's BaseEstimator, whose ``set_config(display=...)`` decides whether
    there is anything but text.
    """

    if TYPE_CHECKING:

        def __sklearn_is_fitted__(self) -> bool: ...
        def summary(self) -> Table: ...

    def _repr_html_inner(self) -> str:
        return self._with_layers(super()._repr_html_inner())  # type: ignore[misc]

    def _repr_mimebundle_(self, **options: Any) -> dict[str, Any]:
        bundle: dict[str, Any] = super()._repr_mimebundle_(**options)  # type: ignore[misc]
        # Front ends take this rather than _repr_html_.
        if get_config()["display"] == "diagram" and "text/html" in bundle:
            bundle["text/html"] = self._with_layers(bundle["text/html"])
        return bundle

    def _with_layers(self, diagram: Any) -> str:
        if not self.__sklearn_is_fitted__():
            return str(diagram)
        # Some versions of scikit-learn make a whole body of it.
        inner = str(diagram).removesuffix("</body>")
        end = str(diagram)[len(inner) :]
        return f"{inner}\n{self.summary()._repr_html_()}{end}"
