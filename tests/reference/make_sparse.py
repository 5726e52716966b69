"""Makes sparse.safetensors: what makes codes sparse, forward and backward, in float64.

Made with Keras 3.15.1 on TensorFlow 2.21.0, PyTorch 2.15.0. Run: `python make_sparse.py`.

Tensors of a case: `input`, `output` in training, `output_gradient` (random), `input_gradient` of
sum(output_gradient * output) + penalty; of a layer with a penalty that `penalty`, a scalar; `inference`: the output in inference.

- `ActivityRegularization` is Keras's: l1 * sum |x|, summed over a sample's units and divided by the number of samples. The
  slope of |x| is 0 at 0. Keras keeps the factors as float32: these are such that nothing is lost.
- `TopK` is PyTorch's: the input times a mask that is 1 at the k largest values of a sample, over all its pixels and
  channels; autograd does the rest. `torch.topk` does not say which of equals it takes: here the first, by a stable sort,
  whose values are compared with `torch.topk`'s. In inference inference_factor * k values are kept, a half rounded up.
- `TargetRate` is PyTorch's: weight * sum over units of KL(Bernoulli(rate) | Bernoulli(r)), r being the unit's mean over
  samples, and over pixels where there are any (Ng's sparse autoencoder). Beyond 1e-4 and 1 - 1e-4 the divergence goes on
  as its tangent there.
"""

import torch
from common import File, keras, np, random, tf
from torch.distributions import Bernoulli, kl_divergence

EDGE = 1e-4


def normal(rng, shape):
    return rng.normal(size=shape)


def ties(rng, shape):
    return rng.integers(-1, 2, shape).astype(float)


def zeros(rng, shape):
    return np.zeros(shape)


def negative(rng, shape):
    return -1.0 - rng.random(shape)


def rectified(rng, shape):  # half of it 0
    return np.maximum(rng.normal(size=shape), 0.0)


def one_active(rng, shape):
    return np.eye(1, np.prod(shape), 4).reshape(shape)


def sizes(rng, shape):  # zeros of both signs among values of every size
    return rng.choice([0.0, -0.0, 1e-300, -1e-300, 1e-12, -1.0, 1e6], shape)


def rate(rng, shape):
    return rng.random(shape)


def rare(rng, shape):
    return 0.02 * rng.random(shape)


def at_target(rng, shape):  # the first unit's mean is exactly 1/4
    values = rng.random(shape)
    values[..., 0] = np.arange(shape[0]) % 2 / 2
    return values


def on_or_off(rng, shape):  # units that are never active, always, and sometimes
    values = rng.random(shape)
    values[..., 0], values[..., 1] = 0.0, 1.0
    return values


