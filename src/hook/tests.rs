//! What a flow gives stands where the file says; programs run and end as they should.

use super::*;

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(ToString::to_string).collect()
}

fn filled(program: &[&str], arguments: &[&str]) -> Result<Vec<String>, String> {
    let arguments: Vec<Vec<u8>> = arguments.iter().map(|argument| argument.as_bytes().to_vec()).collect();
    let filled = fill(&words(program), &arguments)?;
    Ok(filled.into_iter().map(|word| String::from_utf8(word).expect("the test gives UTF-8")).collect())
}

#[test]
fn what_a_flow_gives_stands_in_its_place_or_at_the_end() {
    for (program, given, expected) in [
        (&["a", "-x"][..], &["off", "2 3"][..], &["a", "-x", "off", "2 3"][..]),
        (&["a"], &[], &["a"]),
        (&["a", "{0}", "-p{1}={0}"], &["on", "3"], &["a", "on", "-p3=on"]),
        (&["a", "{0}"], &["{1}; rm -rf /"], &["a", "{1}; rm -rf /"]),
        (&["a", "{}", "{x}", "{1234}", "{"], &["z"], &["a", "{}", "{x}", "{1234}", "{", "z"]),
        (&["a", "{{0}}"], &["z"], &["a", "{z}"]),
    ] {
        assert_eq!(filled(program, given), Ok(words(expected)), "{program:?} {given:?}");
    }
}

#[test]
fn a_place_without_a_value_and_a_value_without_a_place_are_errors() {
    assert_eq!(filled(&["a", "{1}"], &["x"]), Err("gets no value for its `{1}`".to_string()));
    assert_eq!(filled(&["a", "{0}"], &["x", "y"]), Err("gets a value, but has no `{1}` for it".to_string()));
}

#[cfg(unix)]
mod on_unix {
    use super::*;

    fn runner(folder: &std::path::Path, program: &[&str]) -> Runner {
        let programs = vec![("h".to_string(), words(program))];
        let file = "flowrun.toml".to_string();
        Runner::new(Programs { file, folder: folder.to_path_buf(), programs }.into())
    }

    /// Runs a hook to its end; returns what it wrote, how much is left out, and how it ended.
    fn outcome(runner: &mut Runner, name: &str, arguments: &[&str]) -> (String, usize, HookEnd) {
        let arguments = arguments.iter().map(|argument| argument.as_bytes().to_vec()).collect();
        runner.begin(HookCall { name: name.to_string(), arguments });
        let (mut said, mut n_left_out) = (Vec::new(), 0);
        loop {
            match runner.news() {
                None => std::thread::yield_now(),
                Some(HookNews::Said(bytes)) => said.extend(bytes),
                Some(HookNews::LeftOut(n)) => n_left_out += n,
                Some(HookNews::Ended(end)) => return (String::from_utf8_lossy(&said).into_owned(), n_left_out, end),
            }
        }
    }

    #[test]
    fn a_program_runs_in_the_folder_of_the_file_without_input_and_without_a_shell() {
        let folder = tempfile::tempdir().expect("a folder can be made for tests");
        let place = std::fs::canonicalize(folder.path()).expect("it is there");
        let (said, _, end) =
            outcome(&mut runner(&place, &["sh", "-c", "pwd; cat; echo \"$0\" >&2", "{0}"]), "h", &["$(id)"]);
        assert_eq!((said, end), (format!("{}\n$(id)\n", place.display()), HookEnd::Done));
    }

    #[test]
    fn another_status_than_0_and_a_signal_are_failures() {
        let why = |program: &[&str], arguments: &[&str]| {
            let HookEnd::Failed { why, .. } = outcome(&mut runner("/".as_ref(), program), "h", arguments).2 else {
                panic!("{program:?} is done")
            };
            why
        };
        assert_eq!(why(&["sh", "-c", "exit 3"], &[]), "ended with status 3");
        assert_eq!(why(&["sh", "-c", "kill -9 $$"], &[]), "was ended by signal 9");
        assert_eq!(why(&["./no/such"], &[]), "cannot start `./no/such`: No such file or directory");
        assert_eq!(
            why(&["no-such-program-at-all"], &[]),
            "cannot start `no-such-program-at-all`: No such file or directory"
        );
        assert_eq!(why(&["/etc"], &[]), "cannot start `/etc`: Permission denied");
        assert_eq!(why(&["true", "{0}"], &[]), "gets no value for its `{0}`");
        let end = outcome(&mut runner("/".as_ref(), &["true"]), "other", &[]).2;
        let HookEnd::Failed { why, help } = end else { panic!("there is no such hook") };
        assert_eq!(why, "has no program");
        assert_eq!(help, "name one in `flowrun.toml`, below `[hooks]`: `other = [\"PROGRAM\", \"{0}\"]`");
    }

    #[test]
    fn of_a_program_that_writes_and_writes_the_beginning_is_kept() {
        let mut runner = runner("/".as_ref(), &["sh", "-c", "head -c 300000 /dev/zero | tr '\\0' x"]);
        let (said, n_left_out, end) = outcome(&mut runner, "h", &[]);
        assert_eq!((said.len(), n_left_out, end), (65_536, 300_000 - 65_536, HookEnd::Done));
    }

    #[test]
    fn what_is_left_in_the_background_holds_nothing_up() {
        let folder = tempfile::tempdir().expect("a folder can be made for tests");
        let mut runner = runner(folder.path(), &["sh", "-c", "sleep 600 & echo $! > pid; echo done"]);
        assert_eq!(outcome(&mut runner, "h", &[]), ("done\n".to_string(), 0, HookEnd::Done));
        end_process(folder.path());
    }

    #[test]
    fn a_program_that_is_ended_takes_along_what_it_started() {
        let folder = tempfile::tempdir().expect("a folder can be made for tests");
        let program = ["sh", "-c", "trap '' TERM; sleep 600 & echo $! > part; mv part pid; wait"];
        let mut runner = runner(folder.path(), &program);
        runner.begin(HookCall { name: "h".to_string(), arguments: Vec::new() });
        while !folder.path().join("pid").exists() {
            assert_eq!(runner.news(), None);
            std::thread::yield_now();
        }
        runner.end();
        assert_eq!(runner.news(), None);
        let pid = std::fs::read_to_string(folder.path().join("pid")).expect("it was there");
        let stat = || std::fs::read_to_string(format!("/proc/{}/stat", pid.trim()));
        // Whoever is dead may wait for init to ask for its status.
        while stat().is_ok_and(|stat| !stat.contains(") Z ")) {
            std::thread::yield_now();
        }
    }

    fn end_process(folder: &std::path::Path) {
        let pid = std::fs::read_to_string(folder.join("pid")).expect("the program wrote it");
        let pid = rustix::process::Pid::from_raw(pid.trim().parse().expect("a number")).expect("not 0");
        rustix::process::kill_process(pid, rustix::process::Signal::KILL).expect("it runs");
    }
}
