//! A long real run: the program `flowrun` on many pseudo-terminals at once, each with a chatty device behind it, and a
//! judgement of its memory, its deadlines and its use of the processor.
//!
//! `docs/soak.md` says what is measured and what came of it.

#[cfg(target_os = "linux")]
mod child;
#[cfg(target_os = "linux")]
mod device;
#[cfg(target_os = "linux")]
mod verdict;

#[cfg(not(target_os = "linux"))]
fn main() {
    println!("the soak reads /proc and needs Linux");
}

#[cfg(target_os = "linux")]
fn main() -> std::process::ExitCode {
    linux::main()
}

#[cfg(target_os = "linux")]
mod linux {
    use std::fs::{self, File};
    use std::path::{Path, PathBuf};
    use std::process::{Command, ExitCode, Stdio};
    use std::time::Duration;

    use flowrun::time::Moment;
    use flowrun::transport::Clock;

    use super::child::Child;
    use super::device::{Devices, Temper};
    use super::verdict::{Chatty, Idle, Judged};

    const HELP: &str = "\
A soak of flowrun: one process, many pseudo-terminals, real time

Usage: soak [OPTIONS]

Options:
  --ports N       how many pseudo-terminals [default: 64; 1 with --idle]
  --minutes M     how long, fractions allowed [default: 10]
  --idle          nothing comes: measure what waiting costs
  --seed N        seed what the devices say [default: 1]
  --flowrun FILE  the program [default: the one that was built beside this]

Exit codes: 0 as it should be, 1 not so, 2 the command line is wrong.
";

    /// What was asked for.
    struct Wish {
        n_ports: usize,
        lasting: Duration,
        temper: Temper,
        seed: u64,
        program: PathBuf,
    }

    pub(crate) fn main() -> ExitCode {
        let wish = match Wish::read(std::env::args().skip(1)) {
            Ok(wish) => wish,
            Err(problem) => {
                eprint!("{problem}\n\n{HELP}");
                return ExitCode::from(2);
            }
        };
        match soak(&wish) {
            Ok(judged) => {
                print!("{judged}");
                if judged.is_well() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
            }
            Err(why) => {
                eprintln!("the soak could not be made: {why}");
                ExitCode::FAILURE
            }
        }
    }

    impl Wish {
        fn read(mut arguments: impl Iterator<Item = String>) -> Result<Wish, String> {
            let (mut n_ports, mut minutes, mut temper, mut seed, mut program) = (None, 10.0, Temper::Chatty, 1, None);
            while let Some(option) = arguments.next() {
                match option.as_str() {
                    "--idle" => {
                        temper = Temper::Silent;
                        continue;
                    }
                    "--help" | "-h" => return Err("Help:".to_string()),
                    _ => {}
                }
                let value = arguments.next().ok_or(format!("`{option}` needs a value"))?;
                let wrong = |_| format!("`{option} {value}` is no number");
                match option.as_str() {
                    "--ports" => n_ports = Some(value.parse().map_err(wrong)?),
                    "--seed" => seed = value.parse().map_err(wrong)?,
                    "--minutes" => minutes = value.parse().map_err(|_| format!("`{option} {value}` is no number"))?,
                    "--flowrun" => program = Some(PathBuf::from(value)),
                    _ => return Err(format!("there is no option `{option}`")),
                }
            }
            let lasting = Duration::try_from_secs_f64(minutes * 60.0).map_err(|_| "so long no soak can be")?;
            if lasting < Duration::from_secs(5) {
                return Err("less than five seconds show nothing".to_string());
            }
            let n_ports = n_ports.unwrap_or(if temper == Temper::Chatty { 64 } else { 1 });
            if n_ports == 0 {
                return Err("a soak needs a port".to_string());
            }
            let program = program.map_or_else(beside_this, Ok)?;
            Ok(Wish { n_ports, lasting, temper, seed, program })
        }
    }

    /// Returns the program that cargo has built beside this one.
    fn beside_this() -> Result<PathBuf, String> {
        let this = std::env::current_exe().map_err(|error| format!("nobody knows where this program is: {error}"))?;
        let program = this.parent().and_then(Path::parent).map(|folder| folder.join("flowrun"));
        program
            .filter(|program| program.is_file())
            .ok_or("flowrun is not built: `cargo build --release`, or name it with `--flowrun FILE`".to_string())
    }

    /// Makes the run and judges it.
    fn soak(wish: &Wish) -> Result<Judged, String> {
        let scratch = tempfile::tempdir().map_err(|error| format!("no folder: {error}"))?;
        let clock = Clock::start();
        let mut devices = Devices::new(wish.n_ports, wish.temper, wish.seed, clock)
            .map_err(|e| format!("no pseudo-terminal: {e}"))?;
        let command = command(wish, &devices, scratch.path()).map_err(|error| format!("no file: {error}"))?;
        let mut child = Child::start(command).map_err(|error| format!("`{}`: {error}", wish.program.display()))?;
        let begun = clock.now();
        let every = Duration::from_secs(10).min(wish.lasting / 12);
        let mut next = begun + every;
        let mut samples = Vec::new();
        let code = loop {
            // Looked for twice a second: who has ended waits for us, and the devices go on meanwhile.
            devices.serve(next.min(clock.now() + Duration::from_millis(500)));
            if child.has_ended() {
                samples.push(child.sample(clock.now() - begun));
                break child.code();
            }
            if clock.now() >= next {
                samples.push(child.sample(clock.now() - begun));
                next = next + every;
            }
            if clock.now() - begun > wish.lasting * 2 + Duration::from_secs(60) {
                return Err("flowrun does not end".to_string());
            }
        };
        if code != Some(0) {
            let said = fs::read_to_string(scratch.path().join("said")).unwrap_or_default();
            eprintln!("flowrun ended with {code:?}:\n{said}");
        }
        Ok(match wish.temper {
            Temper::Chatty => {
                let filled_at = devices.filled_at().unwrap_or(Moment::START) - begun;
                let n_ports = wish.n_ports;
                Judged::chatty(Chatty { code, n_ports, samples, witnessed: devices.witnessed(), filled_at })
            }
            Temper::Silent => Judged::idle(Idle { code, n_ports: wish.n_ports, samples }),
        })
    }

    /// Returns the command that runs the flow on all ports, with everything it writes in a folder of its own.
    fn command(wish: &Wish, devices: &Devices, scratch: &Path) -> std::io::Result<Command> {
        let flow = match wish.temper {
            Temper::Chatty => "chatty.flow",
            Temper::Silent => "idle.flow",
        };
        let mut command = Command::new(&wish.program);
        for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("FLOWRUN_")) {
            command.env_remove(name);
        }
        command.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/soak").join(flow));
        for path in devices.paths() {
            command.arg("--port").arg(path);
        }
        command.args(["--quiet", "--var", &format!("seconds={}", wish.lasting.as_secs())]);
        command.arg("--transcript").arg(scratch.join("run.txt")).arg("--save").arg(scratch.join("saved.toml"));
        let said = File::create(scratch.join("said"))?;
        command.stdin(Stdio::null()).stderr(said.try_clone()?).stdout(said);
        Ok(command)
    }
}
