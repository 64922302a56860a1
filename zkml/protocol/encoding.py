"""The canonical encoding of a Protocol (docs/protocol.md), and its decoder for bytes from anyone.

JSON in UTF-8, keys sorted, no white space, integers only; scalars `0x` and 64 digits, points 128, points of G2 256. The
decoder accepts any white space and key order, but no other key, number form or letter case; the circuit id is taken over the
canonical bytes of what was decoded.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any, TypeVar, cast

from zkml.errors import MalformedArtifact
from zkml.files import parse_json
from zkml.protocol.expression import LEAVES, MAX_NODES, Kind, Node
from zkml.protocol.field import P, R, felt_hex
from zkml.protocol.json_numbers import integer
from zkml.protocol.points import G1Point, G2Point, VerifierPoints
from zkml.protocol.protocol import Column, ColumnKind, Lookup, Permutation, Protocol, Query
from zkml.protocol.statement import Role, Statement, StatementTensor, Visibility
from zkml.protocol.validity import MAX_COLUMNS, MAX_LOOKUPS, MAX_QUERIES

KIND = "zkml.protocol"
VERSION = 1
CIRCUIT_ID_DOMAIN = b"zkml protocol v1\x00"
MAX_PROTOCOL_BYTES = 16 << 20
MAX_AUDIT_DEPTH = 16

_HEX = {digits: re.compile(rf"0x[0-9a-f]{{{digits}}}") for digits in (64, 128, 256)}
_DECIMAL = re.compile(r"0|-?[1-9][0-9]{0,77}")

T = TypeVar("T")


def canonical_json(value: Any) -> bytes:
    """Return JSON with sorted keys and no white space."""
    text = json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return text.encode()


def _point_hex(point: tuple[int, ...]) -> str:
    return "0x" + "".join(f"{c:064x}" for c in point)


def _encode_node(node: Node) -> list[Any]:
    match node.kind:
        case "constant":
            return ["constant", felt_hex(node.a)]
        case "sum" | "product":
            return [node.kind, node.a, node.b]
        case "scaled":
            return ["scaled", node.a, felt_hex(node.b)]
        case _:
            return [node.kind, node.a]


def _encode_tensor(t: StatementTensor) -> dict[str, Any]:
    return {
        "name": t.name,
        "role": t.role,
        "visibility": t.visibility,
        "dtype": t.dtype,
        "shape": list(t.shape),
        "scale": t.scale,
        "column": t.column,
        "row": t.row,
        "length": t.length,
        "domain": None if t.domain is None else [str(t.domain[0]), str(t.domain[1])],
    }


def to_data(protocol: Protocol) -> dict[str, Any]:
    """Return the Protocol as JSON data."""
    return {
        "kind": KIND,
        "version": VERSION,
        "k": protocol.k,
        "advice_phases": list(protocol.advice_phases),
        "num_fixed": protocol.num_fixed,
        "instance_rows": list(protocol.instance_rows),
        "challenge_phases": list(protocol.challenge_phases),
        "advice_queries": [list(q) for q in protocol.advice_queries],
        "fixed_queries": [list(q) for q in protocol.fixed_queries],
        "instance_queries": [list(q) for q in protocol.instance_queries],
        "nodes": [_encode_node(node) for node in protocol.nodes],
        "gates": list(protocol.gates),
        "lookups": [{"inputs": [list(row) for row in e.inputs], "table": list(e.table)} for e in protocol.lookups],
        "permutation": {
            "columns": [list(c) for c in protocol.permutation.columns],
            "chunk": protocol.permutation.chunk,
        },
        "blinding_factors": protocol.blinding_factors,
        "degree": protocol.degree,
        "fixed_commitments": [_point_hex(p) for p in protocol.fixed_commitments],
        "permutation_commitments": [_point_hex(p) for p in protocol.permutation_commitments],
        "transcript_digest": felt_hex(protocol.transcript_digest),
        "srs": {
            "g1": _point_hex(protocol.points.g1),
            "g2": _point_hex(protocol.points.g2),
            "tau_g2": _point_hex(protocol.points.tau_g2),
        },
        "statement": {"tensors": [_encode_tensor(t) for t in protocol.statement.tensors]},
        "source": dict(protocol.source),
        "audit": protocol.audit,
    }


def canonical_bytes(protocol: Protocol, *, with_audit: bool = True) -> bytes:
    """Return the canonical encoding; without the key `audit` it is what the circuit id digests."""
    data = to_data(protocol)
    if not with_audit:
        del data["audit"]
    return canonical_json(data)


def _bad(where: str, problem: str) -> MalformedArtifact:
    return MalformedArtifact(f"protocol {where}: {problem}", code="protocol", details={"where": where})


def _object(value: Any, where: str, keys: str) -> dict[str, Any]:
    expected = set(keys.split())
    if not isinstance(value, dict):
        raise _bad(where, "not an object")
    if value.keys() != expected:
        odd = sorted(value.keys() ^ expected)[0]
        raise _bad(where, f"the key {odd[:40]!a} is {'missing' if odd in expected else 'unknown'}")
    return value


def _list(value: Any, where: str, most: int) -> list[Any]:
    if not isinstance(value, list):
        raise _bad(where, "not a list")
    if len(value) > most:
        raise _bad(where, f"{len(value)} entries, more than {most}")
    return value


def _int(value: Any, where: str) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise _bad(where, "not an integer")
    if abs(value) >= 1 << 63:
        raise _bad(where, "an integer beyond 64 bits")
    return value


def _str(value: Any, where: str) -> str:
    if not isinstance(value, str):
        raise _bad(where, "not a string")
    return value


def _all(value: Any, where: str, most: int, decode: Callable[[Any, str], T]) -> tuple[T, ...]:
    return tuple(decode(item, f"{where}[{i}]") for i, item in enumerate(_list(value, where, most)))


def _hex(value: Any, where: str, digits: int) -> str:
    if not isinstance(value, str) or not _HEX[digits].fullmatch(value):
        raise _bad(where, f"not 0x and {digits} lower-case hex digits")
    return value[2:]


def _felt(value: Any, where: str) -> int:
    felt = int(_hex(value, where, 64), 16)
    if felt >= R:
        raise _bad(where, "not a canonical scalar")
    return felt


def _coordinates(value: Any, where: str, count: int) -> list[int]:
    text = _hex(value, where, 64 * count)
    out = [int(text[i : i + 64], 16) for i in range(0, len(text), 64)]
    if any(c >= P for c in out):
        raise _bad(where, "a coordinate is not below the modulus")
    return out


def _g1(value: Any, where: str) -> G1Point:
    x, y = _coordinates(value, where, 2)
    return x, y


def _g2(value: Any, where: str) -> G2Point:
    a, b, c, d = _coordinates(value, where, 4)
    return a, b, c, d


def _query(value: Any, where: str) -> Query:
    pair = _list(value, where, 2)
    if len(pair) != 2:
        raise _bad(where, "not a column and a rotation")
    return Query(_int(pair[0], where), _int(pair[1], where))


def _node(value: Any, where: str) -> Node:
    parts = _list(value, where, 3)
    kind = parts[0] if parts else None
    if kind == "constant" and len(parts) == 2:
        return Node("constant", _felt(parts[1], where))
    if kind == "scaled" and len(parts) == 3:
        return Node("scaled", _int(parts[1], where), _felt(parts[2], where))
    if kind in ("sum", "product") and len(parts) == 3:
        return Node(cast(Kind, kind), _int(parts[1], where), _int(parts[2], where))
    if isinstance(kind, str) and kind in {"neg", *LEAVES} - {"constant", "selector"} and len(parts) == 2:
        return Node(cast(Kind, kind), _int(parts[1], where))
    raise _bad(where, "not a node")


def _column(value: Any, where: str) -> Column:
    pair = _list(value, where, 2)
    if len(pair) != 2 or pair[0] not in ("advice", "fixed", "instance"):
        raise _bad(where, "not a kind of column and its index")
    return Column(cast(ColumnKind, pair[0]), _int(pair[1], where))


def _lookup(value: Any, where: str) -> Lookup:
    data = _object(value, where, "inputs table")
    return Lookup(
        _all(data["inputs"], f"{where}.inputs", MAX_NODES, lambda row, w: _all(row, w, MAX_COLUMNS, _int)),
        _all(data["table"], f"{where}.table", MAX_COLUMNS, _int),
    )


def _signed(value: Any, where: str) -> int:
    if not isinstance(value, str) or not _DECIMAL.fullmatch(value):
        raise _bad(where, "not a decimal integer")
    return int(value)


def _tensor(value: Any, where: str) -> StatementTensor:
    data = _object(value, where, "name role visibility dtype shape scale column row length domain")
    domain = None
    if data["domain"] is not None:
        bounds = _all(data["domain"], f"{where}.domain", 2, _signed)
        if len(bounds) != 2:
            raise _bad(f"{where}.domain", "not two bounds")
        domain = (bounds[0], bounds[1])
    return StatementTensor(
        name=_str(data["name"], f"{where}.name"),
        role=cast(Role, _str(data["role"], f"{where}.role")),
        visibility=cast(Visibility, _str(data["visibility"], f"{where}.visibility")),
        dtype=_str(data["dtype"], f"{where}.dtype"),
        shape=_all(data["shape"], f"{where}.shape", 32, _int),
        scale=None if data["scale"] is None else _int(data["scale"], f"{where}.scale"),
        column=_int(data["column"], f"{where}.column"),
        row=_int(data["row"], f"{where}.row"),
        length=_int(data["length"], f"{where}.length"),
        domain=domain,
    )


def _check_audit(value: Any, depth: int = 0) -> None:
    if depth > MAX_AUDIT_DEPTH:
        raise _bad("audit", f"nested deeper than {MAX_AUDIT_DEPTH}")
    if isinstance(value, dict):
        for key, item in value.items():
            _check_text(key)
            _check_audit(item, depth + 1)
    elif isinstance(value, list):
        for item in value:
            _check_audit(item, depth + 1)
    elif isinstance(value, str):
        _check_text(value)
    elif isinstance(value, float):
        raise _bad("audit", "holds a number that is not an integer")
    elif isinstance(value, int) and not isinstance(value, bool):
        _int(value, "audit")


def _check_text(text: str) -> None:
    if any("\ud800" <= c <= "\udfff" for c in text):
        raise _bad("audit", "holds half of a surrogate pair")


def _source(value: Any) -> Mapping[str, str | int | None]:
    if not isinstance(value, dict):
        raise _bad("source", "not an object")
    for key, item in value.items():
        if isinstance(item, (bool, float, list, dict)):
            raise _bad(f"source.{key[:40]!a}", "not a string, integer or null")
    return value


def from_data(value: Any) -> Protocol:
    """Return the Protocol in JSON data. Raises `MalformedArtifact`, naming the place."""
    data = _object(
        value,
        "top level",
        "kind version k advice_phases num_fixed instance_rows challenge_phases advice_queries fixed_queries "
        "instance_queries nodes gates lookups permutation blinding_factors degree fixed_commitments "
        "permutation_commitments transcript_digest srs statement source audit",
    )
    if data["kind"] != KIND:
        raise _bad("kind", f"not {KIND}")
    if _int(data["version"], "version") != VERSION:
        raise _bad("version", f"not {VERSION}")
    permutation = _object(data["permutation"], "permutation", "columns chunk")
    srs = _object(data["srs"], "srs", "g1 g2 tau_g2")
    statement = _object(data["statement"], "statement", "tensors")
    if data["audit"] is not None and not isinstance(data["audit"], dict):
        raise _bad("audit", "neither null nor an object")
    _check_audit(data["audit"])
    return Protocol(
        k=_int(data["k"], "k"),
        advice_phases=_all(data["advice_phases"], "advice_phases", MAX_COLUMNS, _int),
        num_fixed=_int(data["num_fixed"], "num_fixed"),
        instance_rows=_all(data["instance_rows"], "instance_rows", MAX_COLUMNS, _int),
        challenge_phases=_all(data["challenge_phases"], "challenge_phases", MAX_COLUMNS, _int),
        advice_queries=_all(data["advice_queries"], "advice_queries", MAX_QUERIES, _query),
        fixed_queries=_all(data["fixed_queries"], "fixed_queries", MAX_QUERIES, _query),
        instance_queries=_all(data["instance_queries"], "instance_queries", MAX_QUERIES, _query),
        nodes=_all(data["nodes"], "nodes", MAX_NODES, _node),
        gates=_all(data["gates"], "gates", MAX_NODES, _int),
        lookups=_all(data["lookups"], "lookups", MAX_LOOKUPS, _lookup),
        permutation=Permutation(
            _all(permutation["columns"], "permutation.columns", 3 * MAX_COLUMNS, _column),
            _int(permutation["chunk"], "permutation.chunk"),
        ),
        blinding_factors=_int(data["blinding_factors"], "blinding_factors"),
        degree=_int(data["degree"], "degree"),
        fixed_commitments=_all(data["fixed_commitments"], "fixed_commitments", MAX_COLUMNS, _g1),
        permutation_commitments=_all(data["permutation_commitments"], "permutation_commitments", 3 * MAX_COLUMNS, _g1),
        transcript_digest=_felt(data["transcript_digest"], "transcript_digest"),
        points=VerifierPoints(_g1(srs["g1"], "srs.g1"), _g2(srs["g2"], "srs.g2"), _g2(srs["tau_g2"], "srs.tau_g2")),
        statement=Statement(_all(statement["tensors"], "statement.tensors", MAX_NODES, _tensor)),
        source=_source(data["source"]),
        audit=data["audit"],
    )


def decode(data: bytes) -> Protocol:
    """Return the Protocol in the bytes of a `protocol.json`. Raises `MalformedArtifact`."""
    if len(data) > MAX_PROTOCOL_BYTES:
        raise _bad("top level", f"more than {MAX_PROTOCOL_BYTES} bytes")
    return from_data(parse_json(data, what="protocol", parse_int=integer))
