"""Makes losses.safetensors: every loss with its gradient, and the accuracy, in float64.

Made with Keras 3.15.1 on TensorFlow 2.21.0. Run: `python make_losses.py`.

Tensors of a case: `prediction`, `target`, `value` (a scalar, Keras's default reduction `sum_over_batch_size`) and
`gradient` of the value with respect to the prediction. With `from_logits` the prediction holds logits.

The reduction is the mean over all elements, save for CategoricalCrossentropy: the sum over the classes (last axis), then
the mean over samples and pixels.

Probabilities are clipped to [epsilon, 1 - epsilon], epsilon = 1e-7 (in the case's options): a prediction of exactly 0 or
1 costs at most -ln(1e-7) = 16.118, and its gradient is 0 wherever the clipping changed it. CategoricalCrossentropy first
divides them by their sum over the classes, and the gradient passes through that division. Logits are never clipped.
A Keras model that ends in sigmoid or softmax is handed to the loss by its logits even without `from_logits`; here the
predictions are plain tensors, so what is named probabilities is computed from probabilities.

At a difference of exactly 0 the slope of the absolute error is 0; at exactly delta Huber takes its quadratic branch.
"""

from common import File, agree, gradients, keras, np, random, tf

FLAT, IMAGE, ONE = (5, 7), (2, 3, 4, 3), (1, 4)


def real(rng, shape):
    return 2.0 * rng.normal(size=shape)


def coarse(rng, shape):  # differences of exactly 0, 0.5 and 1
    return rng.integers(-3, 4, shape) / 2.0


def probability(rng, shape):
    return rng.random(shape)


def bit(rng, shape):
    return rng.integers(0, 2, shape).astype(float)


def edge(rng, shape):  # 0, 1, and both sides of where the clipping begins
    return rng.choice([0.0, 1.0, 1e-9, 1 - 1e-9, 1e-6, 1 - 1e-6, 0.5], shape)


def huge(rng, shape):
    return rng.choice([-1e4, 1e4, -40.0, 40.0, 0.0, 1.0], shape)


def distribution(rng, shape):
    values = rng.random(shape) + 0.01
    return values / values.sum(-1, keepdims=True)


def one_hot(rng, shape):
    return np.eye(shape[-1])[rng.integers(0, shape[-1], shape[:-1])]


def edge_distribution(rng, shape):  # some classes exactly 0, the first sample certain
    values = distribution(rng, shape) * (rng.random(shape) < 0.6) + np.eye(shape[-1])[0] * 0.1
    values[0] = np.eye(shape[-1])[1]
    return values / values.sum(-1, keepdims=True)


CLIPPED = dict(epsilon=1e-7)
# name, loss, its arguments, shapes, values of the prediction and of the target
CASES = [
    ("mse", "MeanSquaredError", {}, (FLAT, IMAGE, ONE), real, real),
    ("mae", "MeanAbsoluteError", {}, (FLAT, IMAGE, ONE), real, real),
    ("mae_ties", "MeanAbsoluteError", {}, (FLAT,), coarse, coarse),
    ("huber", "Huber", dict(delta=1.0), (FLAT, IMAGE, ONE), real, real),
    ("huber_0.5", "Huber", dict(delta=0.5), (FLAT, IMAGE), real, real),
    ("huber_ties", "Huber", dict(delta=1.0), (FLAT,), coarse, coarse),
    ("huber_0.5_ties", "Huber", dict(delta=0.5), (FLAT,), coarse, coarse),
    ("bce", "BinaryCrossentropy", dict(from_logits=False), (FLAT, IMAGE, ONE), probability, probability),
    ("bce_bits", "BinaryCrossentropy", dict(from_logits=False), (FLAT,), probability, bit),
    ("bce_edges", "BinaryCrossentropy", dict(from_logits=False), (FLAT, IMAGE), edge, bit),
    ("bce_logits", "BinaryCrossentropy", dict(from_logits=True), (FLAT, IMAGE, ONE), real, probability),
    ("bce_logits_huge", "BinaryCrossentropy", dict(from_logits=True), (FLAT, IMAGE), huge, bit),
    ("cce", "CategoricalCrossentropy", dict(from_logits=False), (FLAT, IMAGE, ONE), distribution, one_hot),
    ("cce_soft", "CategoricalCrossentropy", dict(from_logits=False), (FLAT,), distribution, distribution),
    ("cce_unnormalised", "CategoricalCrossentropy", dict(from_logits=False), (FLAT,), probability, one_hot),
    ("cce_edges", "CategoricalCrossentropy", dict(from_logits=False), (FLAT, IMAGE), edge_distribution, one_hot),
    ("cce_logits", "CategoricalCrossentropy", dict(from_logits=True), (FLAT, IMAGE, ONE), real, one_hot),
    ("cce_logits_soft", "CategoricalCrossentropy", dict(from_logits=True), (FLAT,), real, distribution),
    ("cce_logits_huge", "CategoricalCrossentropy", dict(from_logits=True), (FLAT, IMAGE), huge, one_hot),
]
SUFFIX = {FLAT: "", IMAGE: "_image", ONE: "_one_sample"}

file = File()
for name, kind, arguments, shapes, predictions, targets in CASES:
    for shape in shapes:
        rng = random(name + SUFFIX[shape])
        prediction, target = tf.constant(predictions(rng, shape)), targets(rng, shape)
        loss = getattr(keras.losses, kind)(**arguments)
        value, (gradient,) = gradients(lambda: loss(target, prediction), [prediction])
        options = arguments if arguments.get("from_logits", True) else arguments | CLIPPED
        file.add(name + SUFFIX[shape], kind, options,
                 prediction=prediction.numpy(), target=target, value=value, gradient=gradient)

# The share of samples whose largest prediction is at the target's class; of equals the first counts.
rng = random("accuracy")
prediction, target = distribution(rng, (20, 4)), one_hot(rng, (20, 4))
prediction[:3] = [[0.4, 0.4, 0.1, 0.1], [0.1, 0.4, 0.4, 0.1], [0.25, 0.25, 0.25, 0.25]]
target[:3] = np.eye(4)[[0, 2, 0]]
metric = keras.metrics.CategoricalAccuracy(dtype="float64")
metric.update_state(target, prediction)
value = metric.result().numpy()
agree("accuracy", value, np.mean(prediction.argmax(1) == target.argmax(1)), 0)
file.add("accuracy", "CategoricalAccuracy", {}, prediction=prediction, target=target, value=value)
file.save("losses")
