"""Inputs of every kind become the same items; a malformed entry is kept with its reason among the good ones."""

from __future__ import annotations

import io
import json
import sys
import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from tests.jobs.conftest import Store, Tiny, inputs
from zkml.errors import SampleError
from zkml.jobs.inputs import Batch, Inputs
from zkml.jobs.submit import submit
from zkml.model import load


def read(tiny: Tiny, source: str | Path) -> list[Batch]:
    return list(Inputs(load(tiny.bundle.path("model"))).read(source))


def matrix(batches: list[Batch]) -> np.ndarray:
    return np.concatenate([b.rows for b in batches]).view(np.float32)


def lines(x: np.ndarray) -> str:
    return "".join(json.dumps({"x": row}) + "\n" for row in x.tolist())


def test_every_kind_of_file_gives_the_same_rows(tiny: Tiny, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    x = inputs(5)
    np.savez(tmp_path / "a.npz", x=x)
    np.savez_compressed(tmp_path / "b.npz", x=x.reshape(5, 1, 3), label=np.arange(5))
    np.save(tmp_path / "c.npy", x)
    (tmp_path / "d.jsonl").write_text(lines(x))
    (tmp_path / "e.jsonl").write_text("\n".join(json.dumps({"input_data": [row], "id": 1}) for row in x.tolist()))
    folder = tmp_path / "folder"
    folder.mkdir()
    for i, row in enumerate(x):
        np.save(folder / f"{i}.npy", row[None])
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(lines(x).encode())))
    sources: list[str | Path] = [*sorted(tmp_path.iterdir()), "-"]
    for source in sources:
        batches = read(tiny, source)
        assert np.array_equal(matrix(batches), x), source
        assert [p for b in batches for p in b.positions] == list(range(5)), source


BAD = {
    "not json": '{"x": [1, 2,',
    "no object": "[1, 2, 3]",
    "too few": '{"x": [1, 2]}',
    "too many": '{"x": [1, 2, 3, 4]}',
    "text": '{"x": ["1", "2", "3"]}',
    "nothing": '{"x": null}',
    "nested unevenly": '{"x": [[1, 2], [3]]}',
    "another name": '{"z": [1, 2, 3]}',
    "one name too many": '{"x": [1, 2, 3], "z": [1]}',
    "twice": '{"x": [1, 2, 3], "x": [1, 2, 3]}',
    "not a number": '{"x": [NaN, 2, 3]}',
    "infinite": '{"x": [1e999, 2, 3]}',
    "huge": '{"x": [' + "9" * 5000 + ", 2, 3]}",
    "deep": "[" * 100_000,
    "two samples": '{"x": [[1, 2, 3], [4, 5, 6]]}',
    "not utf-8": '{"x": [1, 2, 3], "id": "\udcff"}',
    "nul": "\0",
}


@pytest.mark.parametrize("bad", BAD)
def test_a_malformed_line_is_kept_with_its_reason_among_good_ones(tiny: Tiny, tmp_path: Path, bad: str) -> None:
    good = lines(inputs(2)).splitlines()
    text = "\n".join([good[0], BAD[bad], good[1]]).encode(errors="surrogateescape")
    (tmp_path / "in.jsonl").write_bytes(text)
    (batch,) = read(tiny, tmp_path / "in.jsonl")
    assert batch.positions == [0, 2]
    (malformed,) = batch.malformed
    assert malformed.position == 1
    assert malformed.reason
    assert np.array_equal(matrix([batch]), inputs(2))


def test_a_sample_that_is_not_finite_is_malformed_alone(tiny: Tiny, tmp_path: Path) -> None:
    x = inputs(4)
    x[2, 1] = np.nan
    np.savez(tmp_path / "in.npz", x=x)
    (batch,) = read(tiny, tmp_path / "in.npz")
    assert batch.positions == [0, 1, 3]
    assert [b.position for b in batch.malformed] == [2]


def test_what_is_wrong_with_a_whole_source_is_said_before_there_is_a_job(tiny: Tiny, tmp_path: Path) -> None:
    np.savez(tmp_path / "names.npz", z=inputs(2))
    np.savez(tmp_path / "shape.npz", x=np.zeros((2, 4), np.float32))
    np.savez(tmp_path / "objects.npz", x=np.array([{}], dtype=object))
    (tmp_path / "text.npz").write_text("no archive")
    (tmp_path / "empty.jsonl").write_text("\n\n")
    (tmp_path / "folder").mkdir()
    for name in ("names.npz", "shape.npz", "objects.npz", "text.npz", "empty.jsonl", "folder", "absent.npz"):
        with pytest.raises(SampleError):
            read(tiny, tmp_path / name)


def test_memory_does_not_grow_with_the_number_of_lines(store: Store, tiny: Tiny, tmp_path: Path) -> None:
    line = '{"x": [0.25, %d.5, 0.5]}\n'
    peaks = []
    for batches in (5, 25):
        path = tmp_path / f"{batches}.jsonl"
        with path.open("w") as f:
            f.writelines(line % (i + batches * 20_000) for i in range(batches * 512))
        source = Inputs(load(tiny.bundle.path("model")))
        source.batch_rows = 512
        record = store.record(tiny)
        tracemalloc.start()
        taken = submit(store.db, store.artefacts, record, source.read(path), name="lines")
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        assert taken.new == batches * 512
    assert peaks[1] < 1.5 * peaks[0]
