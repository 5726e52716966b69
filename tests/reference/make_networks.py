"""Makes networks.safetensors: networks of several layers forward and backward, in float64: tied weights, changes of shape.

Made with Keras 3.15.1 on TensorFlow 2.21.0. Run: `python make_networks.py`.

A case's option `layers` lists its layers, each as in layers.safetensors. `tied_to` is the place of an earlier layer whose
weight it takes: a dense layer the transposed one, a transposed convolution the kernel as it is, which Keras reads as
(height, width, out, in) there. Tensors: `input`, `output`, `output_gradient` (random), `input_gradient`, and for every
parameter that is a layer's own, as `layers.0.weight` and `layers.0.bias`, itself and `layers.0.weight_gradient`: where
layers share a weight, the sum of what each adds.
"""

from common import File, gradients, keras, np, random, tf

OPTIONS = "units filters kernel_size strides padding dilation_rate size interpolation target_shape activation use_bias".split()


def dense(units, activation="linear", **options):
    return "Dense", dict(units=units, activation=activation) | options


def conv(filters, kernel_size, **options):
    return "Conv2D", dict(filters=filters, kernel_size=kernel_size, padding="same") | options


def back(filters, kernel_size, **options):
    return "Conv2DTranspose", dict(filters=filters, kernel_size=kernel_size, padding="same") | options


def there_and_back(channels, filters, kernel_size, **options):
    return [conv(filters, kernel_size, activation="tanh", **options), back(channels, kernel_size, tied_to=0, **options)]


FLATTEN = ("Flatten", {})


def reshape(*shape):
    return "Reshape", dict(target_shape=shape)


# name, input shape, layers
CASES = [
    ("tied", (4, 5), [dense(3, "tanh"), dense(5, "sigmoid", tied_to=0)]),
    ("tied_one_sample", (1, 6), [dense(4, "tanh"), dense(6, tied_to=0)]),
    ("tied_one_of_each", (1, 1), [dense(1), dense(1, tied_to=0)]),
    ("tied_linear", (3, 7), [dense(2, use_bias=False), dense(7, use_bias=False, tied_to=0)]),
    ("tied_overcomplete", (3, 4), [dense(9, "relu"), dense(4, tied_to=0)]),
    ("tied_wide", (9, 65), [dense(33, "silu"), dense(65, "sigmoid", tied_to=0)]),
    ("tied_softmax", (3, 6), [dense(4, "softmax"), dense(6, "softmax", tied_to=0)]),
    ("tied_twice", (5, 4), [dense(4, "tanh"), dense(4, "tanh", tied_to=0), dense(4, tied_to=0)]),
    ("tied_deep", (5, 8), [dense(6, "tanh"), dense(3), dense(6, "tanh", tied_to=1), dense(8, tied_to=0)]),
    ("tied_image", (2, 3, 4, 2), [dense(5, "tanh"), dense(24, tied_to=0), reshape(3, 4, 2)]),

    *((f"tied_conv_{p}_{k}x{k}_stride_{s}", (2, 6, 8, 2), there_and_back(2, 3, k, strides=s, padding=p))
      for p in ("same", "valid") for k in (2, 3, 4) for s in (1, 2)),
    ("tied_conv_same_7x5_stride_2", (2, 7, 5, 2), there_and_back(2, 3, 3, strides=2)),  # comes back as 8 x 6
    ("tied_conv_valid_7x5_stride_3", (2, 7, 5, 2), there_and_back(2, 3, 2, strides=3, padding="valid")),
    ("tied_conv_kernel_2x5_stride_3x1", (2, 6, 7, 2), there_and_back(2, 4, (2, 5), strides=(3, 1))),
    ("tied_conv_1x1", (2, 4, 3, 5), there_and_back(5, 2, 1)),
    ("tied_conv_one_of_each", (1, 5, 5, 1), there_and_back(1, 1, 3)),
    ("tied_conv_one_pixel", (1, 1, 1, 2), there_and_back(2, 3, 3, strides=2)),
    ("tied_conv_no_bias", (2, 4, 6, 2), there_and_back(2, 3, 3, strides=2, use_bias=False)),
    ("tied_conv_channels", (1, 8, 10, 16), there_and_back(16, 20, 3, strides=2)),
    ("tied_conv_deep", (2, 8, 8, 1), [
        conv(3, 3, strides=2, activation="tanh"), conv(4, 3, strides=2), dense(5, "tanh"), dense(16, tied_to=2),
        reshape(2, 2, 4), back(3, 3, strides=2, activation="tanh", tied_to=1), back(1, 3, strides=2, tied_to=0)]),
    ("tied_conv_enlarged", (2, 3, 4, 2), [("UpSampling2D", dict(size=2)), conv(3, 3, activation="tanh"), back(2, 3, tied_to=1)]),

    ("flatten_between", (2, 3, 4, 2), [conv(3, 3, activation="tanh"), FLATTEN, dense(5)]),
    ("reshape_between", (3, 5), [dense(24, "tanh"), reshape(3, 4, 2), conv(2, 2)]),
    ("reshape_image_between", (2, 4, 3, 2), [conv(4, 3, activation="tanh"), reshape(2, 8, 3), conv(2, 3, strides=2)]),
    ("reshape_and_flatten", (2, 4, 3, 2), [reshape(3, 2, 4), conv(2, 2), FLATTEN, reshape(2, 2, 3), conv(3, 2)]),
]


