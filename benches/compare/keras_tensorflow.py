"""The comparison's workloads in Keras on TensorFlow: `fit`, and a whole epoch as one TensorFlow function; each with and without XLA."""

import os
import time

os.environ["KERAS_BACKEND"] = "tensorflow"
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import keras
import tensorflow
from keras import layers

import protocol
from protocol import BATCH, CONVOLUTIONAL_SAMPLES, PIXELS, SAMPLES


def rates(threads, at_least):
    set_threads(threads)
    flat = protocol.images(SAMPLES)
    pictures = protocol.images(CONVOLUTIONAL_SAMPLES).reshape(-1, 28, 28, 1)
    images = [("convolutional", convolutional), ("residual", residual), ("unet", unet)]
    for name, build, data in [("dense", dense, flat), ("deep", deep, flat), *((*image, pictures) for image in images)]:
        for xla in [False, True]:
            fit(name, build(), data, xla, threads, at_least)
            if not (xla and data is pictures):  # XLA's convolutions within a loop: a hundred times slower
                loop(name, build(), data, xla, threads, at_least)
            inference(name, build(), data, xla, threads, at_least)


def set_threads(threads):
    tensorflow.config.threading.set_intra_op_parallelism_threads(threads)
    tensorflow.config.threading.set_inter_op_parallelism_threads(threads)


def named(configuration, xla):
    return f"{configuration}+xla" if xla else configuration


def fit(name, model, data, xla, threads, at_least):
    """Keras's own loop, an epoch's steps in one call."""
    clock = Clock(at_least)
    steps = len(data) // BATCH
    model.compile(keras.optimizers.Adam(), "binary_crossentropy", steps_per_execution=steps, jit_compile=xla)
    model.fit(data, data, batch_size=BATCH, epochs=1_000_000, verbose=0, callbacks=[clock])
    clock.epochs.report(name, threads, named("fit", xla), len(data))


class Clock(keras.callbacks.Callback):
    """Times epochs, and ends training when the time is over."""

    def __init__(self, at_least):
        super().__init__()
        self.epochs = protocol.Epochs(at_least)

    def on_epoch_begin(self, epoch, logs=None):
        self.before = time.perf_counter()

    def on_epoch_end(self, epoch, logs=None):
        if not self.epochs.add(time.perf_counter() - self.before, logs["loss"]):
            self.model.stop_training = True


def loop(name, model, data, xla, threads, at_least):
    """A loop of one's own, an epoch in one function."""
    steps = len(data) // BATCH
    optimizer = keras.optimizers.Adam()
    optimizer.build(model.trainable_variables)
    loss_of = keras.losses.BinaryCrossentropy()
    data = tensorflow.constant(data)

    @tensorflow.function(jit_compile=xla)
    def steps_of(order):
        total = tensorflow.constant(0.0)
        for step in tensorflow.range(steps):
            images = tensorflow.gather(data, order[step])
            with tensorflow.GradientTape() as tape:
                loss = loss_of(images, model(images, training=True))
            optimizer.apply(tape.gradient(loss, model.trainable_variables), model.trainable_variables)
            total += loss
        return total / steps

    def epoch():
        order = tensorflow.random.shuffle(tensorflow.range(steps * BATCH))
        return float(steps_of(tensorflow.reshape(order, [steps, BATCH])))

    protocol.report_training(name, threads, named("loop", xla), len(data), at_least, epoch)


def inference(name, model, data, xla, threads, at_least):
    reconstruct = tensorflow.function(lambda images: model(images, training=False), jit_compile=xla)
    batches = [tensorflow.constant(data[first : first + BATCH]) for first in range(0, len(data), BATCH)]

    def run():
        for batch in batches:
            reconstruct(batch)

    protocol.report_inference(name, threads, named("function", xla), len(data), at_least, run)


def latency(at_least):
    set_threads(1)
    data = protocol.images(SAMPLES)
    images = [tensorflow.constant(data[sample : sample + 1]) for sample in range(SAMPLES)]
    encoder = dense().layers[0]
    for xla in [False, True]:
        encode = tensorflow.function(lambda image: encoder(image), jit_compile=xla)
        protocol.report_latency(named("function", xla), at_least, lambda call: encode(images[call % SAMPLES]))


def save(file):
    dense().save(file)


def first_code(file):
    model = keras.saving.load_model(file)
    model.layers[0](tensorflow.constant(protocol.images(1)))


def dense():
    return keras.Sequential(
        [keras.Input([PIXELS]), layers.Dense(32, activation="relu"), layers.Dense(PIXELS, activation="sigmoid")]
    )


def deep():
    hidden = [layers.Dense(width, activation="relu") for width in [128, 64, 32, 64, 128]]
    return keras.Sequential([keras.Input([PIXELS]), *hidden, layers.Dense(PIXELS, activation="sigmoid")])


def convolutional():
    def convolution(filters, activation):
        return layers.Conv2D(filters, 3, padding="same", activation=activation)

    return keras.Sequential(
        [
            keras.Input([28, 28, 1]),
            convolution(32, "relu"),
            layers.MaxPooling2D(),
            convolution(64, "relu"),
            layers.MaxPooling2D(),
            convolution(64, "relu"),
            layers.UpSampling2D(),
            convolution(32, "relu"),
            layers.UpSampling2D(),
            convolution(1, "sigmoid"),
        ]
    )


def convolution(filters, **options):
    return layers.Conv2D(filters, 3, padding="same", **({"activation": "relu"} | options))


def residual():
    """Residual blocks of two convolutions at each of two sizes."""

    def block(x, filters):
        return layers.ReLU()(layers.Add()([convolution(filters, activation=None)(convolution(filters)(x)), x]))

    images = keras.Input([28, 28, 1])
    code = block(convolution(32, strides=2)(block(convolution(16)(images), 16)), 32)
    again = block(convolution(16)(layers.UpSampling2D()(code)), 16)
    return keras.Model(images, convolution(1, activation="sigmoid")(again))


def unet():
    images = keras.Input([28, 28, 1])
    fine = convolution(32)(images)
    middle = convolution(32)(layers.MaxPooling2D()(fine))
    code = convolution(64)(layers.MaxPooling2D()(middle))
    again = convolution(32)(layers.Concatenate()([layers.UpSampling2D()(code), middle]))
    again = convolution(32)(layers.Concatenate()([layers.UpSampling2D()(again), fine]))
    return keras.Model(images, convolution(1, activation="sigmoid")(again))


if __name__ == "__main__":
    protocol.main(rates, latency, save, first_code)
