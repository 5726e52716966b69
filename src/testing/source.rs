//! [`check_source`]: checks everything that the crate requires of a data source.

use super::numbers::{Numbers, all_finite, first_difference};
use super::report::{Attempt, Report, Verdict, fails, verdict};
use crate::Scalar;
use crate::data::{DataError, Source};

/// The most samples that are read; of larger sources this many spread-out ones.
const MOST: usize = 64;

/// The most features of a sample; limited because checks keep several copies.
const MOST_FEATURES: usize = 1 << 20;

/// Checks a data source.
///
/// ```
/// use autoencoder::nalgebra::DMatrix;
/// use autoencoder::testing::check_source;
///
/// let data = DMatrix::<f32>::from_fn(5, 20, |feature, sample| (feature * sample) as f32);
/// check_source(&data).into_result()?;
/// # Ok::<(), autoencoder::testing::CheckFailed>(())
/// ```
#[must_use = "a report has to be looked at: `into_result()?`"]
pub fn check_source<T: Scalar>(source: &dyn Source<T>) -> Report {
    Report::of(|report| check(report, source))
}

fn check<T: Scalar>(report: &mut Report, source: &dyn Source<T>) {
    let (samples, features) = (source.len(), source.features());
    report.name(format!("{samples} samples of {features} features"));
    let can_be_checked = report.make("its samples are not too large to be checked", || {
        let features = features.max(source.side_features());
        Verdict::fails_if(
            features > MOST_FEATURES,
            format!("{features} numbers a sample; at most {MOST_FEATURES} are checked"),
        )
    });
    if !can_be_checked {
        return;
    }
    report.make("its size is the same every time", || {
        let differs = source.len() != samples || source.features() != features || source.is_empty() != (samples == 0);
        Verdict::fails_if(
            differs,
            "`len`, `features` or `is_empty` gives another answer the second time: a source is fixed while it is read",
        )
    });
    report.make("no sample can be read past the end", || {
        let past =
            [samples, samples.saturating_add(1), usize::MAX].iter().any(|sample| read(source, &[*sample], 0.0).is_ok());
        Verdict::fails_if(past, "reading a sample that does not exist is no error: `DataError::NoSuchSample`")
    });
    report.make("reading nothing reads nothing", || {
        source.read(&[], &mut []).map_or_else(|error| fails("no samples cannot be read", error), |()| Verdict::Holds)
    });
    let step = samples.div_ceil(MOST).max(1);
    let chosen: Vec<usize> = (0..samples).step_by(step).collect();
    if chosen.is_empty() || features == 0 {
        report.add("what is read", Verdict::Skip("it has no samples, or none with features"));
        return;
    }
    let mut values = Vec::new();
    let read_them = || {
        values = read(source, &chosen, 0.0)?;
        Ok(Verdict::Holds)
    };
    if !report.make("samples can be read", || verdict(read_them)) {
        return;
    }
    let read_again = |before: f64| {
        verdict(|| {
            let again = read(source, &chosen, before)?;
            let differs = first_difference(&again, &values).is_some();
            Ok(Verdict::fails_if(
                differs,
                "the same samples read again are other numbers: what is random is drawn from the sample's number",
            ))
        })
    };
    report.make("a sample is the same every time it is read", || read_again(0.0));
    report.make("every element of a batch is written", || match read_again(f64::NAN) {
        Verdict::Fails(_) => Verdict::Fails(
            "an element of the batch is what the buffer held before, or made of it: `read` writes every element"
                .to_owned(),
        ),
        other => other,
    });
    report
        .make("a sample is the same alone, in any order, and twice in a batch", || any_order(source, &chosen, &values));
    report.make("single values are those of the samples", || single_values(source, &chosen, &values));
    report.make("values are finite", || {
        Verdict::fails_if(
            !all_finite(&values),
            "NaN or infinity: training on it is an error; replace or leave out such samples",
        )
    });
    report.make("several threads read at once", || at_once(source, &chosen, &values));
    report.make("a buffer of another length makes no panic", || {
        for length in [0, 1, features.saturating_sub(1), features + 1] {
            let _ = source.read(&[0], &mut vec![T::zero(); length]); // any result will do
        }
        Verdict::Holds
    });
    report.make("side inputs are the same every time", || side_inputs(source, &chosen));
}

