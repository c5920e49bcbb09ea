"""Values of estimators as JSON and arrays, and back: plain data, of which nothing is executed.

None, truth values, numbers, text and lists are themselves in JSON. All else is an object of one
entry, whose name says what it is: ``{"tuple": [...]}``, ``{"array": "shift_"}``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import astuple, fields
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from fastae._anomaly_scores import Cloud, ScoreModel
from fastae._constant import Constants
from fastae._history import Event
from fastae._schema import Schema
from fastae._state import State
from fastae._stream import ColumnStats
from fastae._units import Units

if TYPE_CHECKING:
    from collections.abc import Callable

Array = npt.NDArray[Any]

_STORED = "biufcSUmM"  # kinds of arrays that lie in the file as they are
_SCALARS = re.compile(r"\|b1|[<>|][iu][1248]|[<>]f[248]")
_NAME = re.compile(r"\w+(/\w+)*", re.ASCII)
# Data classes whose fields are values.
_RECORDS: dict[str, type[Any]] = {
    "constants": Constants, "column_stats": ColumnStats, "units": Units,
    "score_model": ScoreModel, "cloud": Cloud,
}  # fmt: skip
# Of a State: what lies elsewhere, and what only going on with the training needs.
_ELSEWHERE = ("network", "events")
TRAINING_STATE = ("slots", "averages")


class Encoder:
    """Makes JSON of values, and collects their arrays.

    Parameters
    ----------
    training_state : bool
        Whether the optimiser's state is wanted.
    others : callable
        Takes a value that is none of those here, and where it is; returns JSON or None.

    Attributes
    ----------
    arrays : dict of str to ndarray
        By their names in the file.
    """

    def __init__(self, *, training_state: bool, others: Callable[[Any, str], Any]) -> None:
        self.arrays: dict[str, Array] = {}
        self._training_state = training_state
        self._others = others

    def encode(self, value: Any, where: str) -> Any:
        """Return a value as JSON.

        Parameters
        ----------
        value : object
        where : str
            What arrays are called after.

        Raises
        ------
        TypeError
            If it is, or holds, something that cannot be stored.
        """
        if value is None or isinstance(value, str | np.generic | int | float):
            return _scalar(value, where)
        other = self._others(value, where)
        if other is not None:
            return other
        if isinstance(value, np.ndarray):
            return self._array(value, where)
        if isinstance(value, Mapping):
            return {"dict": self.items(value, where)}
        if isinstance(value, Sequence):
            listed = [self.encode(item, f"{where}/{i}") for i, item in enumerate(value)]
            return {"tuple": listed} if isinstance(value, tuple) else listed
        return self._own(value, where)

    def items(self, mapping: Mapping[Any, Any], where: str) -> list[list[Any]]:
        """Return a mapping as pairs of JSON; keys may be of other types than str."""
        return [
            [_scalar(key, where), self.encode(item, f"{where}/{key}")]
            for key, item in mapping.items()
        ]

    def _own(self, value: Any, where: str) -> Any:
        """Return one of the package's or of NumPy's objects."""
        if isinstance(value, Schema):
            return {"schema": self.items(value.state(), where)}
        if isinstance(value, State):
            return {"state": self.items(self._state(value), where)}
        for tag, kind in _RECORDS.items():
            if isinstance(value, kind):
                return {tag: self.items(_fields(value), where)}
        if isinstance(value, np.random.RandomState):
            state: Any = value.get_state()
            if isinstance(state, tuple) and state[0] == "MT19937":
                return {"random_state": self.encode(list(state[1:]), where)}
        elif hasattr(value, "__array__"):
            return self._array(np.asarray(value), where)
        msg = f"{where} is {_article(type(value).__name__)}, which is no plain data"
        raise TypeError(msg)

    def _array(self, array: Array, where: str) -> Any:
        if array.dtype.kind in _STORED and array.dtype.itemsize:
            if array.dtype.itemsize > 8 and array.dtype.kind == "f":  # differs among machines
                array = array.astype(np.float64)
            free = _NAME.fullmatch(where) and where not in self.arrays
            name = where if free else f"array{len(self.arrays)}"
            self.arrays[name] = array
            return {"array": name}
        if array.dtype.names is not None:
            msg = f"{where} is an array of dtype {array.dtype}, which cannot be stored"
            raise TypeError(msg)
        values = [_scalar(value, f"{where}[{i}]") for i, value in enumerate(array.ravel().tolist())]
        return {"objects": [list(array.shape), values]}

    def _state(self, state: State) -> dict[str, Any]:
        values = {k: v for k, v in _fields(state).items() if k not in _ELSEWHERE}
        if not self._training_state:
            for name in TRAINING_STATE:
                del values[name]
        return values | {"events": [list(astuple(event)) for event in state.events]}


class Decoder:
    """Makes values of JSON and arrays.

    All methods raise what comes on wrong data: ValueError, TypeError, LookupError, AttributeError.

    Parameters
    ----------
    arrays : dict of str to ndarray
        Each is used once, and taken out.
    **others : callables
        By the name of what they make: they take what JSON says of it.
    """

    def __init__(self, arrays: dict[str, Array], **others: Callable[[Any], Any]) -> None:
        self._arrays = arrays
        self._makers: dict[str, Callable[[Any], Any]] = {
            "tuple": lambda values: tuple(map(self.decode, _list(values))),
            "dict": self.items,
            "array": self._array,
            "objects": self._objects,
            "scalar": _numpy_scalar,
            "random_state": self._random_state,
            "schema": self._schema,
            "state": self._state,
            **{tag: self._record(kind) for tag, kind in _RECORDS.items()},
            **others,
        }

    def decode(self, value: Any) -> Any:
        """Return what `Encoder.encode` was given."""
        if isinstance(value, list):
            return [self.decode(item) for item in value]
        if not isinstance(value, dict):
            return value
        ((tag, content),) = value.items()
        return self._makers[tag](content)

    def items(self, pairs: Any) -> dict[Any, Any]:
        """Return what `Encoder.items` was given, as a dict."""
        return {self.decode(key): self.decode(item) for key, item in _list(pairs)}

    def _array(self, name: str) -> Array:
        array = self._arrays.pop(name)
        return array.astype(array.dtype.newbyteorder("="), copy=False)

    def _objects(self, content: Any) -> Array:
        shape, values = content
        made = np.empty(len(_list(values)), dtype=object)
        made[:] = [self.decode(value) for value in values]
        return made.reshape(shape)

    def _random_state(self, content: Any) -> np.random.RandomState:
        key, position, has_gauss, gauss = self.decode(content)
        # Beyond them NumPy would read memory that is not its own.
        if not (
            key.shape == (624,) and key.dtype == np.uint32
            and type(position) is type(has_gauss) is int
            and 0 <= position <= 624 and has_gauss in (0, 1)
        ):  # fmt: skip
            msg = "a random state is none"
            raise ValueError(msg)
        made = np.random.RandomState(np.random.MT19937(0))
        made.set_state(("MT19937", key, position, has_gauss, float(gauss)))
        return made

    def _schema(self, content: Any) -> Schema:
        state = self.items(content)
        kinds, factors = state["kinds"], state["factors"]
        texts = [*state["names"], *kinds, state["missing"]]
        levels = [level for factor in factors for level in factor["levels"]]
        if not (
            all(isinstance(text, str) for text in texts)
            and set(kinds) <= {"number", "datetime", "duration", "factor"}
            and len(kinds) == len(state["names"])
            and all(level is None or isinstance(level, str | int | float) for level in levels)
            and state["counts"].shape == (len(levels),)
        ):
            msg = "a schema is none"
            raise ValueError(msg)
        return Schema.from_state(state)

    def _record(self, kind: type[Any]) -> Callable[[Any], Any]:
        return lambda content: kind(**self.items(content))

    def _state(self, content: Any) -> dict[str, Any]:
        """Return the fields of a State, whose network comes later."""
        state = self.items(content)
        state["events"] = [Event(*event) for event in state["events"]]
        for event in state["events"]:
            event.row()
        known = {field.name for field in fields(State)} - {"network"}
        if not known.issuperset(state):
            msg = "a state of training has unknown parts"
            raise ValueError(msg)
        return state


def _fields(record: Any) -> dict[str, Any]:
    return {field.name: getattr(record, field.name) for field in fields(record)}


def _scalar(value: Any, where: str) -> Any:
    """Return None, a truth value, a number or a text as JSON."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return str(value)
    if isinstance(value, np.generic):
        if _SCALARS.fullmatch(value.dtype.str):
            return {"scalar": [value.dtype.str, value.item()]}
    elif isinstance(value, int | float):
        return int(value) if isinstance(value, int) else float(value)
    msg = f"{where} is or holds {_article(type(value).__name__)}, which is no plain data"
    raise TypeError(msg)


def _numpy_scalar(content: Any) -> Any:
    kind, value = content
    if not _SCALARS.fullmatch(kind):
        msg = f"{kind!r} is no type of a number"
        raise ValueError(msg)
    return np.dtype(kind).type(value)


def _list(values: Any) -> list[Any]:
    if not isinstance(values, list):
        msg = f"{type(values).__name__} where a list should be"
        raise TypeError(msg)
    return values


def _article(noun: str) -> str:
    return f"an {noun}" if noun[:1] in "AEIOUaeiou" else f"a {noun}"
