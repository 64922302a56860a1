"""Edits of a good proof: made here with the outcome that follows from how they are made, applied here for the Python verifier."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

from tests.vectors.layout import Section, sections
from zkml.protocol import Protocol
from zkml.protocol.field import P, R

IDENTITY = bytes(64)
GENERATOR = (1).to_bytes(32, "big") + (2).to_bytes(32, "big")

Mutation = dict[str, Any]


def _mutation(name: str, *edits: list[Any], where: str | None = None, step: int | None = None) -> Mutation:
    outcome = "malformed" if where else "rejected"
    return {"name": name, "edits": list(edits), "outcome": outcome, "where": where, "step": step}


def _little(value: int) -> str:
    return value.to_bytes(32, "little").hex()


def _write(offset: int, data: bytes) -> list[Any]:
    return ["write", offset, data.hex()]


def _of_point(section: Section, i: int, proof: bytes) -> list[Mutation]:
    at = section.at(i)
    old = proof[at : at + 64]
    x, y = int.from_bytes(old[:32], "big"), int.from_bytes(old[32:], "big")
    name = f"{section.name} {i}"
    out = []
    if old != IDENTITY:
        out.append(_mutation(f"{name} is negated", _write(at + 32, (P - y).to_bytes(32, "big")), step=10))
        out.append(_mutation(f"{name} is the identity", _write(at, IDENTITY), step=10))
        out.append(_mutation(f"{name} is off the curve", _write(at + 32, ((y + 1) % P).to_bytes(32, "big")), where="point"))
        out.append(_mutation(f"{name} has x + p", _write(at, (x + P).to_bytes(32, "big")), where="point"))
        out.append(_mutation(f"{name} has y + p", _write(at + 32, (y + P).to_bytes(32, "big")), where="point"))
    if old != GENERATOR:
        out.append(_mutation(f"{name} is the generator", _write(at, GENERATOR), step=10))
    return out


def _of_scalar(section: Section, i: int, proof: bytes) -> list[Mutation]:
    at = section.at(i)
    value = int.from_bytes(proof[at : at + 32], "big")
    name = f"{section.name} {i}"
    return [
        _mutation(f"{name} is one more", _write(at, ((value + 1) % R).to_bytes(32, "big")), step=10),
        _mutation(f"{name} is the modulus more", _write(at, (value + R).to_bytes(32, "big")), where="scalar"),
        _mutation(f"{name} is all ones", _write(at, b"\xff" * 32), where="scalar"),
    ]


def _of_instances(protocol: Protocol, instances: Sequence[Sequence[int]], rng: random.Random) -> list[Mutation]:
    out = [_mutation("an instance column too many", ["column"], where="instances")]
    for c, column in enumerate(instances):
        out.append(_mutation(f"instance column {c} has a zero more", ["push", c, _little(0)], where="instances"))
        if not column:
            continue
        row = rng.randrange(len(column))
        out.append(_mutation(f"instance column {c} has a value less", ["pop", c], where="instances"))
        for name, value in (("the modulus more", column[row] + R), ("all ones", (1 << 256) - 1)):
            out.append(_mutation(f"instance {c} {row} is {name}", ["instance", c, row, _little(value)], where="instances"))
    for tensor in protocol.statement.tensors:
        row = tensor.row + rng.randrange(tensor.length)
        value = instances[tensor.column][row]
        if tensor.domain is not None:
            low, high = tensor.domain
            for name, outside in (("above", high + 1), ("below", low - 1)):
                edit = ["instance", tensor.column, row, _little(outside % R)]
                out.append(_mutation(f"{tensor.name} ({tensor.visibility}) row {row} is {name} its domain", edit, step=1))
            other = value + 1 if (value + 1) % R != (high + 1) % R else value - 1
        else:
            other = value + 1
        edit = ["instance", tensor.column, row, _little(other % R)]
        out.append(_mutation(f"{tensor.name} ({tensor.visibility}) row {row} is another value", edit, step=10))
    return out


def mutations(protocol: Protocol, instances: Sequence[Sequence[int]], proof: bytes, rng: random.Random) -> list[Mutation]:
    """Return edits of every field of a proof: each section at one random place, lengths, instances."""
    out = [
        _mutation("a byte too many", ["append", "00"], where="length"),
        _mutation("the proof twice", ["append", proof.hex()], where="length") if len(proof) < 2500 else
        _mutation("thirty-two zero bytes too many", ["append", "00" * 32], where="length"),
        _mutation("a byte too few", ["truncate", len(proof) - 1], where="length"),
        _mutation("half the proof", ["truncate", len(proof) // 2], where="length"),
        _mutation("no proof", ["truncate", 0], where="length"),
    ]  # fmt: skip
    for section in sections(protocol):
        i = rng.randrange(section.count)
        out += (_of_point if section.kind == "point" else _of_scalar)(section, i, proof)
        if section.count > 1:
            a, b = section.at(0), section.at(section.count - 1)
            first, last = proof[a : a + section.size], proof[b : b + section.size]
            if first != last:
                name = f"first and last {section.name} change places"
                out.append(_mutation(name, _write(a, last), _write(b, first), step=10))
    return out + _of_instances(protocol, instances, rng)


def against_other_circuits(kind: str, shapes: dict[str, tuple[tuple[int, ...], int]]) -> list[Mutation]:
    """Return the proof of `kind` held against circuits of the same and of another shape (instance rows, proof length)."""
    out = []
    rows, length = shapes[kind]
    for other, (other_rows, other_length) in shapes.items():
        if other == kind:
            continue
        edit = ["circuit", other]
        if other_rows != rows:
            out.append(_mutation(f"against the circuit {other}, other instances", edit, where="instances"))
        elif other_length != length:
            out.append(_mutation(f"against the circuit {other}, another length", edit, where="length"))
        else:
            out.append(_mutation(f"against the circuit {other}, same shape", edit, step=10))
    return out[:4] + [m for m in out[4:] if m["step"]]


def apply(
    edits: Sequence[Sequence[Any]], instances: Sequence[Sequence[int]], proof: bytes
) -> tuple[list[list[str]], bytes, str | None]:
    """Return the edited instances (64 little-endian digits each), proof bytes, and the circuit to hold them against."""
    columns = [[_little(v) for v in column] for column in instances]
    data, circuit = bytearray(proof), None
    for edit in edits:
        match edit:
            case ["write", int(offset), str(text)]:
                new = bytes.fromhex(text)
                data[offset : offset + len(new)] = new
            case ["truncate", int(length)]:
                del data[length:]
            case ["append", str(text)]:
                data += bytes.fromhex(text)
            case ["instance", int(column), int(row), str(text)]:
                columns[column][row] = text
            case ["push", int(column), str(text)]:
                columns[column].append(text)
            case ["pop", int(column)]:
                columns[column].pop()
            case ["column", *values]:
                columns.append([str(v) for v in values])
            case ["circuit", str(other)]:
                circuit = other
            case _:
                raise ValueError(f"unknown edit {edit}")
    return columns, bytes(data), circuit
