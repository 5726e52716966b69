"""Trains the network of the example `vae_likelihood` in PyTorch, to compare how likely each finds the test images.

    python examples/python/vae_likelihood.py --data data/mnist

By default as pythae's script does for the likelihood it reports (examples/scripts/reproducibility/vae.py there): Adam with 1e-4 for 500 epochs, a rate that falls
by the fifth root of 10 after 200, 350 and 500 of them (and later ones, never reached), and the parameters of the best bound on the validation images. `--cosine` gives
the rate the example's schedule; `--learning-rate` and `--epochs` do the rest. Pixels are made black or white once, by a coin with the pixel's intensity as its
probability. Needs `torch` and `numpy`; takes some 15 minutes on two cores.
"""

import argparse
import copy
import gzip
import math
from pathlib import Path

import numpy as np
import torch
from torch.nn import Linear
from torch.nn.functional import binary_cross_entropy_with_logits
from torch.optim.lr_scheduler import CosineAnnealingLR, MultiStepLR

CODE, HIDDEN, PIXELS = 40, 400, 784
BATCH, TRAINING = 100, 50_000


class Vae(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = Linear(PIXELS, HIDDEN)
        self.mean, self.log_variance = Linear(HIDDEN, CODE), Linear(HIDDEN, CODE)
        self.decoder, self.logits = Linear(CODE, HIDDEN), Linear(HIDDEN, PIXELS)

    def encode(self, x):
        hidden = self.encoder(x).relu()
        return self.mean(hidden), self.log_variance(hidden)

    def reconstruction(self, x, code):  # -ln p(x | code), nats
        logits = self.logits(self.decoder(code).relu())
        return binary_cross_entropy_with_logits(logits, x.expand_as(logits), reduction="none").sum(-1)

    def forward(self, x):  # -ELBO of each image, by one code
        mean, log_variance = self.encode(x)
        code = mean + torch.randn_like(mean) * torch.exp(0.5 * log_variance)
        divergence = -0.5 * (1 + log_variance - mean * mean - log_variance.exp()).sum(1)
        return self.reconstruction(x, code) + divergence

    @torch.no_grad()
    def bound(self, images):
        return sum(self(batch).sum().item() for batch in images.split(1000)) / len(images)

    @torch.no_grad()
    def likelihood(self, images, draws):  # mean -ln p(x): the importance-weighted estimate (Burda et al. 2016)
        total = 0.0
        for x in images.split(50):
            mean, log_variance = self.encode(x)
            noise = torch.randn(draws, *mean.shape)
            code = mean + noise * torch.exp(0.5 * log_variance)
            log_ratio = (-0.5 * code * code + 0.5 * log_variance + 0.5 * noise * noise).sum(2)
            total += (math.log(draws) - torch.logsumexp(log_ratio - self.reconstruction(x, code), 0)).sum().item()
        return total / len(images)


def binarised(file, coins):
    images = np.frombuffer(gzip.open(file).read()[16:], np.uint8).reshape(-1, PIXELS)
    return torch.tensor((coins.random(images.shape) < images / 255.0).astype(np.float32))


def train(model, training, validation, options):
    optimizer = torch.optim.Adam(model.parameters(), lr=options.learning_rate)
    steps = MultiStepLR(optimizer, [200, 350, 500], 10 ** (-1 / 5))
    schedule = CosineAnnealingLR(optimizer, options.epochs) if options.cosine else steps
    best, parameters = math.inf, None
    for epoch in range(1, options.epochs + 1):
        total = 0.0
        for batch in torch.randperm(len(training)).split(BATCH):
            loss = model(training[batch]).mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item() * len(batch)
        schedule.step()
        bound = model.bound(validation)
        if bound < best:
            best, parameters = bound, copy.deepcopy(model.state_dict())
        if epoch % 10 == 0:
            print(f"epoch {epoch}: training {total / len(training):.2f}, validation {bound:.2f}, best {best:.2f}", flush=True)
    model.load_state_dict(parameters)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--learning-rate", type=float, default=1e-4)
    parser.add_argument("--epochs", type=int, default=500)
    parser.add_argument("--cosine", action="store_true")
    parser.add_argument("--draws", type=int, default=200)
    parser.add_argument("--coins", type=int, default=1)
    options = parser.parse_args()

    torch.manual_seed(123)  # pythae's
    torch.set_flush_denormal(True)
    coins = np.random.default_rng(options.coins)
    training = binarised(options.data / "train-images-idx3-ubyte.gz", coins)
    test = binarised(options.data / "t10k-images-idx3-ubyte.gz", coins)
    training, validation = training[:TRAINING], training[TRAINING:]

    model = Vae()
    train(model, training, validation, options)
    print(f"test: bound {model.bound(test):.2f}, -ln p {model.likelihood(test, options.draws):.2f} nats by {options.draws} draws")


main()
