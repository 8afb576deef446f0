"""The embedder's network as an ONNX graph, from the pinned safetensors.

Only standard operators, laid out as exporters write BERT, so that ONNX Runtime's own optimiser finds
what it can fuse. Inputs `ids` and `mask` are `[sequences, tokens]` int64; output `embeddings` is
`[sequences, 384]` f32, the mean of the last layer's unmasked rows scaled to length 1.
"""

import json
import math

import numpy as np
from onnx import TensorProto, checker, helper, numpy_helper

OPSET = 17
IR_VERSION = 8
LAYERS, HEADS, HIDDEN = 6, 12, 384
HEAD = HIDDEN // HEADS
NORM_EPSILON = 1e-12
MASKED_SCORE = -10000.0
SAFETENSORS_TYPES = {"F32": np.float32, "I64": np.int64}


def read_safetensors(path):
    """Name to array; the format is a length, a JSON table and the bytes."""
    data = path.read_bytes()
    start = 8 + int.from_bytes(data[:8], "little")
    table = json.loads(data[8:start])
    table.pop("__metadata__", None)
    arrays = {}
    for name, entry in table.items():
        first, last = entry["data_offsets"]
        values = np.frombuffer(data[start + first:start + last], SAFETENSORS_TYPES[entry["dtype"]])
        arrays[name] = values.reshape(entry["shape"])
    return arrays


class Network:
    """Nodes and constants as they are added."""

    def __init__(self, weights):
        self.weights = weights
        self.nodes = []
        self.constants = {}

    def constant(self, name, values, dtype=np.float32):
        self.constants.setdefault(name, numpy_helper.from_array(np.asarray(values, dtype), name))
        return name

    def weight(self, name):
        return self.constant(name, self.weights[name])

    def add(self, operator, *inputs, **attributes):
        output = f"{operator}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(operator, inputs, [output], name=output, **attributes))
        return output

    def dense(self, values, name):
        kernel = self.constant(f"{name}.kernel", self.weights[f"{name}.weight"].T)
        return self.add("Add", self.add("MatMul", values, kernel), self.weight(f"{name}.bias"))

    def norm(self, values, name):
        scale, shift = self.weight(f"{name}.weight"), self.weight(f"{name}.bias")
        return self.add("LayerNormalization", values, scale, shift, axis=-1, epsilon=NORM_EPSILON)

    def gelu(self, values):
        error = self.add("Erf", self.add("Div", values, self.constant("sqrt2", math.sqrt(2))))
        above = self.add("Add", error, self.constant("one", 1))
        return self.add("Mul", self.add("Mul", values, above), self.constant("half", 0.5))

    def look_up(self):
        words = self.add("Gather", self.weight("embeddings.word_embeddings.weight"), "ids")
        zero, one = self.constant("from", [0], np.int64), self.constant("to", [1], np.int64)
        tokens = self.add("Slice", self.add("Shape", "ids"), one, self.constant("end", [2], np.int64))
        positions = self.weight("embeddings.position_embeddings.weight")
        positions = self.add("Slice", positions, zero, tokens, zero)
        text_type = self.weights["embeddings.token_type_embeddings.weight"][0]
        typed = self.add("Add", words, self.constant("embeddings.text_type", text_type))
        return self.norm(self.add("Add", typed, positions), "embeddings.LayerNorm")

    def attention(self, values, name, masked):
        def split(part, order):
            shape = self.constant("heads", [0, 0, HEADS, HEAD], np.int64)
            rows = self.dense(values, f"{name}.self.{part}")
            return self.add("Transpose", self.add("Reshape", rows, shape), perm=order)

        queries, keys = split("query", [0, 2, 1, 3]), split("key", [0, 2, 3, 1])
        scores = self.add("MatMul", queries, keys)
        scores = self.add("Div", scores, self.constant("sqrt_head", math.sqrt(HEAD)))
        shares = self.add("Softmax", self.add("Add", scores, masked), axis=-1)
        mixed = self.add("MatMul", shares, split("value", [0, 2, 1, 3]))
        mixed = self.add("Transpose", mixed, perm=[0, 2, 1, 3])
        mixed = self.add("Reshape", mixed, self.constant("rows", [0, 0, HIDDEN], np.int64))
        return self.dense(mixed, f"{name}.output.dense")

    def layer(self, values, name, masked):
        attended = self.add("Add", self.attention(values, f"{name}.attention", masked), values)
        values = self.norm(attended, f"{name}.attention.output.LayerNorm")
        wide = self.gelu(self.dense(values, f"{name}.intermediate.dense"))
        out = self.add("Add", self.dense(wide, f"{name}.output.dense"), values)
        return self.norm(out, f"{name}.output.LayerNorm")

    def mask_scores(self):
        mask = self.add("Unsqueeze", "mask", self.constant("axis1", [1], np.int64))
        mask = self.add("Unsqueeze", mask, self.constant("axis2", [2], np.int64))
        hidden = self.add("Sub", self.constant("one", 1), self.add("Cast", mask, to=TensorProto.FLOAT))
        return self.add("Mul", hidden, self.constant("masked_score", MASKED_SCORE))

    def pool(self, values):
        mask = self.add("Unsqueeze", "mask", self.constant("axis2", [2], np.int64))
        mask = self.add("Cast", mask, to=TensorProto.FLOAT)
        tokens = self.constant("axis1", [1], np.int64)
        total = self.add("ReduceSum", self.add("Mul", values, mask), tokens, keepdims=0)
        mean = self.add("Div", total, self.add("ReduceSum", mask, tokens, keepdims=0))
        self.nodes.append(helper.make_node("LpNormalization", [mean], ["embeddings"], axis=-1, p=2))


def build(weights_path):
    """The checked model."""
    network = Network(read_safetensors(weights_path))
    masked = network.mask_scores()
    values = network.look_up()
    for index in range(LAYERS):
        values = network.layer(values, f"encoder.layer.{index}", masked)
    network.pool(values)
    shape = ["sequences", "tokens"]
    graph = helper.make_graph(
        network.nodes,
        "embedder",
        [helper.make_tensor_value_info(name, TensorProto.INT64, shape) for name in ("ids", "mask")],
        [helper.make_tensor_value_info("embeddings", TensorProto.FLOAT, ["sequences", HIDDEN])],
        list(network.constants.values()),
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)])
    model.ir_version = IR_VERSION
    checker.check_model(model)
    return model
