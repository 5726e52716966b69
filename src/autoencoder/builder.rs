//! [`AutoencoderBuilder`]: builds a model from two lists of layers.

use super::Autoencoder;
use super::mirror::MirrorOptions;
use crate::data::Scaler;
use crate::graph::{BuildError, BuildErrorKind, INPUT, IntoLayers, LayerList, NetworkBuilder};
use crate::layer::Activation;
use crate::{Scalar, Shape};

/// Describes an [`Autoencoder`], layer by layer.
#[derive(Debug, Clone)]
pub struct AutoencoderBuilder<T: Scalar> {
    /// The whole model, still without layers.
    network: NetworkBuilder<T>,
    encoder: LayerList<T>,
    decoder: LayerList<T>,
    mirror: Option<MirrorOptions>,
}

impl<T: Scalar> AutoencoderBuilder<T> {
    pub(super) fn new(input: Shape) -> Self {
        Self { network: NetworkBuilder::new(input), encoder: LayerList::new(), decoder: LayerList::new(), mirror: None }
    }

    /// Adds a layer, or a [`Block`](crate::Block) of layers, to the encoder. They are named
    /// `encoder.0`, `encoder.1`, … in order.
    #[must_use]
    pub fn encoder<Kind>(mut self, layer: impl IntoLayers<T, Kind>) -> Self {
        self.encoder.add(None, layer.into_layers());
        self
    }

    /// [`encoder`](Self::encoder) for a layer named `encoder.` and `name`.
    #[must_use]
    pub fn encoder_named<Kind>(mut self, name: &str, layer: impl IntoLayers<T, Kind>) -> Self {
        self.encoder.add(Some(name), layer.into_layers());
        self
    }

    /// Adds a layer, or a [`Block`](crate::Block) of layers, to the decoder. They are named
    /// `decoder.0`, `decoder.1`, … in order.
    #[must_use]
    pub fn decoder<Kind>(mut self, layer: impl IntoLayers<T, Kind>) -> Self {
        self.decoder.add(None, layer.into_layers());
        self
    }

    /// [`decoder`](Self::decoder) for a layer named `decoder.` and `name`.
    #[must_use]
    pub fn decoder_named<Kind>(mut self, name: &str, layer: impl IntoLayers<T, Kind>) -> Self {
        self.decoder.add(Some(name), layer.into_layers());
        self
    }

    /// Derives the decoder from the encoder: its blocks in reverse order. A block is a layer with
    /// weights with the normalisation and the activation behind it; its counterpart is a layer
    /// with weights (a convolution for a convolution, dense for dense), back to the input of
    /// the block, with the options of the block whose output it gives back: activation,
    /// normalisation, and whether there is a bias. The last one has a bias, `activation`, and
    /// no normalisation. Pooling is undone by up-sampling; dropout, noise and penalties are
    /// left out. Where the encoder [adds](crate::Add) an earlier value, the decoder adds the
    /// counterpart of the sum to that of the earlier value; `activation` then comes behind a sum
    /// with the input. A value before its own activation has no counterpart. Layers added with
    /// [`decoder`](Self::decoder) follow.
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
        let encoder = self.encoder.expand("encoder", 0, INPUT)?;
        let mut decoder = match self.mirror {
            Some(mirror) => mirror.decoder(self.network.input(), &encoder)?,
            None => Vec::new(),
        };
        let code = encoder.last().map_or(INPUT, |layer| &layer.name);
        let before = decoder.last().map_or(code, |layer| &layer.name);
        decoder.extend(self.decoder.expand("decoder", decoder.len(), before)?);
        for (half, layers) in [("encoder", &encoder), ("decoder", &decoder)] {
            if layers.is_empty() {
                return Err(BuildError::new(half, half, BuildErrorKind::NoLayers));
            }
        }
        let split = encoder.len();
        let network = self.network.with(encoder).with(decoder);
        Autoencoder::from_network(network.build_reconstruction()?, split)
    }
}
