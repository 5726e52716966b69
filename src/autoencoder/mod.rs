//! [`Autoencoder`]: an encoder and a decoder over one parameter vector.

mod builder;
mod latent_space;
mod posterior;

use std::ops::Range;
use std::sync::Arc;

use nalgebra::{DMatrix, DMatrixView};

pub use builder::AutoencoderBuilder;
pub use posterior::{LatentReport, Posterior};

use crate::data::{Batch, Columns, InputError};
use crate::exec::{Activity, Workspace};
use crate::graph::{BuildError, Graph, Network, Parameter, ParameterError, Summary};
use crate::kernel::reduce;
use crate::{Error, Scalar, Shape};

/// An encoder and a decoder, trained together to reproduce their input.
///
/// Inference takes `&self` and is safe to share between threads: put a trained model in an `Arc` and call it from any thread.
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
    /// The encoder and the decoder by themselves.
    halves: [Arc<Graph<T>>; 2],
}

impl<T: Scalar> Autoencoder<T> {
    /// Starts the description of an autoencoder for samples of shape `input`.
    pub fn builder(input: Shape) -> AutoencoderBuilder<T> {
        AutoencoderBuilder::new(input)
    }

    /// The autoencoder whose decoder begins with layer `split`.
    pub(crate) fn from_network(network: Network<T>, split: usize) -> Result<Self, BuildError> {
        let encoder = Arc::new(network.graph_of(0..split)?);
        let decoder = Arc::new(network.graph_of(split..network.all().end)?);
        Ok(Self { network, split, halves: [encoder, decoder] })
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
        let [encoder, _] = &self.halves;
        self.network.part(self.encoder_layers(), encoder)
    }

    /// The decoder as a network of its own, with a copy of its parameters.
    pub fn decoder(&self) -> Network<T> {
        let [_, decoder] = &self.halves;
        self.network.part(self.decoder_layers(), decoder)
    }

    /// The layers, their output shapes and their parameters, as a table.
    pub fn summary(&self) -> Summary {
        self.network.summary()
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

    /// Changes the flat parameter vector, in your own training loop for instance. See [`Network::update_parameters`].
    ///
    /// # Errors
    /// [`ParameterError`]; the model is then unchanged.
    pub fn update_parameters<R>(&mut self, change: impl FnOnce(&mut [T]) -> R) -> Result<R, ParameterError> {
        self.network.update_parameters(change)
    }

    /// Excludes the parameters whose names begin with `prefix` from training. See [`Network::freeze`].
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

    /// Working memory for the `_with` methods, for batches of up to `samples` samples. Each thread needs its own.
    ///
    /// # Errors
    /// [`Error`] if `samples` is 0 or the memory cannot be allocated.
    pub fn workspace(&self, samples: usize) -> Result<Workspace<T>, Error> {
        self.network.workspace(samples)
    }

    /// Encodes samples: code features × samples.
    ///
    /// # Errors
    /// [`Error`] if the batch does not suit the model.
    pub fn encode<'b>(&self, samples: impl Into<Batch<'b, T>>) -> Result<DMatrix<T>, Error> {
        self.network.infer(self.encoder_layers(), samples.into())
    }

