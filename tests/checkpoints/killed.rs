//! A process that is killed at any moment, and started again, ends with the bytes of one that was
//! left alone.
//!
//! ```text
//! AUTOENCODER_KILLS=1000 cargo test --test checkpoints killed -- --nocapture
//! ```

use std::io::{Read, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use autoencoder::{Adam, Checkpoints};

use crate::common::{Numbers, Outcome};
use crate::support::{Folder, bytes, data, model, trainer};

/// How many processes are killed unless the environment variable `AUTOENCODER_KILLS` says
/// otherwise.
const KILLS: usize = 50;
const INTERVAL: usize = 3;
const FOLDER: &str = "AUTOENCODER_TEST_FOLDER";
const RESULT: &str = "result";

/// What a process of its own runs; by itself a test of nothing.
#[test]
fn the_process() -> Outcome {
    let Some(folder) = std::env::var_os(FOLDER) else { return Ok(()) };
    let folder = Path::new(&folder);
    let mut model = model::<f32>()?;
    let say = |progress: &autoencoder::Progress| {
        let step = (progress.epoch - 1) * progress.steps + progress.step;
        let _ = std::io::stderr().write_all(&(step as u32).to_le_bytes());
    };
    trainer(Adam::new(0.01))
        .epochs(12)
        .threads(1)
        .checkpoints(Checkpoints::new(folder).every_steps(INTERVAL))
        .resume_or_start(folder)
        .on_progress(say)
        .fit(&mut model, &data())?;
    std::fs::write(folder.join(RESULT), bytes(&model))?;
    Ok(())
}

fn start(folder: &Folder) -> std::io::Result<Child> {
    Command::new(std::env::current_exe()?)
        .args(["--exact", "killed::the_process", "--nocapture"])
        .env(FOLDER, folder.path())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
}

/// Waits for the process: the first and the last step that it has told of.
fn steps(mut process: Child) -> std::io::Result<Option<(usize, usize)>> {
    let mut told = Vec::new();
    if let Some(mut pipe) = process.stderr.take() {
        pipe.read_to_end(&mut told)?;
    }
    process.wait()?;
    let step = |bytes: &[u8; 4]| u32::from_le_bytes(*bytes) as usize;
    let steps = told.as_chunks().0;
    Ok(steps.first().map(step).zip(steps.last().map(step)))
}

#[test]
fn processes() -> Outcome {
    let undisturbed = Folder::new("undisturbed");
    let started = Instant::now();
    assert_eq!(steps(start(&undisturbed)?)?, Some((1, 84)));
    let duration = started.elapsed();
    let expected = std::fs::read(undisturbed.path().join(RESULT))?;

    let kills = std::env::var("AUTOENCODER_KILLS").ok().and_then(|kills| kills.parse().ok()).unwrap_or(KILLS);
    let (next, midway) = (AtomicUsize::new(0), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        let work = || -> Result<(), String> {
            loop {
                let run = next.fetch_add(1, Ordering::Relaxed);
                if run >= kills {
                    return Ok(());
                }
                let moment = duration.mul_f64(Numbers::new(run as u64).unit());
                let was_midway =
                    kill_and_go_on(run, moment, &expected).map_err(|error| format!("run {run}: {error}"))?;
                midway.fetch_add(usize::from(was_midway), Ordering::Relaxed);
            }
        };
        let threads: Vec<_> = (0..2).map(|_| scope.spawn(work)).collect();
        threads.into_iter().try_for_each(|thread| thread.join().expect("no panic"))
    })?;
    println!("{kills} processes of {duration:.2?} were killed, {} of them while they trained", midway.into_inner());
    Ok(())
}

/// Kills a process after that time and starts it again; whether it had begun to train.
fn kill_and_go_on(run: usize, moment: Duration, expected: &[u8]) -> Result<bool, Box<dyn std::error::Error>> {
    let folder = Folder::new(&format!("killed-{run}"));
    let mut process = start(&folder)?;
    std::thread::sleep(moment);
    process.kill()?;
    let before = steps(process)?;
    let finished = folder.path().join(RESULT).exists();

    let after = steps(start(&folder)?)?;
    let result = std::fs::read(folder.path().join(RESULT))?;
    if result != expected {
        return Err("the result has other bytes".into());
    }
    let Some((_, last)) = before else { return Ok(false) };
    let saved = (last - 1) / INTERVAL * INTERVAL; // step `last` was taken after that checkpoint was on the disk
    match after {
        Some((first, _)) if first <= saved => {
            Err(format!("killed behind step {last}, gone on with step {first}").into())
        }
        None if last < 84 && !finished => Err("the second process took no step".into()),
        _ => Ok(true),
    }
}
