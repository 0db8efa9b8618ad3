#!/usr/bin/env python3
"""bench/pyarrow_write.py - the files of an archive once more, by pyarrow with zstd: read into memory first, then written.

usage: pyarrow_write.py ARCHIVE OUT     one line of JSON, with the bytes of both
"""
import json
import pathlib
import sys
import time

import pyarrow
import pyarrow.parquet


def main(archive, out):
    files = sorted(pathlib.Path(archive).glob("*/**/*.parquet"))
    tables = [pyarrow.parquet.ParquetFile(path).read() for path in files]
    targets = [pathlib.Path(out) / path.relative_to(archive) for path in files]
    began = time.monotonic()
    for table, path in zip(tables, targets):
        path.parent.mkdir(parents=True, exist_ok=True)
        pyarrow.parquet.write_table(table, path, compression="zstd")
    seconds = time.monotonic() - began
    print(json.dumps({"rows": sum(table.num_rows for table in tables), "seconds": seconds, "version": pyarrow.__version__,
                      "files": len(files), "bytes": sum(path.stat().st_size for path in targets),
                      "of_bytes": sum(path.stat().st_size for path in files)}))


if __name__ == "__main__":
    main(*sys.argv[1:])
