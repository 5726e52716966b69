"""Makes initialisers.json: mean, standard deviation and range of Keras's initialisers, in theory and over 10^6 draws.

Made with Keras 3.15.1 on TensorFlow 2.21.0. Run: `python make_initialisers.py`.

A kernel of shape (height, width, in, out) has fan_in = height * width * in and fan_out = height * width * out, a dense
one of shape (in, out) those two. Keras reads a transposed convolution's kernel, (height, width, out, in), the same way, so
that there its fan_in is height * width * out (Glorot does not mind, He and LeCun do). The scale s is 1 / fan_in (LeCun), 2 / fan_in (He), 2 / (fan_in + fan_out) (Glorot):
- uniform: within +-sqrt(3 s), standard deviation sqrt(s);
- normal: cut off at two standard deviations and drawn from a normal wider by 1 / 0.87962566103423978, so that what
  remains has standard deviation sqrt(s); within +-2 sqrt(s) / 0.8796;
- TruncatedNormal(stddev=0.05) is not widened: its standard deviation is 0.05 * 0.8796, within +-0.1;
- orthogonal: the kernel as a matrix of height * width * in rows and out columns; columns are orthonormal (rows, when
  there are more columns), so the mean square is 1 / the larger of the two. `gram_error` is the largest element of
  |Q^T Q - 1|; no element is above 1 in size.
"""

import json
import pathlib

from common import keras, np

DRAWS = 1_000_000
CUT = 0.87962566103423978  # the standard deviation of a normal cut off at +-2

file = []
for shape in ((784, 32), (3, 3, 32, 64)):
    rows, columns = int(np.prod(shape[:-1])), shape[-1]
    fan_in, fan_out = rows, rows // shape[-2] * columns
    scales = dict(Glorot=2 / (fan_in + fan_out), He=2 / fan_in, Lecun=1 / fan_in)
    table = [
        ("TruncatedNormal", dict(stddev=0.05), 0.05 * CUT, 0.1),
        ("Orthogonal", {}, max(rows, columns) ** -0.5, 1.0),
        *((name + "Uniform", {}, scale**0.5, (3 * scale) ** 0.5) for name, scale in scales.items()),
        *((name + "Normal", {}, scale**0.5, 2 * scale**0.5 / CUT) for name, scale in scales.items()),
    ]
    for kind, options, std, limit in table:
        initialiser = getattr(keras.initializers, kind)(seed=keras.random.SeedGenerator(1), **options)
        draws = np.stack([np.asarray(initialiser(shape)) for _ in range(-(-DRAWS // (rows * columns)))])
        case = dict(name=f"{kind}_{'x'.join(map(str, shape))}", kind=kind, **options,
                    shape=shape, fan_in=fan_in, fan_out=fan_out,
                    theory=dict(mean=0.0, std=std, min=-limit, max=limit),
                    drawn=dict(count=draws.size, mean=draws.mean(), std=draws.std(), min=draws.min(), max=draws.max()))
        if kind == "Orthogonal":
            q = draws[0].reshape(rows, columns)
            q = q if rows >= columns else q.T
            case["gram_error"] = np.abs(q.T @ q - np.eye(q.shape[1])).max()
        assert abs(draws.std() / std - 1) < 0.005 and abs(draws.mean()) < 5 * std / draws.size**0.5, case
        assert abs(draws).max() <= limit, case
        file.append(case)

path = pathlib.Path(__file__).with_name("initialisers.json")
path.write_text(json.dumps(file, indent=1) + "\n")
print(f"{path.name}: {len(file)} cases")
