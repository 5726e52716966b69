"""Makes initialisers.json: mean, standard deviation and range of Keras's initialisers, in theory and over 10^6 draws.

Made with Keras 3.15.1 on TensorFlow 2.21.0. Run: `python make_initialisers.py`.

A kernel of shape (height, width, in, out) has fan_in = height * width * in and fan_out = height * width * out, a dense
one of shape (in, out) those two. Keras reads a transposed convolution's kernel, (height, width, out, in), the same way, so
that there its fan_in is height * width * out (Glorot does not mind, He and LeCun do). The scale s is 1 / fan_in (LeCun), 2 / fan_in (He), 2 / (fan_in + fan_out) (Glorot):
- uniform: within +-sqrt(3 s), standard deviation sqrt(s);
- normal: cut off at two standard deviations and drawn from a normal wider by 1 / 0.87962566103423978, so that what
  remains has standard deviation sqrt(s); within +-2 sqrt(s) / 0.8796;
- TruncatedNormal(stddev=0.05) is not widened: its standard deviation is 0.05 * 0.8796, within +-0.1;
- Constant is one that float32 holds, which Keras rounds it to;
- RandomNormal is neither cut off nor scaled: its theory has no `min` and no `max`;
- orthogonal: the kernel as a matrix of height * width * in rows and out columns; columns are orthonormal (rows, when
  there are more columns) times the gain, so the mean square is gain^2 / the larger of the two. `gram_error` is the largest
  element of |Q^T Q / gain^2 - 1|; no element is above the gain in size.
"""

import json
import pathlib

from common import keras, np

DRAWS = 1_000_000
CUT = 0.87962566103423978  # the standard deviation of a normal cut off at +-2

FLAT, KERNEL = (784, 32), (3, 3, 32, 64)


def scaled(shape):
    """Name and options, standard deviation and limits of those that depend on the fans."""
    fan_in, fan_out = fans(shape)
    scales = dict(Glorot=2 / (fan_in + fan_out), He=2 / fan_in, Lecun=1 / fan_in)
    for name, scale in scales.items():
        yield name + "Uniform", {}, scale**0.5, (3 * scale) ** 0.5
    for name, scale in scales.items():
        yield name + "Normal", {}, scale**0.5, 2 * scale**0.5 / CUT


def orthogonal(shape, gain):
    rows, columns = matrix(shape)
    return "Orthogonal", dict(gain=gain), gain * max(rows, columns) ** -0.5, gain


def matrix(shape):
    return int(np.prod(shape[:-1])), shape[-1]


def fans(shape):
    rows, columns = matrix(shape)
    return rows, rows // shape[-2] * columns


# shape, kind, options, standard deviation, limit
CASES = [
    *((shape, *row) for shape in (FLAT, KERNEL) for row in (
        ("TruncatedNormal", dict(stddev=0.05), 0.05 * CUT, 0.1), orthogonal(shape, 1.0), *scaled(shape))),
    *((shape, *row) for shape in (FLAT, KERNEL) for row in (
        ("RandomNormal", dict(mean=0.0, stddev=0.05), 0.05, None),
        ("RandomUniform", dict(minval=-0.3, maxval=0.3), 0.3 / 3**0.5, 0.3),
        ("Zeros", {}, 0.0, 0.0),
        ("Constant", dict(value=-0.375), 0.0, 0.0))),
    *((shape, *orthogonal(shape, gain)) for shape, gain in (
        (FLAT, 1.5), (KERNEL, 0.5), ((32, 784), 1.0), ((32, 784), 3.0), ((64, 64), 1.0), ((64, 64), 0.25),
        ((1, 1, 16, 64), 1.0), ((40, 1), 2.0), ((1, 40), 2.0))),
]


def gram_error(kernel, gain):
    q = kernel.reshape(matrix(kernel.shape)) / gain
    q = q if q.shape[0] >= q.shape[1] else q.T
    return np.abs(q.T @ q - np.eye(q.shape[1])).max()


file = []
for shape, kind, options, std, limit in CASES:
    seed = {} if kind in ("Zeros", "Constant") else dict(seed=keras.random.SeedGenerator(1))
    initialiser = getattr(keras.initializers, kind)(**seed, **options)
    draws = np.stack([np.asarray(initialiser(shape)) for _ in range(-(-DRAWS // int(np.prod(shape))))])
    fan_in, fan_out = fans(shape)
    mean = options.get("value", 0.0)
    low, high = (None, None) if limit is None else (mean - limit, mean + limit)
    gain = f"_gain_{options['gain']:g}" if options.get("gain", 1.0) != 1.0 else ""
    case = dict(name=f"{kind}{gain}_{'x'.join(map(str, shape))}", kind=kind, **options,
                shape=shape, fan_in=fan_in, fan_out=fan_out,
                theory=dict(mean=mean, std=std, min=low, max=high),
                drawn=dict(count=draws.size, mean=draws.mean(), std=draws.std(), min=draws.min(), max=draws.max()))
    if kind == "Orthogonal":
        case["gram_error"] = gram_error(draws[0], options["gain"])
    assert abs(draws.std() - std) <= 0.005 * std + 1e-12 and abs(draws.mean() - mean) <= 5 * std / draws.size**0.5 + 1e-12, case
    assert limit is None or abs(draws - mean).max() <= limit * (1 + 1e-15), case
    file.append(case)

path = pathlib.Path(__file__).with_name("initialisers.json")
path.write_text(json.dumps(file, indent=1) + "\n")
print(f"{path.name}: {len(file)} cases")
