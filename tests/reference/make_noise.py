"""Makes noise.json: what the layers that draw random numbers make of a constant, in theory and over 10^6 draws of Keras's.

Made with Keras 3.15.1 on TensorFlow 2.21.0. Run: `python make_noise.py`.

Every element of the input, of `shape` (samples first), is `value`. Of the output in training: the share of `zeros`, `mean`
and standard deviation `std` from the theory's mean, in `theory` and as `drawn`, and the `standard_errors` of these three over
as many draws. (At rate 0.5 every output is as far from the mean, and the error of the last is 0.)

- Dropout: 0 with probability rate, value / (1 - rate) otherwise: mean value, standard deviation |value| * sqrt(rate / (1 -
  rate)). No other number comes: `min` and `max`.
- GaussianNoise: value + stddev * a standard normal number; without bounds.

In inference both return their input, of which the script makes sure.
"""

import json
import pathlib

from common import keras, np, tf

FLAT, ONE, IMAGE = (2000, 500), (1, 1_000_000), (400, 10, 25, 10)
# layer, its argument, input shape, value of the input
CASES = [
    *(("Dropout", dict(rate=rate), shape, 1.5) for rate in (0.1, 0.5, 0.9) for shape in (FLAT, IMAGE)),
    ("Dropout", dict(rate=0.25), ONE, -3.0),
    ("Dropout", dict(rate=0.001), FLAT, 1.0),
    ("Dropout", dict(rate=0.0), FLAT, 1.5),
    ("Dropout", dict(rate=0.5), FLAT, 0.0),
    *(("GaussianNoise", dict(stddev=stddev), shape, 1.5) for stddev in (0.1, 1.0) for shape in (FLAT, IMAGE)),
    ("GaussianNoise", dict(stddev=0.25), ONE, -3.0),
    ("GaussianNoise", dict(stddev=0.0), FLAT, 1.5),
    ("GaussianNoise", dict(stddev=0.5), FLAT, 0.0),
]


def dropout(value, rate):
    """Theory, and the fourth central moment."""
    kept = value / (1 - rate)
    std = abs(kept) * (rate * (1 - rate)) ** 0.5
    zeros = rate if value else 1.0
    low, high = (kept, kept) if rate == 0 else (min(0.0, kept), max(0.0, kept))
    fourth = kept**4 * rate * (1 - rate) * (1 - 3 * rate * (1 - rate))
    return dict(zeros=zeros, mean=value, std=std, min=low, max=high), fourth


def gaussian_noise(value, stddev):
    zeros = 0.0 if stddev or value else 1.0
    return dict(zeros=zeros, mean=value, std=stddev, min=None, max=None), 3 * stddev**4


def standard_errors(theory, fourth, count):
    zeros, std = theory["zeros"], theory["std"]
    of_std = ((fourth - std**4) / count) ** 0.5 / (2 * std) if std else 0.0
    return dict(zeros=(zeros * (1 - zeros) / count) ** 0.5, mean=std / count**0.5, std=of_std)


def figures(values, mean):
    std = ((values - mean) ** 2).mean() ** 0.5
    return dict(zeros=np.mean(values == 0), mean=values.mean(), std=std, min=values.min(), max=values.max())


file = []
for kind, argument, shape, value in CASES:
    layer = getattr(keras.layers, kind)(**argument, seed=1)
    x = np.full(shape, value)
    theory, fourth = (dropout if kind == "Dropout" else gaussian_noise)(value, *argument.values())
    errors = standard_errors(theory, fourth, x.size)
    drawn = figures(layer(tf.constant(x), training=True).numpy(), value)
    option = "_".join(map(str, *argument.items()))
    case = dict(name=f"{kind}_{option}_of_{value:g}_{'x'.join(map(str, shape))}", kind=kind, **argument, shape=shape,
                value=value, theory=theory, standard_errors=errors, drawn=dict(count=x.size) | drawn)
    for figure, error in errors.items():
        assert abs(drawn[figure] - theory[figure]) <= 5 * error + 1e-12, (figure, case)
    assert kind == "GaussianNoise" or np.allclose([drawn["min"], drawn["max"]], [theory["min"], theory["max"]], 1e-15), case
    assert (layer(tf.constant(x), training=False).numpy() == x).all(), case
    file.append(case)

path = pathlib.Path(__file__).with_name("noise.json")
path.write_text(json.dumps(file, indent=1) + "\n")
print(f"{path.name}: {len(file)} cases")
