#!/usr/bin/env python3
"""Runs the comparison with whatever is installed and prints one table. Needs no package of its own; README.md says the rest."""

import argparse
import importlib.metadata
import importlib.util
import os
import platform
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
OWN = "autoencoder"

# Workload, what its figure is, and whether more is better.
WORKLOADS = [
    ("dense/training", "images/s", True),
    ("dense/inference", "images/s", True),
    ("deep/training", "images/s", True),
    ("deep/inference", "images/s", True),
    ("convolutional/training", "images/s", True),
    ("convolutional/inference", "images/s", True),
    ("residual/training", "images/s", True),
    ("residual/inference", "images/s", True),
    ("unet/training", "images/s", True),
    ("unet/inference", "images/s", True),
    ("dense/encode-median", "us", False),
    ("dense/encode-p99", "us", False),
    ("dense/first-code", "ms", False),
]
LOSSES = ["dense/loss", "deep/loss", "convolutional/loss", "residual/loss", "unet/loss"]


class Rust:
    """A Cargo project in the folder of its name."""

    def __init__(self, name, flags=""):
        self.name, self.flags = name, flags
        self.model_file = "dense.model"
        self.target = Path(os.environ.get("CARGO_TARGET_DIR", HERE / "../../target")).resolve() / "compare" / name

    def missing(self):
        return None if shutil.which("cargo") else "cargo is not installed"

    def build(self):
        manifest = HERE / self.name / "Cargo.toml"
        command = ["cargo", "build", "--release", "--quiet", "--manifest-path", manifest, "--target-dir", self.target]
        flags = {"RUSTFLAGS": f"{os.environ.get('RUSTFLAGS', '')} {self.flags}".strip()} if self.flags else {}
        subprocess.run(command, check=True, env=os.environ | flags)

    def command(self, *arguments):
        return [self.target / "release" / f"compare-{self.name}", *arguments]

    def version(self):
        lock = (HERE / self.name / "Cargo.lock").read_text()
        found = re.search(rf'name = "{self.name}"\nversion = "([^"]+)"', lock)
        return f"{self.name} {found.group(1)}" + (f" ({self.flags})" if self.flags else "")


class Python:
    """A script in this folder, run by the interpreter that runs this one."""

    def __init__(self, name, packages, model_file):
        self.name, self.packages, self.model_file = name, packages, model_file

    def missing(self):
        absent = [package for package in self.packages if not importlib.util.find_spec(package)]
        return f"{', '.join(absent)} not installed for {Path(sys.executable).name}" if absent else None

    def build(self):
        pass

    def command(self, *arguments):
        return [sys.executable, HERE / f"{self.name}.py", *arguments]

    def version(self):
        distributions = importlib.metadata.packages_distributions()
        names = [next(iter(distributions.get(package, [package]))) for package in self.packages]
        return ", ".join(f"{name} {importlib.metadata.version(name)}" for name in names)


PROGRAMS = [
    Rust(OWN),
    Python("pytorch", ["torch"], "dense.pt"),
    Python("keras_tensorflow", ["keras", "tensorflow"], "dense.keras"),
    Rust("rustyml", "-C target-cpu=native"),
    Rust("burn", "-C target-cpu=native"),
]


def main():
    options = arguments()
    lines = Path(options.lines).read_text().splitlines() if options.lines and Path(options.lines).exists() else []
    for program in PROGRAMS:
        if program.name not in options.only:
            continue
        if reason := program.missing():
            print(f"{program.name} is left out: {reason}", file=sys.stderr)
            continue
        try:
            lines += measure(program, options)
        except (subprocess.CalledProcessError, ValueError, IndexError) as error:
            print(f"{program.name} is left out: {error}", file=sys.stderr)
        if options.lines:
            Path(options.lines).write_text("".join(f"{line}\n" for line in lines))
    print_table(lines)


def arguments():
    names = [program.name for program in PROGRAMS]
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    parser.add_argument("--only", nargs="*", choices=names, default=names, help="these programs (none: print the table of --lines)")
    parser.add_argument("--threads", nargs="+", type=int, default=[1, 2], help="numbers of threads")
    parser.add_argument("--seconds", type=float, default=3.0, help="seconds each figure is measured for, at least")
    parser.add_argument("--starts", type=int, default=20, help="how often a process is started")
    parser.add_argument("--lines", help="keep the lines in this file and go on from those already there")
    return parser.parse_args()


