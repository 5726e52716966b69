//! Tests of the code the examples share.

#[path = "../examples/support/mod.rs"]
mod support;

use std::path::{Path, PathBuf};
use std::{env, fs, process};

use approx::assert_relative_eq;
use nalgebra::DMatrix;

use support::arguments::Arguments;
use support::auc::area_under_roc_curve;
use support::charts::{self, Labels, Series};
use support::command_line::{CommandLine, Request};
use support::gallery;
use support::knn::{NearestNeighbors, accuracy};
use support::pca::Pca;
use support::pictures::ImageGrid;
use support::progress::Progress;

const LABELS: Labels<'static> = Labels { title: "A title with <marks>", x: "epoch", y: "loss" };

fn command_line() -> CommandLine {
    CommandLine::new("anomaly", "Finds unlikely digits.", 10)
        .integer("digit", 1, 0..=9, "the digit to train on")
        .float("quantile", 0.95, 0.0..=1.0, "where the threshold lies")
        .flag("quiet", "draw nothing")
}

fn run(arguments: &'static [&'static str]) -> Arguments {
    match command_line().parse_from(arguments) {
        Ok(Request::Run(arguments)) => arguments,
        other => panic!("{other:?}"),
    }
}

fn problem(arguments: &'static [&'static str]) -> String {
    match command_line().parse_from(arguments) {
        Err(error) => error.to_string(),
        other => panic!("{other:?}"),
    }
}

/// A folder for one test, removed at its end.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        Self(env::temp_dir().join(format!("autoencoder-support-{name}-{}", process::id())))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn matrix<const ROWS: usize, const COLUMNS: usize>(rows: [[f32; COLUMNS]; ROWS]) -> DMatrix<f32> {
    DMatrix::from_fn(ROWS, COLUMNS, |row, column| rows[row][column])
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap()
}

#[test]
fn arguments_have_defaults() {
    let arguments = run(&[]);
    assert_eq!(arguments.data, None);
    assert_eq!(arguments.epochs, 10);
    assert_eq!(arguments.seed, 42);
    assert_eq!(arguments.threads, None);
    assert!(arguments.output.ends_with("target/pictures/anomaly"));
    assert_eq!(arguments.integer("digit"), 1);
    assert_eq!(arguments.float("quantile"), 0.95);
    assert!(!arguments.flag("quiet"));
}

#[test]
fn arguments_are_read() {
    let arguments = run(&[
        "--data=examples",
        "--epochs",
        "3",
        "--seed=18446744073709551615",
        "--threads=2",
        "--output",
        "pictures",
        "--digit=7",
        "--quantile=0.5",
        "--quiet",
    ]);
    assert_eq!(arguments.data, Some(PathBuf::from("examples")));
    assert_eq!(arguments.epochs, 3);
    assert_eq!(arguments.seed, u64::MAX);
    assert_eq!(arguments.threads, Some(2));
    assert_eq!(arguments.file("map.svg"), Path::new("pictures").join("map.svg"));
    assert_eq!(arguments.integer("digit"), 7);
    assert_eq!(arguments.float("quantile"), 0.5);
    assert!(arguments.flag("quiet"));
}

