//! [`Feature`]: the statistics of one feature over the samples looked at.

/// The statistics of one feature over the samples looked at. A mean and a variance are sums of
/// distances from the first value, so that they do not cancel.
#[derive(Debug, Clone, Default)]
pub(super) struct Feature {
    count: u32,
    first: f64,
    sum: f64,
    squares: f64,
    pub lowest: f64,
    pub highest: f64,
    /// The first value that differs from the first.
    other: Option<f64>,
    /// There are more than two values.
    pub continuous: bool,
    /// How many values are further from 0 than [`LARGE`](super::units::LARGE).
    pub large: u32,
}

impl Feature {
    pub fn add(&mut self, value: f64) {
        if self.count == 0 {
            *self = Self { first: value, lowest: value, highest: value, ..Self::default() };
        }
        self.count += 1;
        let distance = value - self.first;
        self.sum += distance;
        self.squares += distance * distance;
        self.lowest = self.lowest.min(value);
        self.highest = self.highest.max(value);
        self.large += u32::from(value.abs() > super::units::LARGE);
        match self.other {
            None if distance != 0.0 => self.other = Some(value),
            Some(other) if distance != 0.0 && value != other => self.continuous = true,
            _ => {}
        }
    }

    pub fn mean(&self) -> f64 {
        self.first + self.sum / f64::from(self.count.max(1))
    }

    /// The standard deviation, exactly 0 for equal values.
    pub fn deviation(&self) -> f64 {
        let count = f64::from(self.count.max(1));
        let mean = self.sum / count;
        (self.squares / count - mean * mean).max(0.0).sqrt()
    }

    /// The value of all samples, if it is the same.
    pub fn constant(&self) -> Option<f64> {
        self.other.is_none().then_some(self.first)
    }

    /// The largest distance from 0.
    pub fn largest(&self) -> f64 {
        self.lowest.abs().max(self.highest.abs())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(values: &[f64]) -> Feature {
        let mut feature = Feature::default();
        values.iter().for_each(|value| feature.add(*value));
        feature
    }

    #[test]
    fn statistics_of_a_feature() {
        let feature = of(&[1e6 + 1.0, 1e6 - 1.0, 1e6 + 1.0, 1e6 - 1.0]);
        assert_eq!((feature.mean(), feature.deviation()), (1e6, 1.0));
        assert!(!feature.continuous && feature.constant().is_none());
        assert_eq!((feature.large, feature.largest()), (4, 1e6 + 1.0));
        let feature = of(&[0.3, 0.1, 0.2]);
        assert!(feature.continuous);
        assert_eq!((feature.lowest, feature.highest, feature.large), (0.1, 0.3, 0));
        let feature = of(&[0.1; 7]);
        assert_eq!((feature.constant(), feature.deviation()), (Some(0.1), 0.0));
    }
}