    /// [`encode`](Self::encode) without allocating: the codes are in the workspace.
    ///
    /// # Errors
    /// [`Error`] if the batch does not suit the model or the workspace.
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
    /// [`Error`] if the batch does not suit the model.
    pub fn decode<'b>(&self, codes: impl Into<Batch<'b, T>>) -> Result<DMatrix<T>, Error> {
        self.network.infer(self.decoder_layers(), codes.into())
    }

    /// [`decode`](Self::decode) without allocating: the samples are in the workspace.
    ///
    /// # Errors
    /// [`Error`] if the batch does not suit the model or the workspace.
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
    /// [`Error`] if the batch does not suit the model.
    pub fn reconstruct<'b>(&self, samples: impl Into<Batch<'b, T>>) -> Result<DMatrix<T>, Error> {
        self.network.predict(samples)
    }

    /// [`reconstruct`](Self::reconstruct) without allocating: the reconstructions are in the workspace.
    ///
    /// # Errors
    /// [`Error`] if the batch does not suit the model or the workspace.
    pub fn reconstruct_with<'w, 'b>(
        &self,
        workspace: &'w mut Workspace<T>,
        samples: impl Into<Batch<'b, T>>,
    ) -> Result<DMatrixView<'w, T>, Error> {
        self.network.predict_with(workspace, samples)
    }

    /// For each sample, the mean over features of (sample − reconstruction)², in squared units of the data. Large for samples unlike the training data.
    ///
    /// With a [`scaler`](AutoencoderBuilder::scaler), features of large units dominate it; to find anomalies in such data take
    /// [`scaled_reconstruction_error`](Self::scaled_reconstruction_error).
    ///
    /// # Errors
    /// [`Error`] if the batch does not suit the model.
    pub fn reconstruction_error<'b>(&self, samples: impl Into<Batch<'b, T>>) -> Result<Vec<T>, Error> {
        let samples = samples.into();
        let mut errors = Vec::with_capacity(samples.samples());
        self.network.each_output(self.network.all(), samples, |sample, reconstruction| {
            errors.push(mean_squared_error(&samples, sample, reconstruction));
        })?;
        Ok(errors)
    }

    /// For each sample, the mean over features of ((sample − reconstruction) / s)², where the model's [`scaler`](AutoencoderBuilder::scaler) divides each feature by its
    /// s: every feature counts alike, as in training. Without a scaler the same as [`reconstruction_error`](Self::reconstruction_error).
    ///
    /// ```
    /// use autoencoder::nalgebra::DMatrix;
    /// use autoencoder::{Autoencoder, Dense, Shape, StandardScaler};
    ///
    /// // Two features, one in thousandths and one in thousands.
    /// let data = DMatrix::from_fn(2, 50, |feature, sample| [0.001, 1000.0][feature] * (sample % 7) as f64);
    /// let scaler = StandardScaler::fit(&data)?;
    /// let model = Autoencoder::<f64>::builder(Shape::flat(2)).scaler(scaler).encoder(Dense::new(1)).decoder(Dense::new(2)).build()?;
    /// let errors = model.scaled_reconstruction_error(&data)?; // both features count
    /// # assert_eq!(errors.len(), 50);
    /// # Ok::<(), autoencoder::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error`] if the batch does not suit the model.
    pub fn scaled_reconstruction_error<'b>(&self, samples: impl Into<Batch<'b, T>>) -> Result<Vec<T>, Error> {
        let Some(scaler) = self.network.input_scaler() else { return self.reconstruction_error(samples) };
        let samples = samples.into();
        let (mut errors, mut sample) = (Vec::with_capacity(samples.samples()), vec![T::zero(); samples.features()]);
        self.network.each_output(self.network.all(), samples, |index, reconstruction| {
            samples.columns().copy(index, &mut sample);
            let differences = sample.iter().zip(reconstruction).zip(scaler.scale());
            let squares = differences.map(|((value, again), scale)| ((*value - *again).into_f64() / scale).powi(2));
            errors.push(T::from_f64(squares.sum::<f64>() / samples.features().max(1) as f64));
        })?;
        Ok(errors)
    }

    /// [`reconstruction_error`](Self::reconstruction_error) without allocating: writes one error per sample to `errors`.
    ///
    /// # Errors
    /// [`Error`] if the batch does not suit the model or the workspace, or `errors` does not have one element per sample.
    pub fn reconstruction_error_with<'b>(
        &self,
        workspace: &mut Workspace<T>,
        samples: impl Into<Batch<'b, T>>,
        errors: &mut [T],
    ) -> Result<(), Error> {
        let samples = samples.into();
        if errors.len() != samples.samples() {
            let (expected, found) = (samples.samples(), errors.len());
            return Err(InputError::Length { what: "places for errors", expected, found }.into());
        }
        let reconstructions = self.reconstruct_with(workspace, samples)?;
        for (sample, (error, reconstruction)) in errors.iter_mut().zip(reconstructions.column_iter()).enumerate() {
            *error = mean_squared_error(&samples, sample, reconstruction.as_slice());
        }
        Ok(())
    }

    /// For each feature, the mean over samples of (sample − reconstruction)², in squared units of the data: which features the model reconstructs badly.
    ///
    /// # Errors
    /// [`Error`] if the batch does not suit the model.
    pub fn reconstruction_error_per_feature<'b>(&self, samples: impl Into<Batch<'b, T>>) -> Result<Vec<T>, Error> {
        let samples = samples.into();
        let (mut sums, mut sample) = (vec![0.0; samples.features()], vec![T::zero(); samples.features()]);
        self.network.each_output(self.network.all(), samples, |index, reconstruction| {
            samples.columns().copy(index, &mut sample);
            for ((sum, value), again) in sums.iter_mut().zip(&sample).zip(reconstruction) {
                *sum += (*value - *again).into_f64().powi(2);
            }
        })?;
        let count = samples.samples().max(1) as f64;
        Ok(sums.into_iter().map(|sum| T::from_f64(sum / count)).collect())
    }

    /// The output of the layer named `layer` (`encoder.0`, `decoder.2`), after its activation. See [`Network::activations`].
    ///
    /// # Errors
    /// [`Error`] if there is no such layer or the batch does not suit the model.
    pub fn activations<'b>(&self, layer: &str, samples: impl Into<Batch<'b, T>>) -> Result<DMatrix<T>, Error> {
        self.network.activations(layer, samples)
    }

    /// How active the units of the code are over `samples`: their mean, how many are not 0, which are always 0. See [`Network::activity`].
    ///
    /// # Errors
    /// [`Error`] if the batch does not suit the model.
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

/// The mean over features of (sample − reconstruction)² of sample `index`.
fn mean_squared_error<T: Scalar>(samples: &Batch<'_, T>, index: usize, reconstruction: &[T]) -> T {
    let sum = squared_error(&samples.columns(), index, reconstruction);
    T::from_f64(sum / samples.features().max(1) as f64)
}

/// Σ (sample − reconstruction)² of sample `index`; the same bits whether or not the sample is contiguous.
fn squared_error<T: Scalar>(samples: &Columns<'_, T>, index: usize, reconstruction: &[T]) -> f64 {
    if let Some(sample) = samples.run(index, 1) {
        return reduce::squared_differences(sample, reconstruction);
    }
    let mut values = samples.values(index);
    let mut block = [T::zero(); reduce::BLOCK];
    let mut sum = 0.0;
    for again in reconstruction.chunks(reduce::BLOCK) {
        block.iter_mut().zip(values.by_ref().take(again.len())).for_each(|(slot, value)| *slot = value);
        sum += reduce::squared_differences(block.get(..again.len()).unwrap_or(&[]), again);
    }
    sum
}
