"""What the Python programs of the comparison share: the data, the clock, the commands and the lines they print. `protocol.rs` says the same in Rust."""

import sys
import time

import numpy

PIXELS = 784
BATCH = 256
# Images the dense models see in an epoch, and the convolutional one.
SAMPLES = 8192
CONVOLUTIONAL_SAMPLES = 1024
# The epoch whose loss is reported, so that one sees that all programs do the same work.
REPORTED_EPOCH = 4


def main(rates, latency, save, first_code):
    """Runs `rates THREADS SECONDS`, `latency SECONDS`, `save FILE` or `first-code FILE`."""
    match sys.argv[1:]:
        case ["rates", threads, seconds]:
            rates(int(threads), float(seconds))
        case ["latency", seconds]:
            latency(float(seconds))
        case ["save", file]:
            save(file)
        case ["first-code", file]:
            first_code(file)
            print(time.time_ns())
        case _:
            sys.exit("rates THREADS SECONDS | latency SECONDS | save FILE | first-code FILE")


def report(workload, threads, configuration, figure):
    """One line of the common format."""
    print(f"{workload} {threads} {configuration} {figure:.4f}", flush=True)


class Epochs:
    """The best of several epochs, and the loss of the fourth. The clock starts after the first, which may compile."""

    def __init__(self, at_least):
        self.at_least = at_least
        self.seconds = []
        self.loss = float("nan")

    def add(self, seconds, loss):
        """Notes an epoch; whether there should be another."""
        if not self.seconds:
            self.started = time.perf_counter()
        self.seconds.append(seconds)
        if len(self.seconds) == REPORTED_EPOCH:
            self.loss = loss
        return len(self.seconds) < REPORTED_EPOCH or time.perf_counter() - self.started < self.at_least

    def report(self, model, threads, configuration, samples):
        """Prints images per second and the loss."""
        report(f"{model}/training", threads, configuration, samples / min(self.seconds))
        report(f"{model}/loss", threads, configuration, self.loss)


def report_training(model, threads, configuration, samples, at_least, epoch):
    """Calls `epoch`, which returns its loss, until the time is over."""
    epochs = Epochs(at_least)
    while True:
        before = time.perf_counter()
        loss = epoch()
        if not epochs.add(time.perf_counter() - before, loss):
            break
    epochs.report(model, threads, configuration, samples)


def report_inference(model, threads, configuration, samples, at_least, run):
    """Prints the rate of the best of several passes over `samples` images."""
    run()  # compiles
    started, best = time.perf_counter(), float("inf")
    while best == float("inf") or time.perf_counter() - started < at_least:
        before = time.perf_counter()
        run()
        best = min(best, time.perf_counter() - before)
    report(f"{model}/inference", threads, configuration, samples / best)


def report_latency(configuration, at_least, call):
    """Prints the median and the 99th percentile, in microseconds, of calls with the numbers 0, 1, ...."""
    for number in range(100):
        call(number)
    started, times = time.perf_counter(), []
    while len(times) < 1000 or time.perf_counter() - started < at_least:
        before = time.perf_counter()
        call(len(times))
        times.append((time.perf_counter() - before) * 1e6)
    times.sort()
    report("dense/encode-median", 1, configuration, times[len(times) // 2])
    report("dense/encode-p99", 1, configuration, times[len(times) * 99 // 100])


def images(count):
    """Pictures with strokes, one a row: a fifth of the pixels lit, like a digit's."""
    image, pixel = numpy.arange(count)[:, None], numpy.arange(PIXELS)[None, :]
    wave = numpy.sin(pixel % 28 * 0.3 + pixel // 28 * 0.21 + image)
    return (numpy.maximum(wave - 0.6, 0.0) / 0.4).astype(numpy.float32)