def measure(program, options):
    """All lines of a program: its name, then the common format."""
    print(f"{program.name}: building and measuring", file=sys.stderr)
    program.build()
    lines = []
    for threads in options.threads:
        lines += output(program.command("rates", str(threads), str(options.seconds)))
    lines += output(program.command("latency", str(options.seconds)))
    lines.append(first_code(program, options.starts))
    return [f"{program.name} {line}" for line in lines]


def output(command):
    """The program's lines; what it says besides goes to standard error."""
    run = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    return [line for line in run.stdout.splitlines() if re.fullmatch(r"\S+ \d+ \S+ (\d+\.\d+|nan)", line)]


def first_code(program, starts):
    """The median time from the start of a process to the first code from a saved dense model. The program prints the time of day when it has the code."""
    milliseconds = []
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / program.model_file
        subprocess.run(program.command("save", file), check=True, stdout=subprocess.DEVNULL)
        for _ in range(starts):
            started = time.time_ns()
            command = program.command("first-code", file)
            run = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, close_fds=False)
            milliseconds.append((int(run.stdout.split()[-1]) - started) / 1e6)
    return f"dense/first-code 1 process {statistics.median(milliseconds):.4f}"


def print_table(lines):
    figures = best(lines)
    names = [program.name for program in PROGRAMS if any(key[0] == program.name for key in figures)]
    print(f"{cpu()}, {os.cpu_count()} hardware threads, {platform.system()}")
    print("; ".join(program.version() for program in PROGRAMS if program.name in names))
    print(f"The best configuration of each; in brackets how many times as fast {OWN} is.\n")
    rows = [["workload", "", "threads", *names]]
    for workload, unit, more_is_better in WORKLOADS:
        for threads in sorted({key[2] for key in figures if key[1] == workload}):
            own = figures.get((OWN, workload, threads))
            cells = [cell(figures.get((name, workload, threads)), own, more_is_better, name) for name in names]
            rows.append([workload, unit, str(threads), *cells])
    for workload in LOSSES:
        values = [loss(figures, name, workload) for name in names]
        rows.append([workload, "4th epoch", "", *values])
    print_rows(rows)
    print("\nConfigurations: " + "; ".join(configurations(figures, name) for name in names))


def best(lines):
    """(figure, configuration) for (program, workload, threads): the best of the configurations."""
    more_is_better = {workload: more for workload, _, more in WORKLOADS}
    figures = {}
    for line in lines:
        program, workload, threads, configuration, figure = line.split()
        key, figure = (program, workload, int(threads)), float(figure)
        known = figures.get(key)
        if known is None or (figure > known[0]) == more_is_better.get(workload, False):
            figures[key] = (figure, configuration)
    return figures


def cell(found, own, more_is_better, name):
    if found is None:
        return "-"
    figure = f"{found[0]:,.0f}".replace(",", " ") if more_is_better else f"{found[0]:.2f}"
    if own is None or name == OWN:
        return figure
    ratio = own[0] / found[0] if more_is_better else found[0] / own[0]
    return f"{figure} ({ratio:.2f})"


def loss(figures, name, workload):
    found = [figure for (program, row, _), (figure, _) in figures.items() if (program, row) == (name, workload)]
    return f"{found[0]:.4f}" if found else "-"


def configurations(figures, name):
    """The configurations that won, with the number of rows each won."""
    rated = {workload for workload, _, more_is_better in WORKLOADS if more_is_better}
    wins = [configuration for (program, row, _), (_, configuration) in figures.items() if program == name and row in rated]
    counts = ", ".join(f"{each} {wins.count(each)}" for each in sorted(set(wins)))
    return f"{name}: {counts}"


def print_rows(rows):
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        left = [f"{text:<{width}}" for text, width in zip(row[:2], widths)]
        right = [f"{text:>{width}}" for text, width in zip(row[2:], widths[2:])]
        print("  ".join(left + right).rstrip())


def cpu():
    """The processor's name."""
    try:
        names = re.findall(r"model name\s*:\s*(.+)", Path("/proc/cpuinfo").read_text())
        return names[0]
    except (OSError, IndexError):
        return platform.processor() or platform.machine()


if __name__ == "__main__":
    main()
