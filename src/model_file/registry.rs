//! [`Registry`]: the constructor of each kind of layer.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use crate::layer::{
    Activation, Add, AvgPool, BatchNorm, Concatenate, Conv2D, Conv2DTranspose, Crop, Dense, Dropout, Flatten,
    GaussianLatent, GaussianNoise, L1Activity, Layer, MaxPool, Multiply, Pad, Reshape, TargetRate, TopK, UpSample,
};
use crate::{Config, ConfigError, Scalar};

type Constructor<T> = Box<dyn Fn(&Config) -> Result<Arc<dyn Layer<T>>, ConfigError> + Send + Sync>;

/// The constructor of each kind of layer. The default knows the built-in layers; to load a model
/// with your own layers, register them:
///
/// ```
/// # use autoencoder::{Config, ConfigError, Context, Layer, Plan, Shape, ShapeError, Forward, Backward, Scalar};
/// use autoencoder::{Network, Registry};
///
/// #[derive(Debug)]
/// struct Shift {
///     by: f64,
/// }
///
/// impl Shift {
///     fn from_config(config: &Config) -> Result<Self, ConfigError> {
///         Ok(Self { by: config.only(&["by"])?.number("by")? })
///     }
/// }
///
/// impl<T: Scalar> Layer<T> for Shift {
///     fn kind(&self) -> &'static str {
///         "shift"
///     }
///     fn config(&self) -> Config {
///         Config::new().with("by", self.by)
///     }
///     // plan, forward and backward as usual
/// #     fn plan(&self, input: Shape, _joined: &[Shape]) -> Result<Plan, ShapeError> {
/// #         Ok(Plan::new(input))
/// #     }
/// #     fn forward(&self, _context: &Context<'_, T>, pass: Forward<'_, T>) {
/// #         for (to, from) in pass.output.iter_mut().zip(pass.input) {
/// #             *to = *from + T::from_f64(self.by);
/// #         }
/// #     }
/// #     fn backward(&self, _context: &Context<'_, T>, pass: Backward<'_, T>) {
/// #         if let Some(input_gradient) = pass.input_gradient {
/// #             input_gradient.copy_from_slice(pass.output_gradient);
/// #         }
/// #     }
/// }
///
/// let network = Network::<f32>::builder(Shape::flat(3)).layer(Shift { by: 0.5 }).build()?;
/// let mut bytes = Vec::new();
/// network.write_to(&mut bytes)?;
///
/// let registry = Registry::default().register("shift", Shift::from_config);
/// assert!(Network::<f32>::from_bytes_with(&bytes, &registry).is_ok());
/// let unknown = Network::<f32>::from_bytes(&bytes).unwrap_err();
/// assert!(unknown.to_string().contains("register"));
/// # Ok::<(), autoencoder::Error>(())
/// ```
pub struct Registry<T: Scalar> {
    constructors: BTreeMap<String, Constructor<T>>,
}

impl<T: Scalar> Registry<T> {
    /// Builds layers of `kind` with `construct`, which receives what [`Layer::config`] returned
    /// when the model was saved. A later registration of the same kind replaces an earlier one,
    /// even of a built-in layer.
    ///
    /// `construct` is called when a model is loaded. If it fails, loading fails with
    /// [`ModelFileErrorKind::Layer`](crate::ModelFileErrorKind::Layer), which names the
    /// layer, its kind and the setting; if it returns a layer of another kind, with
    /// [`ModelFileErrorKind::Kind`](crate::ModelFileErrorKind::Kind).
    #[must_use]
    pub fn register<L: Layer<T> + 'static>(
        mut self,
        kind: impl Into<String>,
        construct: impl Fn(&Config) -> Result<L, ConfigError> + Send + Sync + 'static,
    ) -> Self {
        let constructor = move |config: &Config| construct(config).map(|layer| Arc::new(layer) as Arc<dyn Layer<T>>);
        self.constructors.insert(kind.into(), Box::new(constructor));
        self
    }

    /// The kinds that can be built, in alphabetical order.
    pub fn kinds(&self) -> impl Iterator<Item = &str> {
        self.constructors.keys().map(String::as_str)
    }

    /// Builds a layer; `None` for an unknown kind.
    pub(crate) fn build(&self, kind: &str, config: &Config) -> Option<Result<Arc<dyn Layer<T>>, ConfigError>> {
        self.constructors.get(kind).map(|construct| construct(config))
    }

    /// Registers a built-in layer: its configuration must equal the one it writes, so that every
    /// model has one canonical file.
    fn built_in<L: Layer<T> + 'static>(
        self,
        kind: &str,
        construct: impl Fn(&Config) -> Result<L, ConfigError> + Send + Sync + 'static,
    ) -> Self {
        self.register(kind, move |config| {
            let layer = construct(config)?;
            require_equal(config, &layer.config())?;
            Ok(layer)
        })
    }
}

impl<T: Scalar> Default for Registry<T> {
    #[inline(never)] // see `compiled.rs`
    fn default() -> Self {
        Self { constructors: BTreeMap::new() }
            .built_in("activation", |config| {
                Activation::from_config(config.only(&["activation"])?.config("activation")?)
            })
            .built_in("add", Add::from_config)
            .built_in("avg_pool", AvgPool::from_config)
            .built_in("batch_norm", BatchNorm::from_config)
            .built_in("concatenate", Concatenate::from_config)
            .built_in("conv2d", Conv2D::from_config)
            .built_in("conv2d_transpose", Conv2DTranspose::from_config)
            .built_in("crop", Crop::from_config)
            .built_in("dense", Dense::from_config)
            .built_in("dropout", Dropout::from_config)
            .built_in("flatten", Flatten::from_config)
            .built_in("gaussian_latent", GaussianLatent::from_config)
            .built_in("gaussian_noise", GaussianNoise::from_config)
            .built_in("l1_activity", L1Activity::from_config)
            .built_in("max_pool", MaxPool::from_config)
            .built_in("multiply", Multiply::from_config)
            .built_in("pad", Pad::from_config)
            .built_in("reshape", Reshape::from_config)
            .built_in("target_rate", TargetRate::from_config)
            .built_in("top_k", TopK::from_config)
            .built_in("up_sample", UpSample::from_config)
    }
}

impl<T: Scalar> fmt::Debug for Registry<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_set().entries(self.kinds()).finish()
    }
}

/// `Ok` if the entries and their order are equal; the error names the first that differs.
fn require_equal(found: &Config, written: &Config) -> Result<(), ConfigError> {
    if found == written {
        return Ok(());
    }
    let different = found.entries().zip(written.entries()).find(|(found, written)| found != written);
    let name = different.map_or("config", |((name, _), _)| name).to_owned();
    Err(ConfigError::Invalid { name, expected: "as this layer would write it" })
}
