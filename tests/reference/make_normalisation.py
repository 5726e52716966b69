"""Makes normalisation.safetensors: batch normalisation in both modes, and L1/L2 penalties, in float64.

Made with Keras 3.15.1 on TensorFlow 2.21.0. Run: `python make_normalisation.py`.

Tensors of a `BatchNormalization`: `input`, `gamma`, `beta`, `running_mean` and `running_variance` before the step, `output` in training,
`output_gradient` (random), `input_gradient`, `gamma_gradient` and `beta_gradient` of sum(output_gradient * output),
`new_running_mean` and `new_running_variance` after the step, and `inference`: the output in inference after it. The channels are the last dimension.

A case of kind `L1L2` is a dense layer as in layers.safetensors with a penalty on its weight: `penalty` is its value, and the
gradients are those of sum(output_gradient * output) + penalty. Keras keeps the factors as float32: these are such that nothing is lost.
"""

from common import File, agree, gradients, keras, np, random, tf

# name, input shape, the layer's arguments, the input's mean and deviation
CASES = [
    ("flat", (6, 5), dict(), 0.0, 1.0),
    ("flat_far_from_zero", (8, 3), dict(), 100.0, 2.0),
    ("flat_one_sample", (1, 4), dict(), 0.0, 1.0),
    ("flat_wide", (40, 33), dict(momentum=0.9), 1.0, 3.0),
    ("image", (3, 4, 5, 2), dict(), 0.0, 1.0),
    ("image_one_channel", (2, 3, 3, 1), dict(epsilon=1e-5), -2.0, 0.5),
    ("image_channels", (20, 3, 2, 7), dict(momentum=0.5, epsilon=0.1), 0.0, 1.0),
    ("constant", (5, 3), dict(), 2.0, 0.0),
]

file = File()
for name, shape, arguments, mean, deviation in CASES:
    rng = random("batch_norm_" + name)
    channels = shape[-1:]
    layer = keras.layers.BatchNormalization(**arguments)
    layer.build(shape)
    before = [rng.normal(size=channels), rng.normal(size=channels), rng.normal(size=channels), rng.random(channels) + 0.5]
    layer.set_weights(before)
    x = tf.constant(mean + deviation * rng.normal(size=shape))
    r = rng.normal(size=shape)
    variables = [x, layer.gamma.value, layer.beta.value]
    output, (by_input, by_gamma, by_beta) = gradients(lambda: layer(x, training=True), variables, r)
    after = layer.get_weights()
    options = {key: value for key, value in layer.get_config().items() if key in ("momentum", "epsilon")}
    file.add("batch_norm_" + name, "BatchNormalization", options, input=x.numpy(),
             gamma=before[0], beta=before[1], running_mean=before[2], running_variance=before[3],
             output=output, output_gradient=r, input_gradient=by_input, gamma_gradient=by_gamma, beta_gradient=by_beta,
             new_running_mean=after[2], new_running_variance=after[3], inference=layer(x, training=False).numpy())

for name, l1, l2 in (("l1", 0.03125, 0.0), ("l2", 0.0, 0.25), ("l1_l2", 0.3125, 0.015625)):
    rng = random("penalty_" + name)
    layer = keras.layers.Dense(4, kernel_regularizer=keras.regularizers.L1L2(l1, l2))
    layer.build((3, 6))
    weight, bias, x, r = (rng.normal(size=s) for s in ((6, 4), (4,), (3, 6), (3, 4)))
    weight[2, 1] = 0.0  # where |w| has no derivative
    layer.set_weights([weight, bias])
    x = tf.constant(x)
    with tf.GradientTape() as tape:
        tape.watch(x)
        output = layer(x)
        total = tf.reduce_sum(output * r) + layer.losses[0]
    by_input, by_weight, by_bias = tape.gradient(total, [x, layer.kernel.value, layer.bias.value])
    agree(name, layer.losses[0].numpy(), l1 * np.abs(weight).sum() + l2 * (weight**2).sum(), 1e-15)
    file.add("penalty_" + name, "L1L2", dict(l1=l1, l2=l2), input=x.numpy(), weight=weight, bias=bias,
             output=output.numpy(), output_gradient=r, penalty=layer.losses[0].numpy(), input_gradient=by_input.numpy(),
             weight_gradient=by_weight.numpy(), bias_gradient=by_bias.numpy())
file.save("normalisation")