fn wrong(error: DataError) -> Verdict {
    fails("a sample cannot be read", error)
}

fn read<T: Scalar>(source: &dyn Source<T>, samples: &[usize], before: f64) -> Attempt<Vec<T>> {
    let mut values = vec![T::from_f64(before); samples.len() * source.features()];
    source.read(samples, &mut values).map_err(wrong)?;
    Ok(values)
}

fn any_order<T: Scalar>(source: &dyn Source<T>, chosen: &[usize], values: &[T]) -> Verdict {
    verdict(|| {
        let features = source.features();
        let of = |place: usize| values.get(place * features..(place + 1) * features).unwrap_or(&[]);
        let mut order = Numbers::new(3).order(chosen.len());
        order.extend_from_within(..order.len().min(3));
        let samples: Vec<usize> = order.iter().filter_map(|place| chosen.get(*place).copied()).collect();
        let expected: Vec<T> = order.iter().flat_map(|place| of(*place).to_vec()).collect();
        let mut differs = first_difference(&read(source, &samples, 0.0)?, &expected).is_some();
        for (place, sample) in chosen.iter().enumerate() {
            differs |= first_difference(&read(source, &[*sample], 0.0)?, of(place)).is_some();
        }
        Ok(Verdict::fails_if(
            differs,
            "what a sample is depends on what is read with it, or before it: read each by its number alone",
        ))
    })
}

fn single_values<T: Scalar>(source: &dyn Source<T>, chosen: &[usize], values: &[T]) -> Verdict {
    verdict(|| {
        let features = source.features();
        for (sample, expected) in chosen.iter().zip(values.chunks(features)).take(8) {
            for (feature, expected) in expected.iter().enumerate() {
                let value = source.value(*sample, feature).map_err(wrong)?;
                if first_difference(&[value], &[*expected]).is_some() {
                    return Err(Verdict::Fails(format!(
                        "`value({sample}, {feature})` is {value}, `read` gives {expected} there: leave `value` out, or read the same"
                    )));
                }
            }
        }
        let past = source.value(0, features).is_ok() || source.value(source.len(), 0).is_ok();
        Ok(Verdict::fails_if(
            past,
            "`value` of a feature or a sample that does not exist is no error: `DataError::NoSuchFeature`, `NoSuchSample`",
        ))
    })
}

fn at_once<T: Scalar>(source: &dyn Source<T>, chosen: &[usize], values: &[T]) -> Verdict {
    let differs = std::thread::scope(|scope| {
        let readers: Vec<_> = (0..4)
            .map(|_| {
                scope.spawn(|| read(source, chosen, 0.0).is_ok_and(|read| first_difference(&read, values).is_none()))
            })
            .collect();
        readers.into_iter().any(|reader| !reader.join().unwrap_or(false))
    });
    Verdict::fails_if(
        differs,
        "read by four threads at once, samples are other numbers, or errors: share nothing that is written, or lock it",
    )
}

fn side_inputs<T: Scalar>(source: &dyn Source<T>, chosen: &[usize]) -> Verdict {
    let features = source.side_features();
    if features == 0 {
        return Verdict::Skip("it has none");
    }
    verdict(|| {
        let side = |before: f64| -> Attempt<Vec<T>> {
            let mut values = vec![T::from_f64(before); chosen.len() * features];
            source.read_side(chosen, &mut values).map_err(wrong)?;
            Ok(values)
        };
        let (one, other) = (side(0.0)?, side(f64::NAN)?);
        let wrong = first_difference(&one, &other).is_some() || !all_finite(&one);
        Ok(Verdict::fails_if(
            wrong,
            "side inputs are other numbers the second time, not written, or not finite: `read_side` writes every element",
        ))
    })
}
