//! [`AutoencoderBuilder`]: builds a model from two lists of layers.

use std::sync::Arc;

use super::Autoencoder;
use crate::data::Scaler;
use crate::layer::{Activation, Layer};
use crate::network::{BuildError, BuildErrorKind, NetworkBuilder, Node, Sharing, Structure};
use crate::{Scalar, Shape};

/// Describes an [`Autoencoder`], layer by layer.
#[derive(Debug, Clone)]
pub struct AutoencoderBuilder<T: Scalar> {
    input: Shape,
    encoder: Vec<Arc<dyn Layer<T>>>,
    decoder: Vec<Arc<dyn Layer<T>>>,
    mirror: Option<Mirror>,
    seed: u64,
    scaler: Option<Scaler>,
}

/// How the decoder is derived from the encoder.
#[derive(Debug, Clone, Copy)]
struct Mirror {
    /// The last layer's activation.
    activation: Activation,
    /// The weights are the encoder's, transposed.
    tied: bool,
}

impl<T: Scalar> AutoencoderBuilder<T> {
    pub(super) fn new(input: Shape) -> Self {
        Self { input, encoder: Vec::new(), decoder: Vec::new(), mirror: None, seed: 0, scaler: None }
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

    /// Derives the decoder from the encoder: its layers in reverse order, a convolution for a convolution, up-sampling for pooling, dense for dense, each back to its
    /// counterpart's input shape. A layer has the activation of the encoder layer whose output it reproduces; the last has `activation`. Layers added with
    /// [`decoder`](Self::decoder) follow these.
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
        self.mirror = Some(Mirror { activation, tied: false });
        self
    }

    /// [`mirror`](Self::mirror) with tied weights: each decoder layer has the weight of its counterpart, transposed, and its own bias. A tied weight is stored once and
    /// has one gradient; a decoder saved by itself keeps a copy. The counterpart of a convolution is a transposed convolution, whatever its stride.
    /// A penalty on a weight counts once.
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
        self.mirror = Some(Mirror { activation, tied: true });
        self
    }

    /// Sets the seed of the initial parameters; 0 by default.
    ///
    /// Models with the same layers and the same seed, the default one included, begin with the same
    /// parameters: give each a seed of its own where they are to differ, as in an ensemble. See
    /// [`NetworkBuilder::seed`](crate::NetworkBuilder::seed).
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// Applies `scaler` to every input and undoes it on every reconstruction. Training compares scaled values, `reconstruction_error` unscaled ones.
    #[must_use]
    pub fn scaler(mut self, scaler: Scaler) -> Self {
        self.scaler = Some(scaler);
        self
    }

    /// Checks every shape and draws the parameters.
    ///
    /// # Errors
    /// [`BuildError`] names the first layer that does not fit, or the last one if the decoder's output and the input differ in their number of elements.
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
        let split = self.encoder.len();
        let mut builder = NetworkBuilder::new(self.input).seed(self.seed);
        for (half, layers) in [("encoder", self.encoder), ("decoder", decoder)] {
            for (index, layer) in layers.into_iter().enumerate() {
                builder = builder.named(format!("{half}.{index}"), layer);
            }
        }
        let network = match self.scaler {
            Some(scaler) => builder.scaler(scaler),
            None => builder,
        };
        Autoencoder::from_network(network.build_reconstruction()?, split)
    }

    /// The layers of a decoder that undoes the encoder layer by layer.
    fn mirrored(&self, Mirror { activation: last, tied }: Mirror) -> Result<Vec<Arc<dyn Layer<T>>>, BuildError> {
        let named = |(index, layer): (usize, &Arc<dyn Layer<T>>)| (format!("encoder.{index}"), Arc::clone(layer));
        let encoder =
            Structure::new(self.input, self.encoder.iter().enumerate().map(named).collect(), Sharing::Strict)?;
        let mut decoder: Vec<Arc<dyn Layer<T>>> = Vec::new();
        let mut carries_last = false;
        // The code's own activation has been applied; there is nothing that it would be mirrored for.
        let trains = |node: &Node<T>| !node.plan.parameters.is_empty();
        let of_code = encoder.nodes.iter().rposition(trains).map_or(encoder.nodes.len(), |last| last + 1);
        let mirrored =
            |(index, node): &(usize, &Node<T>)| *index < of_code || node.layer.activation() == Activation::Linear;
        for (index, node) in encoder.nodes.iter().enumerate().rev().filter(mirrored) {
            let earlier = encoder.nodes.iter().take(index).rev();
            let trained = earlier.clone().find(|earlier| trains(earlier));
            let activation = trained.map_or(last, |trained| trained.layer.activation());
            let none = || BuildError::new(&node.name, node.layer.kind(), BuildErrorKind::NoMirror);
            let image = match tied && !node.plan.parameters.is_empty() {
                true => node.layer.tied_mirror(&node.name, node.input, activation),
                false => node.layer.mirror(node.input, activation),
            };
            decoder.extend(image.ok_or_else(none)?);
            carries_last |= trained.is_none() && !node.plan.parameters.is_empty();
        }
        if !carries_last && last != Activation::Linear {
            decoder.push(Arc::new(last));
        }
        Ok(decoder)
    }
}