#[test]
fn bad_arguments_are_named() {
    let table: [(&[&str], &str); 10] = [
        (&["--epochs", "0"], r#"--epochs is "0", but has to be a whole number from 1"#),
        (&["--epochs=ten"], r#"--epochs is "ten", but has to be a whole number from 1"#),
        (&["--threads=0"], r#"--threads is "0", but has to be a whole number from 1 to 1024"#),
        (&["--digit=10"], r#"--digit is "10", but has to be a whole number from 0 to 9"#),
        (&["--quantile=nan"], r#"--quantile is "nan", but has to be a number from 0 to 1"#),
        (&["--data=no/such/folder"], r#"--data is "no/such/folder", but has to be a folder that exists"#),
        (&["--seed"], "missing argument for option '--seed'"),
        (&["--epoch=1"], "invalid option '--epoch'"),
        (&["--quiet=1"], r#"unexpected argument for option '--quiet': "1""#),
        (&["mnist"], r#"unexpected argument "mnist""#),
    ];
    for (arguments, message) in table {
        assert_eq!(problem(arguments), message);
    }
}

#[test]
fn help_describes_the_example_and_its_options() {
    let Ok(Request::Help(text)) = command_line().parse_from(["--epochs", "3", "--help"]) else {
        panic!("no help");
    };
    assert!(text.starts_with("Finds unlikely digits.\n\nUsage: cargo run --release"));
    assert!(text.contains("--example anomaly -- [OPTIONS]"));
    assert!(text.contains("--epochs N      passes over the training images [default: 10]\n"));
    assert!(text.contains("--digit N       the digit to train on [default: 1]\n"));
    assert!(text.contains("--quiet         draw nothing\n"));
    assert!(text.contains("-h, --help      print this text\n"));
}

#[test]
fn the_area_under_the_curve_counts_ordered_pairs() {
    let others_first = [false, false, true, true];
    let auc = |scores: &[f32]| area_under_roc_curve(scores, &others_first).unwrap();
    assert_eq!(auc(&[0.1, 0.2, 0.3, 0.4]), 1.0);
    assert_eq!(auc(&[0.4, 0.3, 0.2, 0.1]), 0.0);
    assert_eq!(auc(&[0.1, 0.4, 0.35, 0.8]), 0.75); // the example of scikit-learn's `roc_auc_score`
    assert_eq!(auc(&[0.5, 0.5, 0.5, 0.5]), 0.5);
    assert_eq!(auc(&[0.1, 0.5, 0.5, 0.9]), 0.875);
    assert_eq!(auc(&[-0.0, 0.0, 0.0, -0.0]), 0.5);
    assert_eq!(area_under_roc_curve(&[0.1, 0.2], &[true, true]), None);
    assert!(area_under_roc_curve(&[0.1, f64::NAN], &[true, false]).is_some_and(f64::is_nan));
    assert_eq!(area_under_roc_curve::<f64>(&[], &[]), None);
}

#[test]
fn the_nearest_neighbors_vote() {
    let samples = matrix([[0.0, 1.0, 2.0, 10.0, 11.0]]);
    let labels = [3, 3, 5, 7, 7];
    let queries = matrix([[0.4, 2.1, 100.0]]);
    let predict = |k| NearestNeighbors::fit(k, &samples, &labels).predict(&queries);
    assert_eq!(predict(1), [3, 5, 7]);
    assert_eq!(predict(3), [3, 3, 7]);
    assert_eq!(predict(2), [3, 5, 7]); // 2.1 has a vote for 5 and one for 3: the nearer wins
    assert_eq!(predict(99), [3, 3, 7]); // all vote: 3 and 7 have two each, 5 has one
}

#[test]
fn the_nearest_neighbors_are_those_of_a_plain_search() {
    // Far from the origin and in more than one block, where rounding and block borders would show.
    let sample = |row: usize, column: usize| ((row * 37 + column * 101) % 97) as f32 + 1000.0;
    let samples = DMatrix::from_fn(12, 300, sample);
    let queries = DMatrix::from_fn(12, 150, |row, column| sample(row + 5, column * 3) + 0.25);
    let labels: Vec<u8> = (0..300).map(|index| (index % 256) as u8).collect();
    let plain: Vec<u8> = queries
        .column_iter()
        .map(|query| {
            let distance = |index: usize| (samples.column(index) - query).norm_squared();
            let nearest = (0..300).min_by(|&a, &b| distance(a).total_cmp(&distance(b)));
            labels[nearest.unwrap()]
        })
        .collect();
    assert_eq!(NearestNeighbors::fit(1, &samples, &labels).predict(&queries), plain);
}

#[test]
fn accuracy_is_the_fraction_that_is_right() {
    assert_eq!(accuracy(&[1, 2, 3, 4], &[1, 2, 3, 9]), 0.75);
}

#[test]
fn principal_components_follow_the_largest_variance() {
    // Points along (3, 4) / 5 around (1, 2), and a feature that never changes.
    let samples = matrix([[-5.0, 1.0, 7.0], [-6.0, 2.0, 10.0], [4.0, 4.0, 4.0]]);
    let pca = Pca::fit(&samples, 1);
    let codes = pca.transform(&samples);
    assert_relative_eq!(codes.abs(), matrix([[10.0, 0.0, 10.0]]), epsilon = 1e-5);
    assert_relative_eq!(pca.inverse_transform(&codes), samples, epsilon = 1e-5);
}

#[test]
fn principal_components_are_orthonormal_and_sorted() {
    let samples = DMatrix::from_fn(20, 3000, |row, column| ((row * 31 + column * 17) % (5 + row)) as f32 / 4.0);
    let pca = Pca::fit(&samples, 20);
    let codes = pca.transform(&samples);
    let variances: Vec<f32> = codes.row_iter().map(|row| row.variance()).collect();
    assert!(variances.is_sorted_by(|a, b| a >= &(b - 1e-4)));
    assert_relative_eq!(pca.inverse_transform(&codes), samples, epsilon = 1e-4);
}

#[test]
fn principal_components_of_few_samples_are_those_of_many() {
    let few = DMatrix::from_fn(60, 20, |row, column| ((row * 31 + column * 17) % (5 + row)) as f32 / 4.0);
    let many = DMatrix::from_fn(60, 80, |row, column| few[(row, column % 20)]); // each four times: the same covariance
    let codes = |pca: Pca| pca.transform(&few).abs(); // an eigenvector's sign is arbitrary
    assert_relative_eq!(codes(Pca::fit(&few, 5)), codes(Pca::fit(&many, 5)), epsilon = 1e-2);
}

#[test]
fn principal_components_of_dead_features_are_finite() {
    for scale in [0.0, 1e-20, 1.0] {
        let samples = DMatrix::from_fn(64, 50, |row, column| match row % 3 {
            0 => scale * (column % 7) as f32,
            _ => 0.0,
        });
        let pca = Pca::fit(&samples, 8);
        let codes = pca.transform(&samples);
        assert!(codes.iter().all(|value| value.is_finite()));
        assert_relative_eq!(pca.inverse_transform(&codes), samples, epsilon = 1e-4);
    }
}

#[test]
fn a_grid_shows_rows_of_grey_images() {
    let above = matrix([[0.0, 1.0], [1.0, 0.5]]); // two images of 1 x 2 pixels
    let below = matrix([[f32::NAN], [2.0]]);
    let png = ImageGrid::new(1, 2).scale(2).row(&above).row(&below).to_png();
    let (info, pixels) = decode(&png.unwrap());
    assert_eq!((info.width, info.height), (10, 6));
    assert_eq!(info.color_type, png::ColorType::Grayscale);
    let first = [0, 0, 255, 255, 255, 255, 255, 255, 128, 128];
    let gap = [255; 10];
    let last = [0, 0, 255, 255, 255, 255, 255, 255, 255, 255];
    assert_eq!(pixels, [first, first, gap, gap, last, last].concat());
}

/// Ten of the first, ten of the second, ten of the third; then what is left of each.
#[test]
fn versions_of_images_stand_below_each_other() {
    let version = |intensity: f32| DMatrix::from_element(28 * 28, 12, intensity);
    let (info, bytes) = decode(&gallery::rows(&[&version(0.0), &version(1.0), &version(0.4)]).to_png().unwrap());
    assert_eq!((info.width, info.height), (3 * (10 * 29 - 1), 3 * (6 * 29 - 1)));
    let centre =
        |row: usize, column: usize| bytes[(3 * (29 * row + 14)) * info.width as usize + 3 * (29 * column + 14)];
    assert_eq!([0, 1, 2, 3, 4, 5].map(|row| centre(row, 1)), [0, 255, 102, 0, 255, 102]);
    assert_eq!(centre(3, 2), 255, "no third image is left");
}

#[test]
fn a_grid_shows_rgb_images() {
    let image = matrix([[1.0], [0.0], [0.0], [0.0], [1.0], [-1.0]]); // a red pixel above a green one
    let png = ImageGrid::new(2, 1).rgb().scale(1).row(&image).to_png();
    let (info, pixels) = decode(&png.unwrap());
    assert_eq!((info.width, info.height), (1, 2));
    assert_eq!(info.color_type, png::ColorType::Rgb);
    assert_eq!(pixels, [255, 0, 0, 0, 255, 0]);
}

fn decode(png: &[u8]) -> (png::OutputInfo, Vec<u8>) {
    let mut reader = png::Decoder::new(std::io::Cursor::new(png)).read_info().unwrap();
    let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
    let info = reader.next_frame(&mut pixels).unwrap();
    (info, pixels)
}

#[test]
fn pictures_make_their_folder_and_name_a_path_that_fails() {
    let folder = Folder::new("pictures");
    let grid = ImageGrid::new(1, 1).row(&matrix([[0.5]]));
    let path = folder.0.join("new").join("grid.png");
    grid.save(&path).unwrap();
    assert!(path.is_file());
    let error = grid.save(&path.join("below_a_file.png")).unwrap_err();
    assert!(error.to_string().contains("below_a_file.png"));
}

#[test]
fn charts_are_drawn_of_any_values() {
    let folder = Folder::new("charts");
    let values: [&[f64]; 5] = [&[], &[0.5], &[0.5, 0.5], &[f64::NAN, 1.0, f64::INFINITY], &[0.3, 0.2, 0.1]];
    for (index, values) in values.into_iter().enumerate() {
        let series = [Series::new("training loss", values.iter().copied()), Series::new("validation loss", [0.25_f32])];
        let path = folder.0.join(format!("{index}.svg"));
        charts::curves(&path, &LABELS, &series).unwrap();
        assert_chart(&read(&path), "training loss");
        charts::histogram(&path, &LABELS, &series, 20).unwrap();
        assert_chart(&read(&path), "validation loss");
    }
}

#[test]
fn a_map_shows_each_finite_point() {
    let folder = Folder::new("map");
    let points = matrix([[0.0, 1.0, 2.0, f32::NAN], [3.0, 4.0, 5.0, 6.0]]);
    let path = folder.0.join("map.svg");
    charts::scatter(&path, &LABELS, &points, &[0, 7, 7, 9]).unwrap();
    let svg = read(&path);
    assert_chart(&svg, "7");
    let (points, digits) = (3, 2);
    // A digit has a dot in the legend, and a white and a coloured one on the map.
    assert_eq!(svg.matches("<circle").count(), points + 3 * digits);
}

fn assert_chart(svg: &str, name: &str) {
    assert!(svg.starts_with("<svg") && svg.trim_end().ends_with("</svg>"));
    assert!(svg.contains("A title with &lt;marks&gt;"));
    assert!(svg.contains(&format!("\n{name}\n")));
    assert!(!svg.contains("NaN"));
}

#[test]
fn progress_takes_any_numbers() {
    let progress = Progress::new(2);
    progress.update(1, 1, 36, 0.5, 1e4);
    progress.finish_epoch(1, 0.4, None, 0.25, 36_000.0);
    progress.finish_epoch(2, f64::NAN, Some(0.3), 0.0, f64::INFINITY);
    progress.finish();
}
