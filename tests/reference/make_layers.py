"""Makes layers.safetensors: every layer forward and backward, in float64.

Made with Keras 3.15.1 on TensorFlow 2.21.0, PyTorch 2.15.0. Run: `python make_layers.py`.

Tensors of a case: `input`, `weight` and `bias` where it has them, `output`, `output_gradient` (random), and
`input_gradient`, `weight_gradient`, `bias_gradient` of sum(output_gradient * output). Images are (samples, height,
width, channels), kernels (height, width, in, out), of a transposed convolution (height, width, out, in), of a dense
layer (in, out). An image before `Dense` is flattened row-major: ((row * width) + column) * channels + channel; so are the
images of `Flatten` and `Reshape`, which keep the numbers in that order.

Bilinear up-sampling is PyTorch's (`align_corners=False`): TensorFlow computes it in float32. The two agree to that.
"""

import torch
from common import File, agree, gradients, keras, np, random, tf, torch_gradients

OPTIONS = (
    "units filters kernel_size pool_size strides padding dilation_rate size interpolation cropping target_shape activation "
    "use_bias"
).split()


def normal(rng, shape):
    return rng.normal(size=shape)


def ties(rng, shape):  # a max pool sends the gradient to the first of equals
    return rng.integers(0, 3, shape).astype(float)


def equal(rng, shape):
    return np.ones(shape)


def negative(rng, shape):  # padding must never win a max pool
    return -1.0 - rng.random(shape)


