#!/usr/bin/env python3
"""tests/sim/run_mutants.py - plants each bug of tests/sim/mutants and wants it found: run_mutants.py [--build DIR]
[--slice N] [--seeds 200] [--first 1] [--apply] [NAME ...].

Of a mutant one source file is changed in a copy, compiled as the build compiles it, and linked in front of the library
into each simulation that the mutant names; then the simulation runs seed after seed. Prints a table: mutant, simulation,
seed, seconds. A mutant that no longer applies, does not compile, or is not found is a failure; so is a seed that fails
without the mutant. --slice N takes N mutants that rotate with the commit; --apply only looks whether they apply.
"""
import argparse
import json
import pathlib
import re
import shlex
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
MUTANTS = ROOT / "tests" / "sim" / "mutants"
SECONDS_MAX = 300
PATTERN = re.compile(r"(?P<why>[^\n]+)\nfile (?P<file>\S+)\nfound by (?P<sims>[a-z_ ]+)\n(?P<edits>(<<<<\n.*?>>>>\n)+)", re.S)
EDIT = re.compile(r"<<<<\n(?P<old>.*?)====\n(?P<new>.*?)>>>>\n", re.S)


class Broken(Exception):
    """The mutant is not a bug that could be planted."""


def read(path):
    """(file, names of simulations, mutated source)."""
    found = PATTERN.fullmatch(path.read_text(encoding="utf-8"))
    if not found:
        raise Broken("is not a mutant: why, file, found by, then blocks of <<<< old ==== new >>>>")
    source = (ROOT / found["file"]).read_text(encoding="utf-8")
    for edit in EDIT.finditer(found["edits"]):
        count = source.count(edit["old"])
        if count != 1:
            raise Broken(f"no longer applies: {found['file']} has {count} times\n{edit['old']}")
        source = source.replace(edit["old"], edit["new"])
    return found["file"], found["sims"].split(), source


def run(command, **options):
    return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False, **options)


def compile_object(build, file, source, out):
    """Compiles `source` in place of `file`, as the library is compiled."""
    copy = out / file
    copy.parent.mkdir(parents=True, exist_ok=True)
    copy.write_text(source, encoding="utf-8")
    for row in json.loads((build / "compile_commands.json").read_text(encoding="utf-8")):
        if (pathlib.Path(row["directory"]) / row["file"]).resolve() != ROOT / file:
            continue
        words = shlex.split(row["command"])
        for flag in ("-o", "-MF", "-MQ"):
            words[words.index(flag) + 1] = f"{out}/mutant.o" + ("" if flag == "-o" else ".d")
        words[words.index("-c") + 1] = str(copy)
        done = run(words + ["-Wno-error"], cwd=build)
        if done.returncode != 0:
            raise Broken("does not compile:\n" + done.stdout[-1000:])
        return
    raise Broken(f"changes {file}, which the build does not know")


def link(build, sim, out):
    """As the build links the simulation; what the mutant defines is not taken from the library."""
    target = f"tests/sim/{sim}"
    words = shlex.split(run(["ninja", "-t", "commands", "-s", target], cwd=build).stdout)
    words[words.index("-o") + 1] = f"{out}/{sim}"
    words.insert(words.index("-o") + 2, f"{out}/mutant.o")
    done = run(words, cwd=build)
    if done.returncode != 0:
        raise Broken("does not link:\n" + done.stdout[-1000:])
    return out / sim


def failing_seed(program, first, count):
    """The first seed that fails, or None."""
    try:
        done = run([program, "--seed", str(first), "--count", str(count)], cwd=ROOT, timeout=SECONDS_MAX)
    except subprocess.TimeoutExpired:
        return None
    found = re.search(r"(?:FAILED|DIED) with seed (\d+)", done.stdout)
    return int(found[1]) if found else None


def try_mutant(path, options):
    """(simulation, seed) that found it."""
    build = options.build
    file, sims, source = read(path)
    out = build / "mutants" / path.stem
    out.mkdir(parents=True, exist_ok=True)
    compile_object(build, file, source, out)
    for sim in sims:
        seed = failing_seed(link(build, sim, out), options.first, options.seeds)
        if seed is None:
            continue
        if failing_seed(build / "tests" / "sim" / sim, seed, 1) is not None:
            raise Broken(f"proves nothing: seed {seed} of {sim} fails without it")
        return sim, seed
    raise Broken(f"is not found by {options.seeds} seeds of {', '.join(sims)}")


def chosen(options):
    paths = sorted(MUTANTS.glob("*.mutant"))
    if options.names:
        paths = [p for p in paths if p.stem in options.names]
    if options.slice:
        commit = run(["git", "rev-parse", "--short=7", "HEAD"], cwd=ROOT).stdout.strip()
        begin = int(commit, 16) if re.fullmatch(r"[0-9a-f]+", commit) else 1
        paths = [paths[(begin + i) % len(paths)] for i in range(min(options.slice, len(paths)))]
    return paths


def all_apply():
    failed = 0
    for path in sorted(MUTANTS.glob("*.mutant")):
        try:
            read(path)
        except Broken as what:
            failed += 1
            print(f"{path.name}: {what}")
    return failed == 0


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build")
    parser.add_argument("--slice", type=int)
    parser.add_argument("--seeds", type=int, default=200)
    parser.add_argument("--first", type=int, default=1)
    parser.add_argument("--apply", action="store_true")
    parser.add_argument("names", nargs="*")
    options = parser.parse_args()
    if options.apply:
        return 0 if all_apply() else 1
    options.build = options.build.resolve()
    failed, paths = 0, chosen(options)
    built = run(["ninja", "tests/sim/sim", "tests/sim/log_sim"], cwd=options.build)
    if built.returncode != 0:
        sys.exit("run_mutants: the simulations do not build:\n" + built.stdout[-1000:])
    print(f"{'mutant':30} {'simulation':10} {'seed':>6} {'s':>6}")
    for path in paths:
        began = time.monotonic()
        try:
            sim, seed = try_mutant(path, options)
            print(f"{path.stem:30} {sim:10} {seed:6} {time.monotonic() - began:6.1f}", flush=True)
        except Broken as what:
            failed += 1
            print(f"{path.stem:30} {what}", flush=True)
    print(f"{len(paths) - failed} mutants found, {failed} not")
    return 1 if failed or not paths else 0


if __name__ == "__main__":
    sys.exit(main())
