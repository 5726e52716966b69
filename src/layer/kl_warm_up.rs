//! [`KlWarmUp`]: a weight of the divergence that depends on how far training has come.

use crate::{Config, ConfigError, OptionError, option};

/// The share of the weight β of a variational layer's divergence that is in force after some epochs. Counted in steps: half-way through the third epoch is 2.5.
/// (The learning rate's warm-up is [`WarmUp`](crate::WarmUp).)
///
/// ```
/// use autoencoder::KlWarmUp;
///
/// assert_eq!(KlWarmUp::Linear { epochs: 10.0 }.share(2.5), 0.25);
/// assert_eq!(KlWarmUp::Cyclic { epochs: 10.0, rise: 0.5 }.share(12.5), 0.5);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Default)]
#[non_exhaustive]
pub enum KlWarmUp {
    /// The whole weight from the start.
    #[default]
    None,
    /// min(1, t / epochs) after t epochs; Bowman et al. 2015, Sønderby et al. 2016.
    Linear {
        /// When the whole weight is reached; above 0.
        epochs: f64,
    },
    /// min(1, (t mod epochs) / (rise · epochs)): from 0 again and again; Fu et al. 2019, who take 4 cycles in all and a rise of ½.
    Cyclic {
        /// How long a cycle takes; above 0.
        epochs: f64,
        /// The share of a cycle in which the weight rises; above 0, at most 1.
        rise: f64,
    },
}

impl KlWarmUp {
    /// The share of the weight after `epoch` epochs, 0 to 1 whatever the epoch.
    pub fn share(self, epoch: f64) -> f64 {
        let share = match self {
            Self::None => 1.0,
            Self::Linear { epochs } => epoch / epochs,
            Self::Cyclic { epochs, rise } => epoch.rem_euclid(epochs) / (rise * epochs),
        };
        if share > 0.0 { share.min(1.0) } else { 0.0 } // for what is not a number, too
    }

    /// The epochs after which the whole weight is reached for the first time.
    pub(super) fn first_whole(self) -> f64 {
        match self {
            Self::None => 0.0,
            Self::Linear { epochs } => epochs,
            Self::Cyclic { epochs, rise } => rise * epochs,
        }
    }

    /// `Ok` if the numbers are in their range.
    pub(super) fn check(self) -> Result<(), OptionError> {
        let (epochs, rise) = match self {
            Self::None => return Ok(()),
            Self::Linear { epochs } => (epochs, 1.0),
            Self::Cyclic { epochs, rise } => (epochs, rise),
        };
        option::positive("epochs", epochs)?;
        OptionError::require(rise > 0.0 && rise <= 1.0, "rise", rise, "a number above 0, at most 1")
    }

    pub(super) fn config(self) -> Config {
        let named = |kind: &str| Config::new().with("kind", kind);
        match self {
            Self::None => named("none"),
            Self::Linear { epochs } => named("linear").with("epochs", epochs),
            Self::Cyclic { epochs, rise } => named("cyclic").with("epochs", epochs).with("rise", rise),
        }
    }

    pub(super) fn from_config(config: &Config) -> Result<Self, ConfigError> {
        match config.text("kind")? {
            "none" => config.only(&["kind"]).map(|_| Self::None),
            "linear" => Ok(Self::Linear { epochs: config.only(&["kind", "epochs"])?.number("epochs")? }),
            "cyclic" => {
                let config = config.only(&["kind", "epochs", "rise"])?;
                Ok(Self::Cyclic { epochs: config.number("epochs")?, rise: config.number("rise")? })
            }
            _ => Err(ConfigError::Invalid { name: "kind".to_owned(), expected: "the name of a warm-up" }),
        }
    }
}