# name, layer, input shape, the layer's arguments, values of the input (normal unless told)
CASES = [
    ("dense", "Dense", (4, 5), dict(units=3)),
    ("dense_one_sample", "Dense", (1, 6), dict(units=4)),
    ("dense_one_feature", "Dense", (3, 1), dict(units=1)),
    ("dense_no_bias", "Dense", (3, 7), dict(units=5, use_bias=False)),
    ("dense_odd", "Dense", (5, 17), dict(units=33)),
    ("dense_wide", "Dense", (9, 64), dict(units=48)),
    ("dense_image", "Dense", (2, 3, 4, 2), dict(units=5)),
    ("dense_image_relu", "Dense", (1, 5, 3, 1), dict(units=2, activation="relu")),
    *((f"dense_{a}", "Dense", (4, 5), dict(units=6, activation=a)) for a in
      ("relu", "elu", "selu", "silu", "sigmoid", "tanh", "softplus", "softmax")),

    ("conv_same", "Conv2D", (2, 6, 6, 3), dict(filters=4, kernel_size=3, padding="same")),
    ("conv_valid", "Conv2D", (2, 6, 6, 3), dict(filters=4, kernel_size=3)),
    *((f"conv_{p}_7x5_stride_{s}", "Conv2D", (2, 7, 5, 2), dict(filters=3, kernel_size=3, strides=s, padding=p))
      for p in ("same", "valid") for s in (1, 2, 3)),
    *((f"conv_{p}_{k}x{k}_stride_{s}", "Conv2D", (2, 7, 5, 2), dict(filters=2, kernel_size=k, strides=s, padding=p))
      for p in ("same", "valid") for k in (2, 4) for s in (1, 2)),
    *((f"conv_{p}_stride_over_kernel", "Conv2D", (2, 7, 8, 2), dict(filters=2, kernel_size=2, strides=3, padding=p))
      for p in ("same", "valid")),
    ("conv_1x1", "Conv2D", (2, 4, 3, 5), dict(filters=2, kernel_size=1, padding="same")),
    ("conv_1x1_stride_2", "Conv2D", (2, 5, 4, 3), dict(filters=2, kernel_size=1, strides=2, padding="same")),
    *((f"conv_{p}_dilation_2", "Conv2D", (2, 7, 8, 2), dict(filters=3, kernel_size=3, dilation_rate=2, padding=p))
      for p in ("same", "valid")),
    ("conv_same_2x2_dilation_2", "Conv2D", (2, 5, 6, 2), dict(filters=2, kernel_size=2, dilation_rate=2, padding="same")),
    ("conv_same_dilation_1x3", "Conv2D", (2, 5, 9, 2), dict(filters=2, kernel_size=3, dilation_rate=(1, 3), padding="same")),
    *((f"conv_{p}_kernel_2x5_stride_3x1", "Conv2D", (2, 7, 6, 2),
       dict(filters=2, kernel_size=(2, 5), strides=(3, 1), padding=p)) for p in ("same", "valid")),
    ("conv_same_kernel_1x4_stride_1x2", "Conv2D", (2, 3, 9, 2),
     dict(filters=2, kernel_size=(1, 4), strides=(1, 2), padding="same")),
    ("conv_kernel_over_input", "Conv2D", (2, 3, 2, 2), dict(filters=2, kernel_size=5, padding="same")),
    ("conv_whole_input", "Conv2D", (2, 4, 3, 2), dict(filters=3, kernel_size=(4, 3))),
    ("conv_one_of_each", "Conv2D", (1, 5, 5, 1), dict(filters=1, kernel_size=3, padding="same")),
    ("conv_one_pixel", "Conv2D", (1, 1, 1, 2), dict(filters=3, kernel_size=3, padding="same")),
    ("conv_no_bias", "Conv2D", (2, 5, 4, 2), dict(filters=3, kernel_size=3, use_bias=False)),
    ("conv_relu", "Conv2D", (2, 5, 6, 2), dict(filters=3, kernel_size=3, padding="same", activation="relu")),
    ("conv_softmax", "Conv2D", (2, 4, 5, 2), dict(filters=4, kernel_size=3, padding="same", activation="softmax")),
    ("conv_channels", "Conv2D", (1, 9, 11, 16), dict(filters=20, kernel_size=3, padding="same")),

    *((f"{n}_{p}_{w}_stride_{s or 'default'}", layer, (2, 7, 5, 2), dict(pool_size=w, strides=s, padding=p))
      for n, layer in (("max", "MaxPooling2D"), ("average", "AveragePooling2D"))
      for p in ("same", "valid") for w in (2, 3) for s in (None, 1, w + 1)),
    *((f"{n}_{p}_window_2x3_stride_3x2", layer, (2, 8, 9, 1), dict(pool_size=(2, 3), strides=(3, 2), padding=p))
      for n, layer in (("max", "MaxPooling2D"), ("average", "AveragePooling2D")) for p in ("same", "valid")),
    *((f"{n}_window_over_input", layer, (1, 2, 1, 3), dict(pool_size=3, strides=1, padding="same"))
      for n, layer in (("max", "MaxPooling2D"), ("average", "AveragePooling2D"))),
    ("max_ties_2", "MaxPooling2D", (2, 6, 7, 2), dict(pool_size=2), ties),
    ("max_ties_3_stride_1", "MaxPooling2D", (2, 6, 7, 2), dict(pool_size=3, strides=1, padding="same"), ties),
    ("max_ties_3_stride_2", "MaxPooling2D", (2, 6, 7, 2), dict(pool_size=3, strides=2, padding="same"), ties),
    ("max_all_equal", "MaxPooling2D", (1, 5, 5, 1), dict(pool_size=3, strides=2, padding="same"), equal),
    ("max_negative", "MaxPooling2D", (1, 5, 5, 2), dict(pool_size=3, strides=2, padding="same"), negative),
    ("average_all_equal", "AveragePooling2D", (1, 5, 5, 1), dict(pool_size=3, strides=2, padding="same"), equal),

    *((f"up_{i}_{h}x{w}", "UpSampling2D", (2, 5, 3, 2), dict(size=(h, w), interpolation=i))
      for i in ("nearest", "bilinear") for h, w in ((2, 2), (3, 2), (1, 4), (5, 1))),
    *((f"up_{i}_one_pixel", "UpSampling2D", (1, 1, 1, 3), dict(size=2, interpolation=i))
      for i in ("nearest", "bilinear")),

    *((f"transposed_{p}_{k}x{k}_stride_{s}", "Conv2DTranspose", (2, 4, 3, 2),
       dict(filters=3, kernel_size=k, strides=s, padding=p))
      for p in ("same", "valid") for k in (2, 3, 4) for s in (1, 2, 3)),
    *((f"transposed_{p}_kernel_2x5_stride_3x2", "Conv2DTranspose", (2, 3, 5, 2),
       dict(filters=2, kernel_size=(2, 5), strides=(3, 2), padding=p)) for p in ("same", "valid")),
    ("transposed_channels", "Conv2DTranspose", (1, 7, 7, 16), dict(filters=12, kernel_size=3, strides=2, padding="same")),
    ("transposed_one_of_each", "Conv2DTranspose", (1, 3, 3, 1), dict(filters=1, kernel_size=3, strides=2, padding="same")),
    ("transposed_one_pixel", "Conv2DTranspose", (1, 1, 1, 2), dict(filters=3, kernel_size=3, strides=2, padding="same")),
    ("transposed_no_bias", "Conv2DTranspose", (2, 3, 4, 2), dict(filters=2, kernel_size=3, strides=2, use_bias=False)),
    ("transposed_sigmoid", "Conv2DTranspose", (2, 3, 4, 2),
     dict(filters=2, kernel_size=3, strides=2, padding="same", activation="sigmoid")),

    ("crop", "Cropping2D", (2, 6, 5, 2), dict(cropping=((1, 2), (0, 3)))),
    ("crop_even", "Cropping2D", (1, 7, 7, 1), dict(cropping=2)),
    ("crop_nothing", "Cropping2D", (1, 3, 2, 2), dict(cropping=0)),
    ("pad", "ZeroPadding2D", (2, 3, 4, 2), dict(padding=((1, 2), (0, 3)))),
    ("pad_even", "ZeroPadding2D", (1, 2, 3, 1), dict(padding=(2, 1))),

    *((f"flatten_{n}", "Flatten", shape, {}) for n, shape in
      (("image", (2, 3, 4, 2)), ("one_sample", (1, 5, 3, 2)), ("one_pixel", (3, 1, 1, 4)), ("one_column", (2, 7, 1, 1)),
       ("flat", (3, 6)))),
    *((f"reshape_{n}", "Reshape", shape, dict(target_shape=target)) for n, shape, target in
      (("flat_to_image", (3, 24), (3, 4, 2)), ("image_to_flat", (2, 3, 4, 2), (24,)), ("image", (2, 3, 4, 2), (4, 2, 3)),
       ("transposed_sizes", (2, 3, 4, 1), (4, 3, 1)), ("one_sample", (1, 12), (2, 6, 1)), ("to_itself", (2, 3, 2, 2), (3, 2, 2)),
       ("one_element", (2, 1), (1, 1, 1)), ("two_dimensions", (2, 3, 4, 2), (6, 4)))),
]

