"""Makes variational.safetensors: what torch.distributions says of a small variational autoencoder, in float64.

Made with PyTorch 2.15.0. Run: `python make_variational.py`.

The encoder is one dense layer to 2 means and 2 logarithms of variances, `log_variance` = `encoded` where that is within
+-10; the decoder one dense layer to logits (Bernoulli) or means (normal with variance 0.3). `noise` holds for each sample
4 draws of 2 dimensions: the crate's own for seed 11, which depend on the bits of `x`, so that both compute from the same
numbers.

Tensors of a case: `x`, `noise`, `encoder.weight`, `encoder.bias`, `decoder.weight`, `decoder.bias`; `mean`, `log_variance`,
`kl` (each dimension of each sample); `reconstruction` (mean over draws of -ln p(x|z), each sample); `log_likelihood` (ln of
the mean over draws of p(x|z) p(z) / q(z|x), each sample). The case `loss` has -ln N(target; prediction, 0.3), summed, and
its gradient by the prediction.
"""

import math

import torch
from torch.distributions import Bernoulli, Independent, Normal, kl_divergence

from common import File, random

NOISE = {
    "bernoulli": [
        [0.113503832034143, 2.044173576058735, 2.038863290769205, 0.09124501205802406,
         -0.37510976744517727, 0.058312508767489196, -0.6447342066191326, -0.2434037671665795],
        [0.51103415762756, -1.5214655513335815, -0.7532272153177832, -1.0419346986462485,
         0.10225223558675763, 1.1835538344035674, -1.6427028099937726, -1.546036851270572],
        [1.6191647229454227, -0.38871186684649167, 1.0408177182740181, 0.6031952864798358,
         -0.20158642643411337, -0.05708010379299961, 0.8038704924682035, -0.6467011255366447],
    ],
    "normal": [
        [-0.14886701023388024, 0.2684485232889197, -0.2700894264037804, 0.7839412090065058,
         0.3812603851626454, 0.9486694819244209, 0.8058127778814071, -0.020561810066820712],
        [-1.452808937849007, 0.4170379950876803, 1.0122065582351136, -1.4097320902139652,
         0.30045374784027196, 0.8946917781679189, 1.5554778377819187, -0.6538131047469455],
        [-2.046217856579793, 1.4678243608254984, -0.49432381160789945, -0.06645181216162391,
         1.3928096073963179, -0.7075093679227994, 0.31847576222025653, -0.012554258684119485],
    ],
}
FEATURES, CODE, DRAWS, VARIANCE = 7, 2, 4, 0.3


def bernoulli(decoded):
    return Bernoulli(logits=decoded)


def normal(decoded):
    return Normal(decoded, math.sqrt(VARIANCE))


file = File()
for name, likelihood in [("bernoulli", bernoulli), ("normal", normal)]:
    rng = random(name)
    x = torch.tensor((rng.random((3, FEATURES)) < 0.5).astype(float) if name == "bernoulli" else rng.normal(size=(3, FEATURES)))
    weights = {
        "encoder.weight": 0.5 * rng.normal(size=(FEATURES, 2 * CODE)), "encoder.bias": rng.normal(size=2 * CODE),
        "decoder.weight": rng.normal(size=(CODE, FEATURES)), "decoder.bias": rng.normal(size=FEATURES),
    }
    [we, be, wd, bd] = [torch.tensor(value) for value in weights.values()]
    mean, log_variance = (x @ we + be).split(CODE, dim=1)
    assert log_variance.abs().max() < 10
    posterior = Normal(mean, (0.5 * log_variance).exp())
    prior = Normal(torch.zeros(CODE, dtype=torch.float64), torch.ones(CODE, dtype=torch.float64))
    noise = torch.tensor(NOISE[name], dtype=torch.float64)
    z = mean + posterior.stddev * noise.reshape(3, DRAWS, CODE).transpose(0, 1)  # draws x samples x dimensions
    log_p_x = Independent(likelihood(z @ wd + bd), 1).log_prob(x)
    log_weights = log_p_x + prior.log_prob(z).sum(2) - posterior.log_prob(z).sum(2)
    log_likelihood = torch.logsumexp(log_weights, 0) - math.log(DRAWS)
    file.add(name, "VariationalAutoencoder", dict(variance=VARIANCE), x=x.numpy(), noise=noise.numpy(), **weights,
             mean=mean.numpy(), log_variance=log_variance.numpy(), kl=kl_divergence(posterior, prior).numpy(),
             reconstruction=-log_p_x.mean(0).numpy(), log_likelihood=log_likelihood.numpy())

rng = random("loss")
prediction, target = torch.tensor(rng.normal(size=(5, 7)), requires_grad=True), torch.tensor(rng.normal(size=(5, 7)))
value = -normal(prediction).log_prob(target).sum()
value.backward()
file.add("loss", "Normal", dict(variance=VARIANCE), prediction=prediction.detach().numpy(), target=target.numpy(),
         value=value.detach().numpy(), gradient=prediction.grad.numpy())
file.save("variational")
