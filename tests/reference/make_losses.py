"""Makes losses.safetensors: every loss with its gradient, and the accuracies, in float64.

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

An accuracy has `prediction`, `target` and `value`. With one channel a prediction is of class 1 above 1/2, not at 1/2. Keras
does not round the target: with one that is neither 0 nor 1 no prediction is right. The targets here are 0 and 1.

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


def accuracy(name, metric, prediction, target, classes):
    """Adds Keras's figure, if it is the share of predictions (pixels, for images) whose class is the target's."""
    metric = metric(dtype="float64")
    metric.update_state(target, prediction)
    value = metric.result().numpy()
    agree(name, value, np.mean(classes(prediction) == classes(target)), 1e-15)
    file.add(name, type(metric).__name__, {}, prediction=prediction, target=target, value=value)


def largest(values):  # of equals the first
    return values.argmax(-1)


def above_half(values):
    return values > 0.5


def halves(rng, shape):  # 1/2 itself and its neighbours among probabilities
    return rng.choice([0.5, np.nextafter(0.5, 0), np.nextafter(0.5, 1), 0.0, 1.0, rng.random()], shape)


def with_ties(rng, shape):
    values = distribution(rng, shape)
    values.reshape(-1, 4)[:3] = [[0.4, 0.4, 0.1, 0.1], [0.1, 0.4, 0.4, 0.1], [0.25, 0.25, 0.25, 0.25]]
    return values


BINARY = keras.metrics.BinaryAccuracy
for shape, suffix in (((200, 1), ""), ((3, 4, 5, 1), "_image"), ((1, 1), "_one_sample")):
    for name, predictions in (("accuracy_binary", probability), ("accuracy_binary_halves", halves)):
        rng = random(name + suffix)
        accuracy(name + suffix, BINARY, predictions(rng, shape), bit(rng, shape), above_half)
CATEGORICAL = keras.metrics.CategoricalAccuracy
rng = random("accuracy_image")
accuracy("accuracy_image", CATEGORICAL, with_ties(rng, (3, 4, 5, 4)), one_hot(rng, (3, 4, 5, 4)), largest)
rng = random("accuracy")
prediction, target = with_ties(rng, (20, 4)), one_hot(rng, (20, 4))
target[:3] = np.eye(4)[[0, 2, 0]]
accuracy("accuracy", CATEGORICAL, prediction, target, largest)
file.save("losses")