file = File()
for name, kind, shape, arguments, values in ((*case, normal)[:5] for case in CASES):
    rng = random(name)
    layer = getattr(keras.layers, kind)(**arguments)
    flat = (shape[0], int(np.prod(shape[1:]))) if kind == "Dense" else shape
    layer.build(flat)
    layer.set_weights([0.5 * rng.normal(size=w.shape) for w in layer.weights])

    x = tf.constant(values(rng, shape))
    r = rng.normal(size=layer.compute_output_shape(flat))
    variables = [x, *(v.value for v in layer.trainable_variables)]
    output, (input_gradient, *rest) = gradients(lambda: layer(tf.reshape(x, flat)), variables, r)
    if arguments.get("interpolation") == "bilinear":
        def bilinear(x):
            x = torch.nn.functional.interpolate(x.movedim(3, 1), scale_factor=layer.size, mode="bilinear")
            return x.movedim(1, 3)

        keras_output, keras_gradient = output, input_gradient
        output, input_gradient = torch_gradients(bilinear, x.numpy(), r)
        agree(name, keras_output, output, 1e-6)
        agree(name, keras_gradient, input_gradient, 1e-6)

    parameters = dict(zip(("weight", "bias"), layer.get_weights()))
    parameter_gradients = dict(zip(("weight_gradient", "bias_gradient"), rest))
    options = {key: value for key, value in layer.get_config().items() if key in OPTIONS}
    file.add(name, kind, options, input=x.numpy(), **parameters, output=output, output_gradient=r,
             input_gradient=input_gradient, **parameter_gradients)
file.save("layers")
