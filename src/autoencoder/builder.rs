//! [`AutoencoderBuilder`]: builds a model from two lists of layers.

use std::sync::Arc;

use super::Autoencoder;
use crate::data::Scaler;
use crate::graph::{BuildError, BuildErrorKind, Definition, NetworkBuilder, Node, TiedWeights};
use crate::layer::{self, Activation, Layer, MirrorOutput};
use crate::{Scalar, Shape, invariant};

/// Describes an [`Autoencoder`], layer by layer.
#[derive(Debug, Clone)]
pub struct AutoencoderBuilder<T: Scalar> {
    /// The whole model, still without layers.
    network: NetworkBuilder<T>,
    encoder: Vec<Arc<dyn Layer<T>>>,
    decoder: Vec<Arc<dyn Layer<T>>>,
    mirror: Option<MirrorOptions>,
}

/// How the decoder is derived from the encoder.
#[derive(Debug, Clone, Copy)]
struct MirrorOptions {
    /// The last layer's activation.
    activation: Activation,
    /// The weights are the encoder's, transposed.
    tied: bool,
}

impl<T: Scalar> AutoencoderBuilder<T> {
    pub(super) fn new(input: Shape) -> Self {
        Self { network: NetworkBuilder::new(input), encoder: Vec::new(), decoder: Vec::new(), mirror: None }
    }

    /// Adds a layer to the encoder. Layers are named `encoder.0`, `encoder.1`, … in order.
    #[must_use]
    pub fn encoder(mut self, layer: impl Layer<T> + 'static) -> Self {
        self.encoder.push(Arc::new(layer));
        self
    }

    /// Adds a layer to the decoder. Layers are named `decoder.0`, `decoder.1`, … in order.
    #[must_use]
    pub fn decoder(mut self, layer: impl Layer<T> + 'static) -> Self {
        self.decoder.push(Arc::new(layer));
        self
    }

    /// Derives the decoder from the encoder: its blocks in reverse order. A block is a layer with
    /// weights with the normalisation and the activation behind it; its counterpart is a layer
    /// with weights (a convolution for a convolution, dense for dense), back to the input of
    /// the block, with the options of the block whose output it gives back: activation,
    /// normalisation, and whether there is a bias. The last one has a bias, `activation`, and
    /// no normalisation. Pooling is undone by up-sampling; dropout, noise and penalties are
    /// left out. Layers added with [`decoder`](Self::decoder) follow.
    ///
    /// ```
    /// use autoencoder::{Activation, Autoencoder, Conv2D, MaxPool, Shape};
    ///
    /// let model = Autoencoder::<f32>::builder(Shape::image(7, 7, 1))
    ///     .encoder(Conv2D::new(8, 3).activation(Activation::Relu))
    ///     .encoder(MaxPool::new(2)) // 7 x 7 becomes 3 x 3
    ///     .mirror(Activation::Sigmoid) // up to 6 x 6, padding to 7 x 7, a convolution to one channel
    ///     .build()?;
    /// assert_eq!(model.network().output_shape(), Shape::image(7, 7, 1));
    /// # Ok::<(), autoencoder::Error>(())
    /// ```
    #[must_use]
    pub fn mirror(mut self, activation: Activation) -> Self {
        self.mirror = Some(MirrorOptions { activation, tied: false });
        self
    }

    /// [`mirror`](Self::mirror) with tied weights: each decoder layer has the weight of its
    /// counterpart, transposed, and its own bias. A tied weight is stored once and
    /// has one gradient; a decoder saved by itself keeps a copy. The counterpart of a convolution
    /// is a transposed convolution, whatever its stride. A penalty on a weight counts once.
    ///
    /// ```
    /// use autoencoder::{Activation, Autoencoder, Dense, Shape};
    ///
    /// let model = Autoencoder::<f32>::builder(Shape::flat(784))
    ///     .encoder(Dense::new(128).activation(Activation::Relu))
    ///     .encoder(Dense::new(32).activation(Activation::Relu))
    ///     .mirror_tied(Activation::Sigmoid)
    ///     .build()?;
    /// let names: Vec<_> = model.parameters().map(|parameter| parameter.name.to_owned()).collect();
    /// assert_eq!(names, ["encoder.0.weight", "encoder.0.bias", "encoder.1.weight", "encoder.1.bias", "decoder.0.bias", "decoder.1.bias"]);
    /// # Ok::<(), autoencoder::Error>(())
    /// ```
    #[must_use]
    pub fn mirror_tied(mut self, activation: Activation) -> Self {
        self.mirror = Some(MirrorOptions { activation, tied: true });
        self
    }