def flat(kind, shape):
    return (shape[0], int(np.prod(shape[1:]))) if kind == "Dense" else shape


class Network:
    """The layers with one set of numbers."""

    def __init__(self, rng, shape, layers):
        self.layers, self.parameters = [], {}
        for place, (kind, arguments) in enumerate(layers):
            arguments = dict(arguments)
            tied_to = arguments.pop("tied_to", None)
            layer = getattr(keras.layers, kind)(**arguments)
            layer.build(flat(kind, shape))
            shape = layer.compute_output_shape(flat(kind, shape))
            names = [f"layers.{place}.{name}" for name in ("weight", "bias")][:len(layer.weights)]
            for name, variable in zip(names, layer.weights):
                self.parameters[name] = tf.constant(0.5 * rng.normal(size=variable.shape))
            if tied_to is not None:
                del self.parameters[names[0]]
                names[0] = f"layers.{tied_to}.weight"
            self.layers.append((kind, layer, names, tied_to))
        self.output_shape = shape

    def output(self, x):
        for kind, layer, names, tied_to in self.layers:
            values = [self.parameters[name] for name in names]
            if kind == "Dense" and tied_to is not None:
                values[0] = tf.transpose(values[0])
            x, _ = layer.stateless_call(values, [], tf.reshape(x, flat(kind, x.shape)))
        return x

    def options(self):
        for kind, layer, _, tied_to in self.layers:
            tie = {} if tied_to is None else dict(tied_to=f"layers.{tied_to}")
            yield dict(kind=kind) | {key: value for key, value in layer.get_config().items() if key in OPTIONS} | tie


file = File()
for name, shape, layers in CASES:
    rng = random(name)
    network = Network(rng, shape, layers)
    x, r = tf.constant(rng.normal(size=shape)), rng.normal(size=network.output_shape)
    variables = [x, *network.parameters.values()]
    output, (by_input, *by_parameter) = gradients(lambda: network.output(x), variables, r)
    parameters = {name: value.numpy() for name, value in network.parameters.items()}
    parameter_gradients = {f"{name}_gradient": value for name, value in zip(parameters, by_parameter)}
    file.add(name, "Sequential", dict(layers=list(network.options())), input=x.numpy(), output=output, output_gradient=r,
             input_gradient=by_input, **parameters, **parameter_gradients)
file.save("networks")
