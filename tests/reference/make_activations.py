"""Makes activations.safetensors: every activation forward and backward, in float64.

Made with Keras 3.15.1 on TensorFlow 2.21.0, PyTorch 2.15.0. Run: `python make_activations.py`.

Tensors of a case: `input`, `output`, `output_gradient` (random), `input_gradient` of sum(output_gradient * output).
The input holds 0, tiny values, +-30 and +-100. Softmax is over the last axis.

Each case is computed with both frameworks; where the two agree to 1e-12 the file has Keras's. The others:
- Leaky ReLU and exact GELU are PyTorch's, because TensorFlow rounds a constant of theirs to float32 even where the rest
  is float64: the slope (0.3 becomes 0.30000001192) and the square root of 2. The two agree to 1e-7.
- The slope at exactly 0 is Keras's: for SELU the scale, 1.0507, where PyTorch has scale * alpha, 1.7581. They agree on 0
  for ReLU, the negative slope for leaky ReLU, alpha for ELU, 1/2 for GELU and SiLU. SELU's slope is otherwise PyTorch's:
  TensorFlow's is that of 0 wherever exp(x) rounds to 1.
- Softplus is Keras's. PyTorch returns its input above 20, wrong by 2e-9 there; it is compared with another threshold.
"""

from functools import partial

import torch.nn.functional as F
from common import File, agree, gradients, np, random, tf, torch_gradients
from keras import activations as k

SPECIAL = [0.0, -0.0, *(s * v for v in (1e-300, 1e-12, 1e-5, 0.5, 1.0, 3.0, 8.0, 30.0, 100.0) for s in (1, -1))]

# name, kind, options, Keras's, PyTorch's
CASES = [
    ("linear", "linear", {}, k.linear, lambda x: 1 * x),
    ("relu", "relu", {}, k.relu, F.relu),
    *((f"leaky_relu_{a}", "leaky_relu", dict(negative_slope=a), partial(k.leaky_relu, negative_slope=a),
       partial(F.leaky_relu, negative_slope=a)) for a in (0.3, 0.2)),
    ("elu", "elu", dict(alpha=1.0), k.elu, F.elu),
    ("elu_0.5", "elu", dict(alpha=0.5), lambda x: k.elu(x, 0.5), lambda x: F.elu(x, 0.5)),
    ("selu", "selu", {}, k.selu, F.selu),
    ("gelu", "gelu", dict(approximate=False), k.gelu, F.gelu),
    ("silu", "silu", {}, k.silu, F.silu),
    ("sigmoid", "sigmoid", {}, k.sigmoid, F.sigmoid),
    ("tanh", "tanh", {}, k.tanh, F.tanh),
    ("softplus", "softplus", {}, k.softplus, lambda x: F.softplus(x, threshold=50)),
    ("softmax", "softmax", {}, k.softmax, lambda x: F.softmax(x, -1)),
]


file = File()
for name, kind, options, of_keras, of_torch in CASES:
    vectors = np.concatenate([SPECIAL, random(name).normal(size=40)]).reshape(6, 10)
    image = random(name + "_image").permutation(vectors.ravel()).reshape(2, 2, 5, 3)
    for name, x in ((name, vectors), (name + "_image", image)):
        r = random(name + "_r").normal(size=x.shape)
        X = tf.constant(x)
        output, (gradient,) = gradients(lambda: of_keras(X), [X], r)
        torch_output, torch_gradient = torch_gradients(of_torch, x, r)
        tolerance = 1e-7 if kind in ("leaky_relu", "gelu") else 1e-12
        smooth = (abs(x) > 1e-200) | (kind != "selu")
        agree(name, output, torch_output, tolerance)
        agree(name, gradient[smooth], torch_gradient[smooth], tolerance)
        if kind in ("leaky_relu", "gelu"):
            output, gradient = torch_output, torch_gradient
        if kind == "selu":
            gradient = np.where(x == 0, gradient, torch_gradient)
        file.add(name, kind, options, input=x, output=output, output_gradient=r, input_gradient=gradient)
file.save("activations")
