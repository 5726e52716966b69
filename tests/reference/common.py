"""What the scripts in this directory share: Keras in float64, reproducible random numbers, gradients and the file.

A file holds tensors named `case/name` and one metadata entry, `cases`: a JSON list with one object per case,
`{"name": ..., "kind": ..., ...options}`. (One entry only, because safetensors writes several in random order and
the files would differ from run to run.)
"""

import json
import os
import pathlib
import zlib

os.environ.update(KERAS_BACKEND="tensorflow", TF_CPP_MIN_LOG_LEVEL="3", TF_ENABLE_ONEDNN_OPTS="0", CUDA_VISIBLE_DEVICES="")

import keras
import numpy as np
import tensorflow as tf
from safetensors.numpy import save_file

keras.config.set_floatx("float64")


def random(name):
    """A generator that depends on the case's name alone: adding a case leaves the others as they are."""
    return np.random.default_rng(zlib.crc32(name.encode()))


def gradients(function, variables, output_gradient=1.0):
    """The output of `function` and the gradients of sum(output_gradient * output)."""
    with tf.GradientTape() as tape:
        tape.watch(variables)
        output = function()
        total = tf.reduce_sum(output * output_gradient)
    return output.numpy(), [g.numpy() for g in tape.gradient(total, variables)]


def torch_gradients(function, x, output_gradient):
    """The same of a PyTorch function of one tensor."""
    import torch

    x = torch.tensor(x, requires_grad=True)
    output = function(x)
    (output * torch.tensor(output_gradient)).sum().backward()
    return output.detach().numpy(), x.grad.numpy()


def agree(what, a, b, tolerance):
    """Stops the script when two frameworks, or two ways, differ by more than `tolerance` of the largest value."""
    difference = np.abs(a - b).max() / max(1.0, np.abs(b).max())
    assert difference <= tolerance, f"{what}: the two differ by {difference:.1e}"


class File:
    """The cases of one area, and the safetensors file they end in."""

    def __init__(self):
        self.cases, self.tensors = [], {}

    def add(self, name, kind, options, **tensors):
        assert name not in (case["name"] for case in self.cases), f"two cases are named {name}"
        self.cases.append({"name": name, "kind": kind, **options})
        self.add_tensors(name, **tensors)

    def add_tensors(self, name, **tensors):
        for key, value in tensors.items():
            value = np.ascontiguousarray(value) if np.ndim(value) else np.asarray(value)
            assert value.dtype == np.float64 and np.isfinite(value).all(), f"{name}/{key}"
            self.tensors[f"{name}/{key}"] = value

    def save(self, area):
        path = pathlib.Path(__file__).with_name(f"{area}.safetensors")
        save_file(self.tensors, path, {"cases": json.dumps(self.cases)})
        print(f"{path.name}: {len(self.cases)} cases, {len(self.tensors)} tensors, {path.stat().st_size} bytes")
