//! [`Autoencoder`]: an encoder and a decoder over one parameter vector.

mod builder;
mod latent_space;
mod mirror;
mod posterior;
mod score;

use std::ops::Range;
use std::sync::Arc;

use nalgebra::{DMatrix, DMatrixView};

pub use builder::AutoencoderBuilder;
pub use posterior::{LatentReport, Posterior};
pub use score::RowError;

use crate::data::Batch;
use crate::exec::{Activity, Tape, Workspace};
use crate::graph::{BuildError, BuildErrorKind, Graph, Network, Parameter, ParameterError, Summary};
use crate::{Error, Scalar, Shape};

/// An encoder and a decoder, trained together to reproduce their input.
///
/// Inference takes `&self` and is safe to share between threads: put a trained model in an `Arc`
/// and call it from any thread.
///
/// ```
/// use autoencoder::nalgebra::DMatrix;
/// use autoencoder::{Activation, Autoencoder, Dense, Mse, Adam, Shape, Trainer};
///
/// let data = DMatrix::<f32>::from_fn(8, 64, |feature, sample| ((feature * sample) % 7) as f32 / 7.0);
/// let mut model = Autoencoder::<f32>::builder(Shape::flat(8))
///     .encoder(Dense::new(3).activation(Activation::Tanh))
///     .mirror(Activation::Linear)
///     .build()?;
/// Trainer::new(Mse, Adam::new(0.01)).epochs(5).batch_size(16).fit(&mut model, &data)?;
/// assert_eq!(model.encode(&data)?.shape(), (3, 64));
/// # Ok::<(), autoencoder::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Autoencoder<T: Scalar> {
    network: Network<T>,
    /// The first layer of the decoder.
    split: usize,
    /// The encoder by itself.
    encoder: Arc<Graph<T>>,
    /// The decoder by itself, or why it cannot run by itself.
    decoder: Result<Arc<Graph<T>>, BuildError>,
}

impl<T: Scalar> Autoencoder<T> {
    /// Starts the description of an autoencoder for samples of shape `input`.
    pub fn builder(input: Shape) -> AutoencoderBuilder<T> {
        AutoencoderBuilder::new(input)
    }

    /// The autoencoder whose decoder begins with layer `split`.
    #[inline(never)] // see `compiled.rs`
    pub(crate) fn from_network(network: Network<T>, split: usize) -> Result<Self, BuildError> {
        let encoder = Arc::new(network.graph_of(0..split)?);
        let decoder = match network.graph_of(split..network.all().end) {
            Err(error) if !matches!(error.kind(), BuildErrorKind::JoinsOutside { .. }) => return Err(error),
            decoder => decoder.map(Arc::new),
        };
        Ok(Self { network, split, encoder, decoder })
    }

    pub(crate) fn split(&self) -> usize {
        self.split
    }

    /// The shape of a sample.
    pub fn input_shape(&self) -> Shape {
        self.network.input_shape()
    }

    /// The shape of a code, the encoder's output.
    pub fn code_shape(&self) -> Shape {
        self.network.shape_before(self.split)
    }

    /// The encoder and the decoder as one network.
    pub fn network(&self) -> &Network<T> {
        &self.network
    }

    pub(crate) fn network_mut(&mut self) -> &mut Network<T> {
        &mut self.network
    }

    /// The encoder as a network of its own, with a copy of its parameters.
    pub fn encoder(&self) -> Network<T> {
        self.network.part(self.encoder_layers(), &self.encoder)
    }

    /// The decoder as a network of its own, with a copy of its parameters.
    ///
    /// # Errors
    /// [`BuildError`] if one of its layers joins a value of the encoder, as in a U-Net.
    pub fn decoder(&self) -> Result<Network<T>, BuildError> {
        let decoder = self.decoder.as_ref().map_err(BuildError::clone)?;
        Ok(self.network.part(self.decoder_layers(), decoder))
    }

    /// The layers, their output shapes and their parameters, as a table.
    pub fn summary(&self) -> Summary {
        self.network.summary()
    }

    /// The layers as a graph in the language of Graphviz. See [`Network::to_dot`].
    pub fn to_dot(&self) -> String {
        self.network.to_dot()
    }

