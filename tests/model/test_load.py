"""Loading: a sound model is pinned and kept, and every kind of bad file is its own error."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from onnx.external_data_helper import convert_model_to_external_data

from zkml.errors import ModelError, UsageError
from zkml.model import from_proto, load

Mutation = Callable[[onnx.ModelProto], None]


def dense(batch: str | int = "batch", weight: np.ndarray | None = None) -> onnx.ModelProto:
    w = np.arange(12, dtype=np.float32).reshape(3, 4) if weight is None else weight
    graph = helper.make_graph(
        [
            helper.make_node("MatMul", ["x", "w"], ["h"], name="mul"),
            helper.make_node("Relu", ["h"], ["y"], name="relu"),
        ],
        "dense",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [batch, 3])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [batch, 4])],
        [numpy_helper.from_array(w, "w")],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def save(folder: Path, proto: onnx.ModelProto) -> Path:
    path = folder / "m.onnx"
    path.write_bytes(proto.SerializeToString())
    return path


def code_of(path: Path, **dims: int) -> str:
    with pytest.raises(ModelError) as e:
        load(path, dims)
    assert e.value.message == e.value.message.rstrip(".")
    return e.value.code


def test_the_batch_becomes_one_and_is_said_aloud(tmp_path: Path) -> None:
    model = load(save(tmp_path, dense()))
    assert model.inputs[0].shape == (1, 3)
    assert model.outputs[0].shape == (1, 4)
    assert "batch" in model.notes[0]
    assert model.shapes["h"].shape == (1, 4)


def test_a_named_dimension_is_pinned(tmp_path: Path) -> None:
    model = load(save(tmp_path, dense()), {"batch": 5})
    assert model.inputs[0].shape == (5, 3)
    assert model.notes == ()


def test_an_unknown_dimension_is_a_usage_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="nothing"):
        load(save(tmp_path, dense()), {"nothing": 2})


def test_an_open_inner_dimension_names_the_flag(tmp_path: Path) -> None:
    proto = dense()
    proto.graph.input[0].type.tensor_type.shape.dim[1].dim_param = "width"
    with pytest.raises(ModelError) as e:
        load(save(tmp_path, proto))
    assert e.value.code == "dynamic-dimension"
    assert e.value.hint == "pin them: --dim width=N"


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "empty"),
        (b"PK\x03\x04 a zip archive, such as torch.save makes", "not-onnx"),
        (b'{"a": "JSON file"}', "not-onnx"),
        (b"\x08\x08", "not-onnx"),
        (b"\xff" * 64, "not-onnx"),
    ],
)
def test_what_is_not_onnx_is_told_apart(tmp_path: Path, data: bytes, code: str) -> None:
    (tmp_path / "m.onnx").write_bytes(data)
    assert code_of(tmp_path / "m.onnx") == code


def test_a_truncated_file_is_told_apart(tmp_path: Path) -> None:
    data = dense().SerializeToString()
    for cut in (len(data) // 2, len(data) - 1):
        (tmp_path / "m.onnx").write_bytes(data[:cut])
        assert code_of(tmp_path / "m.onnx") == "truncated"


def test_a_missing_file_and_a_folder_are_errors(tmp_path: Path) -> None:
    assert code_of(tmp_path / "absent.onnx") == "missing"
    assert code_of(tmp_path) == "missing"


def test_external_data_beside_the_model_are_inlined(tmp_path: Path) -> None:
    proto = dense()
    convert_model_to_external_data(proto, location="weights.bin", size_threshold=0)
    onnx.save(proto, tmp_path / "m.onnx")
    model = load(tmp_path / "m.onnx")
    assert np.array_equal(numpy_helper.to_array(model.proto.graph.initializer[0]), np.arange(12).reshape(3, 4))
    (tmp_path / "weights.bin").write_bytes(b"1234")
    assert code_of(tmp_path / "m.onnx") == "external-truncated"
    (tmp_path / "weights.bin").unlink()
    assert code_of(tmp_path / "m.onnx") == "external-missing"


def external(location: str) -> onnx.ModelProto:
    proto = dense()
    tensor = proto.graph.initializer[0]
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value=location)
    return proto


@pytest.mark.parametrize("location", ["../secret.bin", "/etc/passwd", "a/../../secret.bin", "C:\\secret", "..\\secret", ""])
def test_external_data_outside_the_folder_are_refused(tmp_path: Path, location: str) -> None:
    (tmp_path / "secret.bin").write_bytes(bytes(48))
    folder = tmp_path / "model"
    folder.mkdir()
    assert code_of(save(folder, external(location))) == "external-escapes"


def test_a_link_out_of_the_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "secret.bin").write_bytes(bytes(48))
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "weights.bin").symlink_to(tmp_path / "secret.bin")
    assert code_of(save(folder, external("weights.bin"))) == "external-escapes"


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_weights_that_are_not_finite_name_tensor_and_node(tmp_path: Path, value: float) -> None:
    weight = np.zeros((3, 4), dtype=np.float32)
    weight[1, 2] = value
    with pytest.raises(ModelError) as e:
        load(save(tmp_path, dense(weight=weight)))
    assert (e.value.code, e.value.node) == ("weights-not-finite", "mul")
    assert "'w'" in e.value.message
    assert "[1, 2]" in e.value.message


def no_inputs(p: onnx.ModelProto) -> None:
    del p.graph.input[:]
    p.graph.initializer.append(numpy_helper.from_array(np.zeros((1, 3), dtype=np.float32), "x"))


def no_outputs(p: onnx.ModelProto) -> None:
    del p.graph.output[:]


def no_nodes(p: onnx.ModelProto) -> None:
    del p.graph.node[:]


def cycle(p: onnx.ModelProto) -> None:
    p.graph.node[0].input[0] = "y"


def unsorted(p: onnx.ModelProto) -> None:
    first, second = list(p.graph.node)
    del p.graph.node[:]
    p.graph.node.extend([second, first])


def same_node_name(p: onnx.ModelProto) -> None:
    p.graph.node[1].name = "mul"


def same_value_name(p: onnx.ModelProto) -> None:
    p.graph.node[1].output[0] = "h"


def dangling(p: onnx.ModelProto) -> None:
    p.graph.node[1].input[0] = "nobody"


def unknown_operator(p: onnx.ModelProto) -> None:
    p.graph.node[1].op_type = "Reloo"


def contradicting_shapes(p: onnx.ModelProto) -> None:
    p.graph.input[0].type.tensor_type.shape.dim[1].dim_value = 7


def unknown_attribute(p: onnx.ModelProto) -> None:
    p.graph.node[1].attribute.append(helper.make_attribute("slope", 1.0))


@pytest.mark.parametrize(
    ("mutate", "code"),
    [
        (no_inputs, "no-inputs"),
        (no_outputs, "no-outputs"),
        (no_nodes, "no-nodes"),
        (cycle, "cycle"),
        (unsorted, "unsorted"),
        (same_node_name, "duplicate-name"),
        (same_value_name, "duplicate-name"),
        (dangling, "dangling"),
        (unknown_operator, "unknown-operator"),
        (contradicting_shapes, "shapes"),
        (unknown_attribute, "invalid"),
    ],
)
def test_each_structural_fault_has_its_own_code(tmp_path: Path, mutate: Mutation, code: str) -> None:
    proto = dense()
    mutate(proto)
    assert code_of(save(tmp_path, proto)) == code


def test_a_shape_that_depends_on_data_names_the_node(tmp_path: Path) -> None:
    graph = helper.make_graph(
        [helper.make_node("NonZero", ["x"], ["y"], name="nz")],
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [3])],
        [helper.make_tensor_value_info("y", TensorProto.INT64, [1, "n"])],
    )
    proto = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    with pytest.raises(ModelError) as e:
        load(save(tmp_path, proto))
    assert (e.value.code, e.value.node) == ("dynamic-shape", "nz")


def test_a_tensor_that_does_not_hold_its_shape_is_refused(tmp_path: Path) -> None:
    proto = dense()
    proto.graph.initializer[0].dims[0] = 1 << 20
    assert code_of(save(tmp_path, proto)) in ("malformed-tensor", "invalid")


def test_all_nodes_with_shapes_of_the_data_are_named_at_once() -> None:
    nodes = [
        helper.make_node("NonZero", ["x"], ["a"], name="first"),
        helper.make_node("Unique", ["x"], ["b"], name="second"),
        helper.make_node("Neg", ["b"], ["c"], name="third"),
    ]
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [2, 3])],
        [
            helper.make_tensor_value_info("a", TensorProto.INT64, [2, "n"]),
            helper.make_tensor_value_info("c", TensorProto.FLOAT, ["m"]),
        ],
    )
    with pytest.raises(ModelError) as e:
        from_proto(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8))
    assert e.value.code == "dynamic-shape"
    assert [n["node"] for n in e.value.details["nodes"]] == ["first", "second"]
    assert e.value.exit_code == 3


def test_positive_infinity_is_refused_and_minus_infinity_where_no_softmax_removes_it() -> None:
    for value in (np.inf, -np.inf, np.nan):
        weights = np.asarray([1, value, 2], dtype=np.float32)
        graph = helper.make_graph(
            [helper.make_node("Add", ["x", "w"], ["y"], name="add")],
            "g",
            [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 3])],
            [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 3])],
            [numpy_helper.from_array(weights, "w")],
        )
        with pytest.raises(ModelError) as e:
            from_proto(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8))
        assert e.value.code == "weights-not-finite"
        assert e.value.node == "add"


def of_nodes(
    nodes: list[onnx.NodeProto], weights: dict[str, np.ndarray], kind: int = TensorProto.FLOAT, *, opset: int = 17
) -> onnx.ModelProto:
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("x", kind, [3])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [3])],
        [numpy_helper.from_array(v, k) for k, v in weights.items()],
    )
    imports = [helper.make_opsetid("", opset), helper.make_opsetid("com.acme", 1)]
    return helper.make_model(graph, opset_imports=imports, ir_version=8)


@pytest.mark.parametrize(
    ("op", "constants"),
    [
        ("ConstantOfShape", {"s": np.asarray([1 << 14, 1 << 14])}),
        ("Range", {"a": np.asarray(0, np.int64), "b": np.asarray(1 << 30, np.int64), "c": np.asarray(1, np.int64)}),
    ],
)
def test_a_small_file_cannot_ask_for_a_gigabyte(op: str, constants: dict[str, np.ndarray], tmp_path: Path) -> None:
    nodes = [
        helper.make_node(op, list(constants), ["many"], name="big"),
        helper.make_node("Cast", ["many"], ["f"], to=TensorProto.FLOAT),
        helper.make_node("ReduceMax", ["f"], ["m"], keepdims=0),
        helper.make_node("Add", ["x", "m"], ["y"]),
    ]
    path = save(tmp_path, of_nodes(nodes, constants))
    with pytest.raises(ModelError, match="elements") as e:
        load(path)
    assert (e.value.code, e.value.node) == ("too-large", "big")


def test_a_gigabyte_beside_the_model_is_refused_before_it_is_read(tmp_path: Path) -> None:
    proto = of_nodes([helper.make_node("MatMul", ["x", "w"], ["y"], name="layer")], {})
    weight = proto.graph.initializer.add(name="w", data_type=TensorProto.FLOAT, dims=[1 << 14, 1 << 14])
    weight.data_location = TensorProto.EXTERNAL
    for key, value in (("location", "w.bin"), ("offset", "0"), ("length", str(1 << 30))):
        weight.external_data.add(key=key, value=value)
    with (tmp_path / "w.bin").open("wb") as f:
        f.truncate(1 << 30)
    assert code_of(save(tmp_path, proto)) == "too-large"


def test_nodes_of_a_domain_that_nothing_defines_are_all_named(tmp_path: Path) -> None:
    nodes = [
        helper.make_node("Charm", ["x"], ["h"], name="first", domain="com.acme"),
        helper.make_node("Spell", ["h"], ["y"], name="second", domain="com.acme"),
    ]
    with pytest.raises(ModelError, match=r"first: Charm of com\.acme; second: Spell of com\.acme") as e:
        load(save(tmp_path, of_nodes(nodes, {})))
    assert e.value.code == "unknown-domain"


def test_text_and_an_opset_to_come_are_refused(tmp_path: Path) -> None:
    relu = [helper.make_node("Relu", ["x"], ["y"])]
    assert code_of(save(tmp_path, of_nodes(relu, {}, TensorProto.STRING))) == "text"
    assert code_of(save(tmp_path, of_nodes(relu, {}, opset=99))) == "unknown-opset"
