"""The comparison's workloads in PyTorch: eager, and through `torch.compile`."""

import torch
from torch import nn
from torch.nn.functional import binary_cross_entropy_with_logits

import protocol
from protocol import BATCH, CONVOLUTIONAL_SAMPLES, PIXELS, SAMPLES


def rates(threads, at_least):
    torch.set_num_threads(threads)
    flat = torch.from_numpy(protocol.images(SAMPLES))
    pictures = torch.from_numpy(protocol.images(CONVOLUTIONAL_SAMPLES)).reshape(-1, 1, 28, 28)
    pictures = pictures.contiguous(memory_format=torch.channels_last)
    images = [("convolutional", convolutional), ("residual", Residual), ("unet", UNet)]
    for name, build, data in [("dense", dense, flat), ("deep", deep, flat), *((*image, pictures) for image in images)]:
        for prepare in [eager, compiled]:
            training(name, prepare, build(), data, threads, at_least)
        for prepare in [eager, compiled, frozen]:
            inference(name, prepare, build(), data, threads, at_least)


# Configurations: each takes a function of tensors and returns the one that is called.


def eager(function):
    return function


def compiled(function, options=None):
    """Compiled for its own shapes, forgetting those of the models before it."""
    torch.compiler.reset()
    return torch.compile(function, dynamic=False, options=options)


def frozen(function):
    """Compiled with the weights as constants."""
    return compiled(function, {"freezing": True})


def training(name, prepare, model, data, threads, at_least):
    """Shuffles and gathers by index: a DataLoader is many times slower on data in memory."""
    optimizer = torch.optim.Adam(model.parameters(), lr=0.001, eps=1e-7, fused=True)

    def loss_of(images):
        return binary_cross_entropy_with_logits(model(images), images)

    loss_of = prepare(loss_of)

    def epoch():
        total = torch.zeros(())
        batches = torch.randperm(len(data)).split(BATCH)
        for batch in batches:
            optimizer.zero_grad(set_to_none=True)
            loss = loss_of(data.index_select(0, batch))
            loss.backward()
            optimizer.step()
            total += loss.detach()
        return total.item() / len(batches)

    protocol.report_training(name, threads, prepare.__name__, len(data), at_least, epoch)


@torch.inference_mode()
def inference(name, prepare, model, data, threads, at_least):
    reconstruct = prepare(nn.Sequential(model, nn.Sigmoid()).eval())
    batches = data.split(BATCH)

    def run():
        for batch in batches:
            reconstruct(batch)

    protocol.report_inference(name, threads, prepare.__name__, len(data), at_least, run)


@torch.inference_mode()
def latency(at_least):
    torch.set_num_threads(1)
    images = torch.from_numpy(protocol.images(SAMPLES)).split(1)
    for prepare in [eager, compiled, frozen]:
        encode = prepare(dense().encoder.eval())
        protocol.report_latency(prepare.__name__, at_least, lambda call: encode(images[call % SAMPLES]))


def save(file):
    torch.save(dense().state_dict(), file)


@torch.inference_mode()
def first_code(file):
    model = dense()
    model.load_state_dict(torch.load(file, weights_only=True))
    model.encoder(torch.from_numpy(protocol.images(1)))


class Autoencoder(nn.Module):
    """Gives the output before its sigmoid."""

    def __init__(self, encoder, decoder):
        super().__init__()
        self.encoder, self.decoder = nn.Sequential(*encoder), nn.Sequential(*decoder)
        for name, parameter in self.named_parameters():
            if name.endswith("weight"):
                nn.init.xavier_uniform_(parameter)
            else:
                nn.init.zeros_(parameter)

    def forward(self, images):
        return self.decoder(self.encoder(images))


def dense():
    return Autoencoder([nn.Linear(PIXELS, 32), nn.ReLU()], [nn.Linear(32, PIXELS)])


def deep():
    encoder = [nn.Linear(PIXELS, 128), nn.ReLU(), nn.Linear(128, 64), nn.ReLU(), nn.Linear(64, 32), nn.ReLU()]
    decoder = [nn.Linear(32, 64), nn.ReLU(), nn.Linear(64, 128), nn.ReLU(), nn.Linear(128, PIXELS)]
    return Autoencoder(encoder, decoder)


def convolutional():
    def convolution(inputs, outputs):
        return nn.Conv2d(inputs, outputs, 3, padding=1)

    encoder = [convolution(1, 32), nn.ReLU(), nn.MaxPool2d(2), convolution(32, 64), nn.ReLU(), nn.MaxPool2d(2)]
    decoder = [convolution(64, 64), nn.ReLU(), nn.Upsample(scale_factor=2)]
    decoder += [convolution(64, 32), nn.ReLU(), nn.Upsample(scale_factor=2), convolution(32, 1)]
    return Autoencoder(encoder, decoder).to(memory_format=torch.channels_last)


def convolution(inputs, filters, stride=1):
    return nn.Conv2d(inputs, filters, 3, stride, padding=1)


def initialised(model):
    for name, parameter in model.named_parameters():
        (nn.init.xavier_uniform_ if name.endswith("weight") else nn.init.zeros_)(parameter)
    return model.to(memory_format=torch.channels_last)


class Block(nn.Module):
    """Two convolutions and a way around them."""

    def __init__(self, filters):
        super().__init__()
        self.first, self.second = convolution(filters, filters), convolution(filters, filters)

    def forward(self, images):
        return (self.second(self.first(images).relu()) + images).relu()


def Residual():
    up = nn.Upsample(scale_factor=2)
    layers = [convolution(1, 16), nn.ReLU(), Block(16), convolution(16, 32, 2), nn.ReLU(), Block(32)]
    return initialised(nn.Sequential(*layers, up, convolution(32, 16), nn.ReLU(), Block(16), convolution(16, 1)))


class UNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.fine, self.middle, self.code = convolution(1, 32), convolution(32, 32), convolution(32, 64)
        self.to_middle, self.to_fine, self.last = convolution(96, 32), convolution(64, 32), convolution(32, 1)
        self.pool, self.up = nn.MaxPool2d(2), nn.Upsample(scale_factor=2)
        initialised(self)

    def forward(self, images):
        fine = self.fine(images).relu()
        middle = self.middle(self.pool(fine)).relu()
        code = self.code(self.pool(middle)).relu()
        again = self.to_middle(torch.cat([self.up(code), middle], 1)).relu()
        again = self.to_fine(torch.cat([self.up(again), fine], 1)).relu()
        return self.last(again)


if __name__ == "__main__":
    protocol.main(rates, latency, save, first_code)