    /// All parameters: names (`encoder.0.weight`), shapes, values. See [`Network::parameters`].
    pub fn parameters(&self) -> impl Iterator<Item = Parameter<'_, T>> {
        self.network.parameters()
    }

    /// Sets the parameter, or the state tensor, named `name`. See [`Network::set_parameter`].
    ///
    /// # Errors
    /// [`ParameterError`]; the model is then unchanged.
    pub fn set_parameter(&mut self, name: &str, values: &[T]) -> Result<(), ParameterError> {
        self.network.set_parameter(name, values)
    }

    /// Changes the flat parameter vector, in your own training loop for instance. See
    /// [`Network::update_parameters`].
    ///
    /// # Errors
    /// [`ParameterError`]; the model is then unchanged.
    pub fn update_parameters<R>(&mut self, change: impl FnOnce(&mut [T]) -> R) -> Result<R, ParameterError> {
        self.network.update_parameters(change)
    }

    /// Updates the layers' state (running statistics) from the last forward pass on `tape`; call it
    /// once per step in your own training loop. See [`Network::update_state`].
    ///
    /// # Errors
    /// [`Error`] if the tape is another model's, or there was no forward pass; the state is then
    /// unchanged.
    pub fn update_state(&mut self, tape: &Tape<T>) -> Result<(), Error> {
        self.network.update_state(tape)
    }

    /// Excludes the parameters whose names begin with `prefix` from training. See
    /// [`Network::freeze`].
    ///
    /// # Errors
    /// [`ParameterError::NoneBegins`] if there are none.
    pub fn freeze(&mut self, prefix: &str) -> Result<(), ParameterError> {
        self.network.freeze(prefix)
    }

    /// Undoes [`freeze`](Self::freeze).
    ///
    /// # Errors
    /// [`ParameterError::NoneBegins`] if there are none.
    pub fn unfreeze(&mut self, prefix: &str) -> Result<(), ParameterError> {
        self.network.unfreeze(prefix)
    }

    /// Working memory for the `_with` methods, for batches of up to `samples` samples. Each thread
    /// needs its own.
    ///
    /// # Errors
    /// [`Error`] if `samples` is 0 or the memory cannot be allocated.
    pub fn workspace(&self, samples: usize) -> Result<Workspace<T>, Error> {
        self.network.workspace(samples)
    }

    /// Encodes samples: code features × samples.
    ///
    /// # Errors
    /// [`Error`] if the batch does not suit the model, or an output is not finite.
    pub fn encode<'b>(&self, samples: impl Into<Batch<'b, T>>) -> Result<DMatrix<T>, Error> {
        self.network.infer(self.encoder_layers(), samples.into())
    }

    /// [`encode`](Self::encode) without allocating: the codes are in the workspace.
    ///
    /// # Errors
    /// [`Error`] if the batch does not suit the model or the workspace, or an output is not finite.
    pub fn encode_with<'w, 'b>(
        &self,
        workspace: &'w mut Workspace<T>,
        samples: impl Into<Batch<'b, T>>,
    ) -> Result<DMatrixView<'w, T>, Error> {
        self.network.infer_with(self.encoder_layers(), workspace, samples.into())
    }

    /// Decodes codes: features × samples.
    ///
    /// # Errors
    /// [`Error`] if the batch does not suit the model, or an output is not finite.
    pub fn decode<'b>(&self, codes: impl Into<Batch<'b, T>>) -> Result<DMatrix<T>, Error> {
        self.network.infer(self.decoder_layers(), codes.into())
    }

    /// [`decode`](Self::decode) without allocating: the samples are in the workspace.
    ///
    /// # Errors
    /// [`Error`] if the batch does not suit the model or the workspace, or an output is not finite.
    pub fn decode_with<'w, 'b>(
        &self,
        workspace: &'w mut Workspace<T>,
        codes: impl Into<Batch<'b, T>>,
    ) -> Result<DMatrixView<'w, T>, Error> {
        self.network.infer_with(self.decoder_layers(), workspace, codes.into())
    }

    /// Encodes and decodes samples: features × samples.
    ///
    /// # Errors
    /// [`Error`] if the batch does not suit the model, or an output is not finite.
    pub fn reconstruct<'b>(&self, samples: impl Into<Batch<'b, T>>) -> Result<DMatrix<T>, Error> {
        self.network.predict(samples)
    }

    /// [`reconstruct`](Self::reconstruct) without allocating: the reconstructions are in the
    /// workspace.
    ///
    /// # Errors
    /// [`Error`] if the batch does not suit the model or the workspace, or an output is not finite.
    pub fn reconstruct_with<'w, 'b>(
        &self,
        workspace: &'w mut Workspace<T>,
        samples: impl Into<Batch<'b, T>>,
    ) -> Result<DMatrixView<'w, T>, Error> {
        self.network.predict_with(workspace, samples)
    }

    /// The output of the layer named `layer` (`encoder.0`, `decoder.2`), after its activation. See
    /// [`Network::activations`].
    ///
    /// # Errors
    /// [`Error`] if there is no such layer, the batch does not suit the model, or an output is not
    /// finite.
    pub fn activations<'b>(&self, layer: &str, samples: impl Into<Batch<'b, T>>) -> Result<DMatrix<T>, Error> {
        self.network.activations(layer, samples)
    }

    /// How active the units of the code are over `samples`: their mean, how many are not 0, which
    /// are always 0. See [`Network::activity`].
    ///
    /// # Errors
    /// [`Error`] if the batch does not suit the model, or an output is not finite.
    pub fn activity<'b>(&self, samples: impl Into<Batch<'b, T>>) -> Result<Activity, Error> {
        self.network.activity_of(self.encoder_layers(), samples.into())
    }

    fn encoder_layers(&self) -> Range<usize> {
        0..self.split
    }

    pub(crate) fn decoder_layers(&self) -> Range<usize> {
        self.split..self.network.all().end
    }
}
