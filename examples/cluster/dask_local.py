"""An export in pieces on a local Dask cluster, held against the whole: ``python examples/cluster/dask_local.py``.

Needs ``pip install 'infercost[export]' 'dask[distributed]'``. On a cluster of many machines give its scheduler's
address to ``Client`` and a folder that all of them see.
"""

import sys
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory

from distributed import Client, LocalCluster

import infercost

QUESTION = {"model": "llama-3.1-70b", "gpu": "h100", "max_gpus": 16, "all": True}
PIECES, WORKERS = 8, 2


def export(output: str, shard: str = "1/1") -> str:
    """Write one piece, and say where."""
    infercost.frontier(**QUESTION, shard=shard, output=output)
    return output


def pieces(client: Client, folder: Path) -> list[str]:
    """Write all pieces, each where a worker is free; their files in order."""
    shards = [f"{number}/{PIECES}" for number in range(1, PIECES + 1)]
    files = [str(folder / f"piece-{number:04}.jsonl") for number in range(1, PIECES + 1)]
    return list(client.gather(client.map(export, files, shards, pure=False)))


def blocks(files: list[str]) -> Iterator[bytes]:
    """The bytes of files, one after the other."""
    for name in files:
        with open(name, "rb") as file:
            while block := file.read(1 << 20):
                yield block


def digest(files: list[str]) -> str:
    """What tells two exports apart, however they were cut."""
    found = sha256()
    for block in blocks(files):
        found.update(block)
    return found.hexdigest()


def main() -> int:
    """Export whole and in pieces; 0 when they are the same bytes."""
    with TemporaryDirectory() as name:
        with (
            LocalCluster(n_workers=WORKERS, threads_per_worker=1, processes=True) as cluster,
            Client(cluster) as client,
        ):
            cut = digest(pieces(client, Path(name)))
        same = cut == digest([export(str(Path(name) / "whole.jsonl"))])
    sys.stdout.write(f"{PIECES} pieces {'are' if same else 'are NOT'} the whole, byte for byte\n")
    return 0 if same else 1


if __name__ == "__main__":
    sys.exit(main())
