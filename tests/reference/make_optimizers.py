"""Makes optimizers.safetensors: 100 steps of every optimizer, in float64.

Made with Keras 3.15.1 on TensorFlow 2.21.0, PyTorch 2.15.0. Run: `python make_optimizers.py`.

One problem for all, `problem/initial` (n) and `problem/gradients` (100 x n), independent of the parameters: columns of
size 1, 0.1, 0.01, 1e-4, 1e-8 (where epsilon decides) and 100, one that is constant, one that is mostly 0, one that is
always 0 (only weight decay moves it). A case has one tensor, `parameters` (100 x n): row t after the step with gradient t.

Hyper-parameters are handed to Keras as numpy float64: it casts Python numbers to float32 on the way (beta_2 = 0.999
becomes 0.99900001287, and a step moves by one part in 10^5). Keras's SGD and RMSprop default to no momentum.

Each case is run in PyTorch too, with the same hyper-parameters; `pytorch_difference` is the largest difference of a
parameter over the 100 steps. With l the learning rate, g the gradient, m and v the running means, t from 1:
- SGD, with momentum and Nesterov: the same path. Keras keeps the learning rate inside the velocity (u = momentum * u
  - l * g; p += u), PyTorch outside (u = momentum * u + g; p -= l * u): they part when the rate changes on the way.
- RMSprop: Keras divides by sqrt(v + epsilon), PyTorch by sqrt(v) + epsilon; so too centered (v minus the mean's square).
  Momentum as with SGD. Defaults: rate 0.001, rho 0.9, epsilon 1e-7 against 0.01, 0.99, 1e-8.
- Adam: Keras steps by l * sqrt(1 - beta_2^t) / (1 - beta_1^t) * m / (sqrt(v) + epsilon), PyTorch corrects v before
  epsilon is added, so that Keras's epsilon counts 1 / sqrt(1 - beta_2^t) times: 32 times in the first step. Defaults:
  epsilon 1e-7 against 1e-8, else alike (0.001, 0.9, 0.999).
- AdamW: both first do p -= l * weight_decay * p, then Adam's step. Default decay 0.004 against 0.01. Keras decays every
  parameter, biases too, unless told.
"""

import torch
import torch._dynamo  # the optimizers load it; after TensorFlow that aborts, as both register LLVM's options
from common import File, agree, keras, np, random, tf

rng = random("problem")
GRADIENTS = rng.normal(size=(100, 9)) * [1, 1e-1, 1e-2, 1e-4, 1e-8, 100, 1, 1, 0]
GRADIENTS[:, 6] = 0.5
GRADIENTS[:, 7] *= rng.random(100) < 0.1
INITIAL = rng.normal(size=9)

RMSPROP = dict(learning_rate=0.001, rho=0.9, momentum=0.0, epsilon=1e-7, centered=False)
ADAM = dict(learning_rate=0.001, beta_1=0.9, beta_2=0.999, epsilon=1e-7)
ADAMW = ADAM | dict(weight_decay=0.004)
# name, optimizer, hyper-parameters: each with Keras's default learning rate, and with ten times as much
CASES = [
    ("sgd", "SGD", dict(learning_rate=0.01, momentum=0.0, nesterov=False)),
    ("sgd_momentum", "SGD", dict(learning_rate=0.01, momentum=0.9, nesterov=False)),
    ("sgd_nesterov", "SGD", dict(learning_rate=0.01, momentum=0.9, nesterov=True)),
    ("rmsprop", "RMSprop", RMSPROP),
    ("rmsprop_momentum", "RMSprop", RMSPROP | dict(momentum=0.9)),
    ("rmsprop_centered", "RMSprop", RMSPROP | dict(centered=True)),
    ("rmsprop_centered_momentum", "RMSprop", RMSPROP | dict(centered=True, momentum=0.9)),
    ("rmsprop_rho", "RMSprop", RMSPROP | dict(rho=0.99, epsilon=1e-8)),
    ("adam", "Adam", ADAM),
    ("adam_betas", "Adam", ADAM | dict(beta_1=0.5, beta_2=0.9)),
    ("adam_epsilon", "Adam", ADAM | dict(epsilon=1e-3)),
    ("adamw", "AdamW", ADAMW),
    ("adamw_decay", "AdamW", ADAMW | dict(weight_decay=0.01)),
]


def in_keras(kind, options):
    exact = {k: np.float64(v) if isinstance(v, float) else v for k, v in options.items()}
    optimizer, parameters = getattr(keras.optimizers, kind)(**exact), keras.Variable(INITIAL)
    optimizer.build([parameters])
    path = []
    for gradient in GRADIENTS:
        optimizer.apply([tf.constant(gradient)], [parameters])
        path.append(parameters.numpy().copy())
    return np.stack(path)


def in_torch(kind, options):
    names = dict(learning_rate="lr", rho="alpha", epsilon="eps")
    options = {names.get(k, k): v for k, v in options.items() if not k.startswith("beta")} | (
        dict(betas=(options["beta_1"], options["beta_2"])) if "beta_1" in options else {})
    parameters = torch.tensor(INITIAL, requires_grad=True)
    optimizer, path = getattr(torch.optim, kind)([parameters], **options), []
    for gradient in GRADIENTS:
        parameters.grad = torch.tensor(gradient)
        optimizer.step()
        path.append(parameters.detach().numpy().copy())
    return np.stack(path)


file = File()
file.add_tensors("problem", initial=INITIAL, gradients=GRADIENTS)
for name, kind, options in CASES:
    for name, options in ((name, options), (name + "_fast", options | dict(learning_rate=10 * options["learning_rate"]))):
        path, torch_path = in_keras(kind, options), in_torch(kind, options)
        if kind == "SGD":
            agree(name, path, torch_path, 1e-12)
        file.add(name, kind, options | dict(pytorch_difference=float(np.abs(path - torch_path).max())), parameters=path)
file.save("optimizers")
