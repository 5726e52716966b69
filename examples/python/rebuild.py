"""Rebuilds the models of the examples `mnist` and `mnist_conv` in PyTorch from their files, and compares what they give.

    cargo run --release --example mnist -- --epochs 1 --output out
    cargo run --release --example mnist_conv -- --epochs 1 --output out
    python examples/python/rebuild.py out/mnist.safetensors out/mnist_conv.safetensors

Needs `torch`, `numpy` and `safetensors`, and `cargo`: the example `reconstruct` sends the same images through this crate. Ends with an error
where an output differs by more than 1e-5. The two functions are those of docs/model-file.md.
"""

import subprocess
import sys
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file
from torch.nn.functional import conv2d, interpolate, linear, max_pool2d


def dense(file, x):  # x: samples x 784
    t = load_file(file)
    code = linear(x, t["encoder.0.weight"].T, t["encoder.0.bias"]).relu()
    return linear(code, t["decoder.0.weight"].T, t["decoder.0.bias"]).sigmoid()


def conv(file, x):  # x: samples x 1 x 28 x 28
    t = load_file(file)

    def convolution(name, x):  # kernels are height x width x in x out here, out x in x height x width there
        return conv2d(x, t[name + ".weight"].permute(3, 2, 0, 1), t[name + ".bias"], padding="same")

    x = max_pool2d(convolution("encoder.0", x).relu(), 2)
    x = max_pool2d(convolution("encoder.2", x).relu(), 2)
    x = interpolate(convolution("decoder.0", x).relu(), scale_factor=2)
    x = interpolate(convolution("decoder.2", x).relu(), scale_factor=2)
    return convolution("decoder.4", x).sigmoid()


def compare(name, file, rebuilt, images):
    command = ["cargo", "run", "--quiet", "--release", "--example", "reconstruct", "--", str(Path(file).resolve())]
    root = Path(__file__).resolve().parents[2]
    output = subprocess.run(command, cwd=root, input=images.tobytes(), stdout=subprocess.PIPE, check=True).stdout
    expected = np.frombuffer(output, "<f4").reshape(images.shape)
    difference = np.abs(rebuilt.numpy().reshape(images.shape) - expected).max()
    print(f"{name}: largest difference of {expected.size} pixels {difference:.1e}")
    if not difference <= 1e-5:
        sys.exit(f"{name} gives something else")


def main():
    images = np.random.default_rng(1).random((64, 784), dtype="<f4")
    images[:32] = images[:32] > 0.8  # strokes are black or white
    x = torch.from_numpy(images)
    with torch.no_grad():
        compare("dense", sys.argv[1], dense(sys.argv[1], x), images)
        compare("convolutional", sys.argv[2], conv(sys.argv[2], x.reshape(-1, 1, 28, 28)), images)


if __name__ == "__main__":
    main()
