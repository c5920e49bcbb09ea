"""An ONNX graph while it is being built."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from onnx import NodeProto, TensorProto, ValueInfoProto, helper, numpy_helper

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from onnx import ModelProto

Array = npt.NDArray[Any]

ML = "ai.onnx.ml"
ML_OPSET = 4  # from which on LabelEncoder takes tensors


class Graph:
    """Nodes, constants, inputs and outputs; names of its own begin with "/", which no input's does.

    Parameters
    ----------
    dtype : numpy dtype
        float32 or float64: in which the network is evaluated.

    Examples
    --------
    >>> import numpy as np
    >>> from fastae._onnx_graph import Graph
    >>> graph = Graph(np.dtype(np.float32))
    >>> x = graph.input("x", np.float32, 1, "a number")
    >>> graph.output("y", graph.node("Tanh", x), np.float32, [1])
    >>> [node.op_type for node in graph.model(["y"], opset=18, about={}).graph.node]
    ['Tanh', 'Identity']
    """

    def __init__(self, dtype: np.dtype[Any]) -> None:
        self.dtype = dtype
        self._nodes: list[NodeProto] = []
        self._constants: dict[str, TensorProto] = {}
        self._inputs: list[ValueInfoProto] = []
        self._outputs: dict[str, ValueInfoProto] = {}

    def input(self, name: str, dtype: npt.DTypeLike, width: int, doc: str) -> str:
        """Declare an input of shape (n, width), of a NumPy type or of objects (text)."""
        shape: list[str | int | None] = ["n", width]
        self._inputs.append(helper.make_tensor_value_info(name, _type_of(dtype), shape, doc))
        return name

    def output(self, name: str, value: str, dtype: npt.DTypeLike, width: Sequence[int]) -> None:
        """Declare an output of shape (n, *width), and what it is."""
        self._nodes.append(helper.make_node("Identity", [value], [name], name=f"/{name}"))
        shape: list[str | int | None] = ["n", *width]
        self._outputs[name] = helper.make_tensor_value_info(name, _type_of(dtype), shape)

    def node(self, operator: str, *inputs: str, domain: str = "", **attributes: Any) -> str:
        """Add a node with one output, and return what that is called."""
        name = f"/{operator}_{len(self._nodes)}"
        made = helper.make_node(
            operator, list(inputs), [name], name=name, domain=domain, **attributes
        )
        self._nodes.append(made)
        return name

    def constant(self, values: npt.ArrayLike) -> str:
        """Return the name of an array of this very type; of objects: text."""
        name = f"/constant_{len(self._constants)}"
        self._constants[name] = tensor(np.asarray(values), name)
        return name

    def floats(self, values: npt.ArrayLike) -> str:
        """Return the name of an array in the type of the network."""
        return self.constant(np.asarray(values, dtype=self.dtype))

    def weights(self, values: npt.ArrayLike) -> str:
        """Return the name of an array of float32 in the type of the network, stored as float32."""
        stored = self.constant(np.ascontiguousarray(values, dtype=np.float32))
        return stored if self.dtype == np.float32 else self.cast(stored, self.dtype)

    def cast(self, value: str, dtype: npt.DTypeLike) -> str:
        """Convert to a NumPy type."""
        return self.node("Cast", value, to=_type_of(dtype))

    def concat(self, values: Sequence[str]) -> str:
        """Put columns side by side."""
        return values[0] if len(values) == 1 else self.node("Concat", *values, axis=1)

    def total(self, values: Sequence[str]) -> str:
        """Add up values of the same shape."""
        total = values[0]
        for value in values[1:]:
            total = self.node("Add", total, value)
        return total

    def row_sums(self, values: str, operator: str = "ReduceSum", *, keep: bool = False) -> str:
        """Reduce (n, m) to (n,), or with `keep` to (n, 1)."""
        axes = self.constant(np.array([1], dtype=np.int64))
        return self.node(operator, values, axes, keepdims=int(keep))

    def lookup(self, value: str, keys: Array, numbers: Array, default: int) -> str:
        """Return for each cell the int64 number of the key that it is, or a default."""
        return self.node(
            "LabelEncoder",
            value,
            domain=ML,
            keys_tensor=tensor(keys, "keys"),
            values_tensor=tensor(numbers.astype(np.int64), "values"),
            default_tensor=tensor(np.array([default], dtype=np.int64), "default"),
        )

    def model(self, outputs: Sequence[str], *, opset: int, about: Mapping[str, str]) -> ModelProto:
        """Return the model with these outputs, and what they need.

        Parameters
        ----------
        outputs : sequence of str
        opset : int
        about : mapping of str to str
            Kept with the model.
        """
        nodes = self._needed(outputs)
        used = {name for node in nodes for name in node.input}
        graph = helper.make_graph(
            nodes,
            "fastae",
            self._inputs,
            [self._outputs[name] for name in outputs],
            [value for name, value in self._constants.items() if name in used],
        )
        opsets = [helper.make_opsetid("", opset)]
        if any(node.domain == ML for node in nodes):
            opsets.append(helper.make_opsetid(ML, ML_OPSET))
        # The oldest format that has these operators: more runtimes read it.
        made = helper.make_model(
            graph,
            opset_imports=opsets,
            ir_version=helper.find_min_ir_version_for(opsets),
            producer_name="fastae",
        )
        helper.set_model_props(made, dict(about))
        return made

    def _needed(self, outputs: Sequence[str]) -> list[NodeProto]:
        """Return the nodes that lead to outputs, in order."""
        wanted = set(outputs)
        nodes = []
        for node in reversed(self._nodes):
            if wanted.intersection(node.output):
                wanted.update(node.input)
                nodes.append(node)
        return nodes[::-1]


def tensor(values: Array, name: str) -> TensorProto:
    """Return an array as ONNX holds it; of objects or text: text."""
    if values.dtype.kind in "OU":
        texts: Any = [str(value).encode() for value in values.ravel()]
        return helper.make_tensor(name, TensorProto.STRING, values.shape, texts)
    return numpy_helper.from_array(values, name)


def _type_of(dtype: npt.DTypeLike) -> int:
    wanted = np.dtype(dtype)
    if wanted.kind in "OU":
        return int(TensorProto.STRING)
    return int(helper.np_dtype_to_tensor_dtype(wanted))
