"""Makes variational.safetensors: what torch.distributions says of a small variational autoencoder, in float64.

Made with PyTorch 2.15.0. Run: `python make_variational.py`.

The encoder is one dense layer to 2 means and 2 logarithms of variances, `log_variance` = `encoded` where that is within
+-10; the decoder one dense layer to logits (Bernoulli) or means (normal with variance 0.3). `noise` holds for each sample
4 draws of 2 dimensions: the crate's own for seed 11, so that both compute from the same numbers.

Tensors of a case: `x`, `noise`, `encoder.weight`, `encoder.bias`, `decoder.weight`, `decoder.bias`; `mean`, `log_variance`,
`kl` (each dimension of each sample); `reconstruction` (mean over draws of -ln p(x|z), each sample); `log_likelihood` (ln of
the mean over draws of p(x|z) p(z) / q(z|x), each sample). The case `loss` has -ln N(target; prediction, 0.3), summed, and
its gradient by the prediction.
"""

import math

import torch
from torch.distributions import Bernoulli, Independent, Normal, kl_divergence

from common import File, random

NOISE = [
    [1.5159764257802713, -0.2609296159643645, 0.7644398043697459, -0.3049133803579911,
     -0.5326820220012919, 0.3306777308007676, 0.5651854209301375, -1.2899596989937774],
    [0.18470769727068412, -0.2436269018967218, 0.3714360635048156, 0.5633172068265567,
     -0.393317810766131, -0.5767315265629083, -0.016516658736664986, 0.1748593094587571],
    [0.06845902314433233, 1.182557528981857, 1.9983964806297583, 1.0144287652721948,
     0.9337894103860391, -1.856728248464034, 1.2825772695461637, -0.3530163775299776],
]
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
    noise = torch.tensor(NOISE, dtype=torch.float64)
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
