"""Makes graphs.safetensors: networks whose layers join earlier values, in float64: passes, and the first steps of training.

Made with Keras 3.15.1 on TensorFlow 2.21.0. Run: `python make_graphs.py`.

A case's option `layers` lists its layers, each as in layers.safetensors; `with` names what a layer joins beside the layer
before it, as `layers.0`, or `input`. Tensors of a case of the kind `Sequential` are those of networks.safetensors. A case of
the kind `Training` has `input` (the samples, in their order), its first parameters, and `losses`: the loss of each step of
three epochs with Adam (a learning rate of 0.003, batches of `batch_size`), the binary cross-entropy of the samples
reconstructed. The batch normalisation's parameters are `gamma` and `beta`; its running statistics are not compared.
"""

from common import File, gradients, keras, np, random, tf

OPTIONS = ("units filters kernel_size strides padding dilation_rate size pool_size interpolation activation use_bias axis momentum "
           "epsilon").split()


def dense(units, activation="tanh"):
    return "Dense", dict(units=units, activation=activation), []


def conv(filters, kernel_size=3, activation="linear", **options):
    return "Conv2D", dict(filters=filters, kernel_size=kernel_size, padding="same", activation=activation) | options, []


def join(kind, *others, **options):
    return kind, options, list(others)


POOL = "MaxPooling2D", dict(pool_size=2), []
UP = "UpSampling2D", dict(size=2), []
NORM = "BatchNormalization", {}, []


def activation(name):
    return "Activation", dict(activation=name), []


def residual(first, filters, between=(NORM,)):
    """Two convolutions with a skip connection, as layers from `first` on."""
    return [conv(filters, activation="relu"), *between, conv(filters), join("Add", f"layers.{first - 1}"), activation("relu")]


# name, input shape, layers
CASES = [
    ("sum", (4, 5), [dense(5), join("Add", "input"), dense(3)]),
    ("sum_of_four", (3, 4), [dense(4), dense(4), dense(4), join("Add", "layers.0", "layers.1", "input")]),
    ("sum_with_itself", (3, 4), [dense(4), join("Add", "layers.0"), dense(2)]),
    ("product", (4, 5), [dense(5, "sigmoid"), join("Multiply", "input")]),
    ("product_of_three", (4, 5), [dense(5), dense(5, "sigmoid"), join("Multiply", "input", "layers.0"), dense(2)]),
    ("square", (4, 5), [dense(3), join("Multiply", "layers.0")]),
    ("concatenation", (4, 5), [dense(3), join("Concatenate", "input"), dense(2), join("Concatenate", "layers.0", "layers.1")]),
    *((f"concatenation_axis_{axis}", (2, 4, 3, 2), [conv(2, activation="tanh"), join("Concatenate", "input", axis=axis), conv(1)])
      for axis in (1, 2, 3)),
    ("residual", (3, 5, 4, 2), [conv(3), *residual(1, 3, ()), *residual(5, 3, ()), conv(2, activation="sigmoid")]),
    ("u_net", (3, 6, 8, 1), [conv(3, activation="relu"), POOL, conv(4, activation="tanh"), UP, join("Concatenate", "layers.0"),
                             conv(1, activation="sigmoid")]),
    ("up_sampling_read_twice", (2, 3, 2, 2), [UP, conv(2, activation="tanh"), join("Add", "layers.0")]),
]

TRAININGS = [
    ("residual_training", [conv(4, strides=2, activation="relu"), *residual(1, 4), *residual(6, 4), UP,
                           conv(1, activation="sigmoid")]),
    ("u_net_training", [conv(4, activation="relu"), POOL, conv(8, activation="relu"), POOL, conv(8, activation="relu"), UP,
                        join("Concatenate", "layers.2"), conv(8, activation="relu"), UP, join("Concatenate", "layers.0"),
                        conv(4, activation="relu"), conv(1, activation="sigmoid")]),
]
# As float64: Keras casts Python numbers to float32 on the way.
ADAM = {name: np.float64(value) for name, value in dict(learning_rate=0.003, beta_1=0.9, beta_2=0.999, epsilon=1e-7).items()}
SAMPLES, SIDE, BATCH_SIZE, EPOCHS = 128, 8, 16, 3


def model_of(shape, layers):
    values = {"input": keras.Input(shape)}
    x, made = values["input"], []
    for place, (kind, arguments, others) in enumerate(layers):
        layer = getattr(keras.layers, kind)(**arguments)
        x = layer([x, *(values[other] for other in others)] if others else x)
        values[f"layers.{place}"] = x
        made.append(layer)
    return keras.Model(values["input"], x), made


def parameters_of(made):
    names = {"kernel": "weight", "bias": "bias", "gamma": "gamma", "beta": "beta"}
    return {f"layers.{place}.{names[variable.name]}": variable for place, layer in enumerate(made)
            for variable in layer.trainable_variables}


def options_of(layers, made):
    for (kind, arguments, others), layer in zip(layers, made):
        options = {key: value for key, value in layer.get_config().items() if key in OPTIONS}
        if kind == "Activation":
            kind, options = options["activation"], {}
        if kind == "Concatenate":
            options["axis"] = arguments["axis"] - 1 if "axis" in arguments else None  # the first is that of the samples
        yield dict(kind=kind) | options | ({"with": others} if others else {})


def images(rng):
    """Bars of random place, width and brightness."""
    images = np.zeros((SAMPLES, SIDE, SIDE, 1))
    for image in images:
        row, column = rng.integers(SIDE - 1, size=2)
        height, width = rng.integers(1, 6, size=2)
        image[row:row + height, column:column + width] = rng.integers(1, 17) / 16
    return images


file = File()
for name, shape, layers in CASES:
    rng = random(name)
    model, made = model_of(shape[1:], layers)
    parameters = parameters_of(made)
    for variable in parameters.values():
        variable.assign(0.5 * rng.normal(size=variable.shape))
    x = tf.constant(rng.normal(size=shape))
    r = rng.normal(size=(shape[0], *model.output_shape[1:]))
    variables = [x, *(variable.value for variable in parameters.values())]
    output, (by_input, *by_parameter) = gradients(lambda: model(x, training=True), variables, r)
    values = {parameter: variable.numpy() for parameter, variable in parameters.items()}
    parameter_gradients = {f"{parameter}_gradient": value for parameter, value in zip(values, by_parameter)}
    file.add(name, "Sequential", dict(layers=list(options_of(layers, made))), input=x.numpy(), output=output,
             output_gradient=r, input_gradient=by_input, **values, **parameter_gradients)

for name, layers in TRAININGS:
    rng = random(name)
    keras.utils.set_random_seed(int(rng.integers(1 << 31)))
    model, made = model_of((SIDE, SIDE, 1), layers)
    initial = {parameter: variable.numpy() for parameter, variable in parameters_of(made).items()}
    data, losses = images(rng), []
    model.compile(keras.optimizers.Adam(**ADAM), keras.losses.BinaryCrossentropy())
    for _ in range(EPOCHS):
        for first in range(0, SAMPLES, BATCH_SIZE):
            batch = data[first:first + BATCH_SIZE]
            model.reset_metrics()
            losses.append(float(model.train_on_batch(batch, batch)))
    file.add(name, "Training", dict(layers=list(options_of(layers, made)), batch_size=BATCH_SIZE), input=data,
             losses=np.array(losses), **initial)
file.save("graphs")