def outside(rng, shape):  # as from a linear layer: means below 0, above 1 and so near to both that the tangent counts
    return np.linspace(-0.5, 1.5, shape[-1]) + np.array([1.0, -1.0] * (shape[0] // 2))[:, None] * rng.random(shape[-1])


def near_the_edges(rng, shape):
    means = np.array([EDGE / 2, 0.99 * EDGE, 1.01 * EDGE, 1 - 1.01 * EDGE, 1 - 0.99 * EDGE, 1 - EDGE / 2])
    return np.broadcast_to(means, shape).copy()


L1 = dict(l1=0.3125)
SAME = dict(inference_factor=1.0)
NG = dict(rate=0.0625, weight=3.0)
# name, layer, input shape, its options, values of the input
CASES = [
    ("l1", "ActivityRegularization", (4, 5), L1, normal),
    ("l1_one_sample", "ActivityRegularization", (1, 7), L1, normal),
    ("l1_one_of_each", "ActivityRegularization", (1, 1), L1, normal),
    ("l1_image", "ActivityRegularization", (3, 4, 5, 2), L1, normal),
    ("l1_wide", "ActivityRegularization", (37, 65), L1, rectified),
    ("l1_zeros", "ActivityRegularization", (4, 5), L1, zeros),
    ("l1_sizes", "ActivityRegularization", (6, 7), L1, sizes),
    ("l1_weight_0", "ActivityRegularization", (3, 4), dict(l1=0.0), normal),

    ("top", "TopK", (4, 10), dict(k=3) | SAME, normal),
    ("top_one", "TopK", (5, 6), dict(k=1) | SAME, normal),
    ("top_one_sample", "TopK", (1, 9), dict(k=4) | SAME, normal),
    ("top_one_of_each", "TopK", (1, 1), dict(k=1) | SAME, normal),
    ("top_all", "TopK", (3, 7), dict(k=7) | SAME, normal),
    ("top_all_but_one", "TopK", (3, 7), dict(k=6) | SAME, normal),
    ("top_wide", "TopK", (5, 203), dict(k=17) | SAME, normal),
    ("top_image", "TopK", (3, 4, 5, 2), dict(k=11) | SAME, normal),
    ("top_ties", "TopK", (8, 12), dict(k=5) | SAME, ties),
    ("top_ties_image", "TopK", (2, 5, 4, 3), dict(k=20, inference_factor=1.5), ties),
    ("top_sizes", "TopK", (8, 9), dict(k=4) | SAME, sizes),
    ("top_zeros", "TopK", (2, 6), dict(k=2, inference_factor=2.0), zeros),
    ("top_negative", "TopK", (4, 8), dict(k=3) | SAME, negative),
    ("top_one_active", "TopK", (1, 9), dict(k=3) | SAME, one_active),
    ("top_factor_2", "TopK", (4, 10), dict(k=3, inference_factor=2.0), normal),
    ("top_factor_rounds_up", "TopK", (4, 10), dict(k=3, inference_factor=1.5), normal),
    ("top_factor_rounds_down", "TopK", (4, 10), dict(k=3, inference_factor=1.125), normal),
    ("top_factor_to_all", "TopK", (4, 10), dict(k=4, inference_factor=2.5), normal),

    ("rate", "TargetRate", (6, 5), NG, rate),
    ("rate_half", "TargetRate", (6, 5), dict(rate=0.5, weight=1.0), rate),
    ("rate_rare", "TargetRate", (7, 5), dict(rate=0.01, weight=0.1), rare),
    ("rate_one_sample", "TargetRate", (1, 4), NG, rate),
    ("rate_one_of_each", "TargetRate", (1, 1), NG, rate),
    ("rate_image", "TargetRate", (3, 4, 5, 2), NG, rate),
    ("rate_image_one_pixel", "TargetRate", (2, 1, 1, 3), NG, rate),
    ("rate_wide", "TargetRate", (40, 65), NG, rate),
    ("rate_weight_0", "TargetRate", (3, 4), dict(rate=0.25, weight=0.0), rate),
    ("rate_at_target", "TargetRate", (6, 3), dict(rate=0.25, weight=2.0), at_target),
    ("rate_zeros", "TargetRate", (4, 5), NG, zeros),
    ("rate_on_or_off", "TargetRate", (5, 4), NG, on_or_off),
    ("rate_on_or_off_image", "TargetRate", (2, 3, 2, 3), NG, on_or_off),
    ("rate_outside", "TargetRate", (4, 9), NG, outside),
    ("rate_near_the_edges", "TargetRate", (3, 6), NG, near_the_edges),
]


def activity_penalty(x, r, options):
    layer, x = keras.layers.ActivityRegularization(**options), tf.constant(x)
    with tf.GradientTape() as tape:
        tape.watch(x)
        output = layer(x, training=True)
        total = tf.reduce_sum(output * r) + layer.losses[0]
    return dict(output=output.numpy(), penalty=np.float64(layer.losses[0]), input_gradient=tape.gradient(total, x).numpy(),
                inference=layer(x).numpy())


def mask(x, k):
    """1 at the k largest values of each sample, the first of equals."""
    flat = x.detach().flatten(1)
    values, places = (sorted[:, :k] for sorted in flat.sort(descending=True, stable=True))
    assert torch.equal(values, flat.topk(k).values)
    return torch.zeros_like(flat).scatter(1, places, 1.0).view_as(x)


def top(x, r, options):
    x = torch.tensor(x, requires_grad=True)
    output = x * mask(x, options["k"])
    (output * torch.tensor(r)).sum().backward()
    in_inference = x * mask(x, int(options["inference_factor"] * options["k"] + 0.5))
    return dict(output=output.detach().numpy(), input_gradient=x.grad.numpy(), inference=in_inference.detach().numpy())


def divergence(target, active):
    """KL of two Bernoulli variables, by its tangent at the nearest point within the edges: inside, where that is the point
    itself, the value and the slope are the divergence's own."""
    inside = active.detach().clamp(EDGE, 1 - EDGE).requires_grad_()
    value = kl_divergence(Bernoulli(torch.tensor(target, dtype=torch.float64)), Bernoulli(inside))
    (slope,) = torch.autograd.grad(value.sum(), inside)
    return value.detach() + slope * (active - inside.detach())


def target_rate(x, r, options):
    x = torch.tensor(x, requires_grad=True)
    penalty = options["weight"] * divergence(options["rate"], x.flatten(0, -2).mean(0)).sum()
    (penalty + (x * torch.tensor(r)).sum()).backward()
    output = x.detach().numpy()
    return dict(output=output, penalty=penalty.detach().numpy(), input_gradient=x.grad.numpy(), inference=output)


LAYERS = dict(ActivityRegularization=activity_penalty, TopK=top, TargetRate=target_rate)

file = File()
for name, kind, shape, options, values in CASES:
    rng = random(name)
    x, r = values(rng, shape), rng.normal(size=shape)
    file.add(name, kind, options, input=x, output_gradient=r, **LAYERS[kind](x, r, options))
file.save("sparse")
