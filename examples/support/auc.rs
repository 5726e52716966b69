//! Area under the ROC curve.

/// How well scores tell positive samples from the others: the probability that a positive sample
/// scores higher than another one, where equal scores count a half. 1 is perfect, 0.5 is chance;
/// NaN where a score is, for it has no rank. `None` where either kind is missing.
///
/// From the ranks: AUC = (R₊ − n₊(n₊ + 1)/2) / (n₊ n₋), with R₊ the sum of the positive samples'
/// ranks (Mann-Whitney U).
pub fn area_under_roc_curve<T: Copy + Into<f64>>(scores: &[T], positive: &[bool]) -> Option<f64> {
    assert_eq!(scores.len(), positive.len(), "one label for each score");
    let positives = positive.iter().filter(|&&is_positive| is_positive).count() as f64;
    let negatives = positive.len() as f64 - positives;
    if positives == 0.0 || negatives == 0.0 {
        return None;
    }
    if scores.iter().any(|&score| score.into().is_nan()) {
        return Some(f64::NAN);
    }
    let rank_sum: f64 =
        ranks(scores).iter().zip(positive).filter(|&(_, &is_positive)| is_positive).map(|(rank, _)| rank).sum();
    Some((rank_sum - positives * (positives + 1.0) / 2.0) / (positives * negatives))
}

/// The rank of each score, from 1; equal scores share the mean of their ranks.
fn ranks<T: Copy + Into<f64>>(scores: &[T]) -> Vec<f64> {
    let score = |sample: usize| -> f64 { scores[sample].into() };
    let mut order: Vec<usize> = (0..scores.len()).collect();
    order.sort_by(|&left, &right| score(left).total_cmp(&score(right)));

    let mut ranks = vec![0.0; scores.len()];
    let mut before = 0;
    for ties in order.chunk_by(|&left, &right| score(left) == score(right)) {
        let rank = before as f64 + (ties.len() + 1) as f64 / 2.0;
        ties.iter().for_each(|&sample| ranks[sample] = rank);
        before += ties.len();
    }
    ranks
}