    /// Sets the seed of the initial parameters; 0 by default.
    ///
    /// Models with the same layers and the same seed, the default one included, begin with the same
    /// parameters: give each a seed of its own where they are to differ, as in an ensemble. See
    /// [`NetworkBuilder::seed`](crate::NetworkBuilder::seed).
    #[must_use]
    pub fn seed(self, seed: u64) -> Self {
        Self { network: self.network.seed(seed), ..self }
    }

    /// Applies `scaler` to every input and undoes it on every reconstruction. Training compares
    /// scaled values, `reconstruction_error` unscaled ones.
    #[must_use]
    pub fn scaler(self, scaler: Scaler) -> Self {
        Self { network: self.network.scaler(scaler), ..self }
    }

    /// Checks every shape and draws the parameters.
    ///
    /// # Errors
    /// [`BuildError`] names the first layer that does not fit, or the last one if the decoder's
    /// output and the input differ in their number of elements.
    #[inline(never)] // see `compiled.rs`
    pub fn build(self) -> Result<Autoencoder<T>, BuildError> {
        let mut decoder = match self.mirror {
            Some(mirror) => self.mirrored(mirror)?,
            None => Vec::new(),
        };
        decoder.extend(self.decoder.iter().map(Arc::clone));
        for (half, layers) in [("encoder", &self.encoder), ("decoder", &decoder)] {
            if layers.is_empty() {
                return Err(BuildError::new(half, half, BuildErrorKind::NoLayers));
            }
        }
        let (split, mut network) = (self.encoder.len(), self.network);
        for (half, layers) in [("encoder", self.encoder), ("decoder", decoder)] {
            for (index, layer) in layers.into_iter().enumerate() {
                network = network.named(format!("{half}.{index}"), layer);
            }
        }
        Autoencoder::from_network(network.build_reconstruction()?, split)
    }

    /// The layers of a decoder that undoes the encoder block by block. A block is a layer with
    /// weights and the layers behind it that belong to it: normalisations and activations.
    fn mirrored(
        &self,
        MirrorOptions { activation: last, tied }: MirrorOptions,
    ) -> Result<Vec<Arc<dyn Layer<T>>>, BuildError> {
        let named = |(index, layer): (usize, &Arc<dyn Layer<T>>)| (format!("encoder.{index}"), Arc::clone(layer));
        let layers = self.encoder.iter().enumerate().map(named).collect();
        let encoder = Definition::new(self.network.input(), layers, TiedWeights::Required)?.nodes;
        let mut decoder: Vec<Arc<dyn Layer<T>>> = Vec::new();
        for (index, node) in encoder.iter().enumerate().rev().filter(|(_, node)| !is_repeated(node)) {
            let earlier = invariant::slice(&encoder, &(0..index), "layers", "an encoder");
            let given_back = earlier.iter().rposition(has_weights);
            let output = match given_back {
                Some(layer) => output_of(invariant::at(&encoder, layer, "layer")),
                None => MirrorOutput::new(last),
            };
            let mirrored = node.layer.mirror().and_then(|mirror| match tied && has_weights(node) {
                true => mirror.mirrored_tied(&node.name, node.input, output),
                false => mirror.mirrored(node.input, output),
            });
            let refused = |kind| BuildError::new(&node.name, node.layer.kind(), kind);
            let mirrored = mirrored.ok_or_else(|| refused(BuildErrorKind::NoMirror))?;
            if given_back.is_none() && !has_weights(node) && mirrored.iter().any(layer::is_padding) {
                return Err(refused(BuildErrorKind::MirrorPads));
            }
            decoder.extend(mirrored);
            if let Some(layer) = given_back.filter(|_| has_weights(node)) {
                let behind = invariant::slice(&encoder, &(layer + 1..index), "layers", "an encoder");
                decoder.extend(behind.iter().filter(|node| is_repeated(node)).map(|node| Arc::clone(&node.layer)));
            }
        }
        if !encoder.iter().any(has_weights) && last != Activation::Linear {
            decoder.push(Arc::new(last));
        }
        Ok(decoder)
    }
}

/// Whether the layer begins a block.
fn has_weights<T: Scalar>(node: &Node<T>) -> bool {
    !node.plan.parameters.is_empty() && !is_repeated(node)
}

/// Whether the layer belongs to the block before it.
fn is_repeated<T: Scalar>(node: &Node<T>) -> bool {
    node.layer.mirror().is_some_and(|mirror| mirror.is_repeated())
}

/// The options of a layer with weights that the layer that gives back its output takes over.
fn output_of<T>(node: &Node<T>) -> MirrorOutput {
    let bias = node.plan.parameters.iter().any(|parameter| parameter.name == "bias");
    MirrorOutput::new(node.plan.activation.unwrap_or_default()).bias(bias)
}
