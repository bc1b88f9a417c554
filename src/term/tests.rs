//! The terminal as a state machine: keys and bytes in, orders and a screen out.

use super::*;

/// Completes from a few commands.
struct Words;

impl Completion for Words {
    fn complete(&self, line: &str) -> Vec<String> {
        ["AT+QIOPEN", "AT+QICLOSE"].iter().filter(|word| word.starts_with(line)).map(ToString::to_string).collect()
    }
}

fn term_with(change: impl FnOnce(&mut Options)) -> Term {
    let choices = Choices {
        mode: Mode::Console,
        line_end: b"\r".to_vec(),
        echo: false,
        hex: false,
        hex_input: false,
        stamps: Stamps::Off,
        newline: Newline::Keep,
        escape: Some(0x14),
    };
    let surface = Surface { input: Input::Keys, notes: Notes::OnScreen, columns: 80, has_colours: false };
    let mut options = Options {
        choices,
        surface,
        clock: WallClock::new(0, 0),
        encoding: None,
        settle: Duration::from_millis(50),
        history: History::default(),
        completion: Box::new(Words),
        paint: Box::new(|_, text| text),
        has_secret: Box::new(|line| line.contains("KEY=")),
    };
    change(&mut options);
    Term::new(options)
}

fn console() -> Term {
    term_with(|_| {})
}

fn line_mode() -> Term {
    term_with(|options| options.choices.mode = Mode::Line)
}

fn screen(term: &mut Term) -> String {
    let mut out = Vec::new();
    term.take_screen(&mut out);
    String::from_utf8_lossy(&out).into_owned()
}

fn orders(term: &mut Term) -> Vec<Order> {
    std::iter::from_fn(|| term.poll()).collect()
}

fn at(ms: u64) -> Moment {
    Moment::from_millis(ms)
}

#[test]
fn in_a_console_every_key_goes_out_at_once_and_what_comes_stays_as_it_is() {
    let mut term = console();
    term.handle_keys(at(0), b"ls\x1b[A\x03");
    assert_eq!(orders(&mut term), [Order::Send(b"ls\x1b[A\x03".to_vec())]);
    term.handle_received(at(1), b"\x1b[31mred\x1b[0m\xff\x00\r\n");
    let mut out = Vec::new();
    term.take_screen(&mut out);
    assert_eq!(out, b"\x1b[31mred\x1b[0m\xff\x00\r\n");
}

#[test]
fn enter_sends_the_line_end_of_the_device() {
    let mut term = console();
    term.handle_keys(at(0), b"\x14n\x14nAT\r");
    assert_eq!(orders(&mut term), [Order::Send(b"AT\r\n".to_vec())]);
    assert!(screen(&mut term).ends_with("-- Enter sends crlf\r\n"));
}

#[test]
fn the_escape_key_begins_a_command_and_twice_it_is_sent() {
    let mut term = console();
    term.handle_keys(at(0), b"a\x14");
    term.handle_keys(at(0), b"qb\x14\x14");
    let quit = Order::Errand(Errand::Quit);
    let sent = |bytes: &[u8]| Order::Send(bytes.to_vec());
    assert_eq!(orders(&mut term), [sent(b"a"), quit, sent(b"b"), sent(b"\x14")]);
    term.handle_keys(at(0), b"\x14\x07");
    assert_eq!(screen(&mut term), "-- the key Ctrl-G has no command: Ctrl-T ? shows all\r\n");
    let mut term = term_with(|options| options.choices.escape = None);
    term.handle_keys(at(0), b"\x14q");
    assert_eq!(orders(&mut term), [sent(b"\x14q")]);
}

#[test]
fn the_help_has_every_row_of_the_table() {
    let mut term = console();
    term.handle_keys(at(0), b"\x14?");
    let help = screen(&mut term);
    for row in TABLE {
        assert!(help.contains(&format!(":{} {}", row.name, row.argument)), "{}\n{help}", row.name);
        assert!(help.contains(row.help), "{help}");
    }
}

#[test]
fn a_command_is_typed_in_a_row_of_its_own_and_what_comes_waits() {
    let mut term = console();
    term.handle_received(at(0), b"$ ");
    term.handle_keys(at(0), b"\x14:baud 9600");
    term.handle_received(at(1), b"boot\r\n$ ");
    assert_eq!(screen(&mut term), "$ \r\n\r\u{1b}[K:\r\u{1b}[K:baud 9600".replace(":\r\u{1b}[K:", ":"));
    term.handle_keys(at(2), b"\r");
    let baud = Errand::Set { name: "baud".to_string(), value: "9600".to_string() };
    assert_eq!(orders(&mut term), [Order::Errand(baud)]);
    assert_eq!(screen(&mut term), "\r\u{1b}[K$ boot\r\n$ ");
}

#[test]
fn a_message_stands_in_a_row_of_its_own_and_the_prompt_comes_back() {
    let mut term = console();
    term.handle_received(at(0), b"$ ");
    term.tell("/dev/ttyUSB0 went away");
    assert_eq!(screen(&mut term), "$ \r\n-- /dev/ttyUSB0 went away\r\n$ ");
}

#[test]
fn what_is_paused_comes_later_and_too_much_of_it_is_counted() {
    let mut term = console();
    term.handle_keys(at(0), b"\x14p");
    term.handle_received(at(1), b"boot");
    assert!(!screen(&mut term).contains("boot"));
    term.handle_keys(at(2), b"\x14p");
    assert_eq!(screen(&mut term), "-- goes on\r\nboot");
    term.handle_keys(at(3), b"\x14p");
    for _ in 0..=MOST_HELD / 65536 {
        term.handle_received(at(4), &[b'x'; 65536]);
    }
    term.handle_keys(at(5), b"\x14p\x14s");
    assert!(screen(&mut term).contains("-- 65536 bytes were not shown"));
}

#[test]
fn in_line_mode_control_bytes_are_shown_and_lines_stand_above_the_prompt() {
    let mut term = line_mode();
    term.handle_size(80);
    assert_eq!(screen(&mut term), "\r\u{1b}[K> ");
    term.handle_keys(at(0), b"AT");
    assert_eq!(screen(&mut term), "\r\u{1b}[K> AT");
    term.handle_received(at(1), b"\x1b[31mRING\x07\r\n");
    assert_eq!(screen(&mut term), "\r\u{1b}[K\\x1b[31mRING\\x07\r\n\r\u{1b}[K> AT");
    term.handle_keys(at(2), b"\r");
    assert_eq!(orders(&mut term), [Order::Keep("AT".to_string()), Order::Send(b"AT\r".to_vec())]);
    assert_eq!(screen(&mut term), "\r\u{1b}[K> AT\r\n\r\u{1b}[K> ");
    term.handle_received(at(3), b"AT\r\r\nOK\r\n");
    assert_eq!(screen(&mut term), "\r\u{1b}[KOK\r\n\r\u{1b}[K> ", "the echo is shown once");
}

#[test]
fn a_prompt_of_the_device_stands_before_what_is_typed_when_it_has_settled() {
    let mut term = line_mode();
    term.handle_received(at(0), b"boot\r\nlogin: ");
    assert_eq!(term.due(), Some(at(50)));
    assert_eq!(screen(&mut term), "boot\r\n\r\u{1b}[K> ");
    term.handle_time(at(50));
    assert_eq!(screen(&mut term), "\r\u{1b}[Klogin: ");
    assert_eq!(term.due(), None);
    term.handle_keys(at(60), b"root\r");
    assert_eq!(screen(&mut term), "\r\u{1b}[Klogin: root\r\n\r\u{1b}[K> ");
}

#[test]
fn a_secret_is_hidden_told_and_in_no_history() {
    let mut term = line_mode();
    term.handle_received(at(0), b"Password: ");
    term.handle_time(at(50));
    term.handle_keys(at(60), b"hunter2\r");
    let secret = |bytes: &[u8]| Order::Secret(bytes.to_vec());
    assert_eq!(orders(&mut term), [Order::SendSecret(b"hunter2\r".to_vec()), secret(b"hunter2")]);
    let shown = screen(&mut term);
    assert!(shown.contains("Password: *******") && !shown.contains("hunter2"), "{shown}");
    let mut term = console();
    term.handle_received(at(0), b"Password: ");
    term.handle_keys(at(1), b"hu");
    term.handle_keys(at(2), b"nter2\r");
    let sent = |bytes: &[u8]| Order::SendSecret(bytes.to_vec());
    assert_eq!(orders(&mut term), [sent(b"hu"), sent(b"nter2\r"), secret(b"hunter2")]);
    term.handle_received(at(0), b"Password: ");
    term.handle_keys(at(1), b"hu");
    term.finish();
    assert_eq!(orders(&mut term), [sent(b"hu"), secret(b"hu")], "a secret that was not completed is one");
}

#[test]
fn commands_and_titles_of_line_mode_do_not_go_to_the_device() {
    let mut term = line_mode();
    term.handle_keys(at(0), b":eol lf\r# find the module\r::x\r#y\r:quite\r");
    let keep = |line: &str| Order::Keep(line.to_string());
    assert_eq!(
        orders(&mut term),
        [
            keep(":eol lf"),
            keep("# find the module"),
            Order::Errand(Errand::Note("find the module".to_string())),
            keep(":x"),
            Order::Send(b":x\n".to_vec()),
            keep("#y"),
            Order::Send(b"#y\n".to_vec()),
            keep(":quite"),
        ]
    );
    assert!(screen(&mut term).contains("-- there is no command `:quite`: did you mean `:quit`?"));
}

#[test]
fn control_z_ends_a_message_and_other_controls_go_out() {
    let mut term = line_mode();
    term.handle_keys(at(0), b"hello\x1a\x03");
    assert_eq!(
        orders(&mut term),
        [Order::Keep("hello".to_string()), Order::Send(b"hello\x1a".to_vec()), Order::Send(b"\x03".to_vec())]
    );
}

#[test]
fn the_mode_is_switched_and_the_prompt_of_the_device_stays() {
    let mut term = console();
    term.handle_received(at(0), b"$ ");
    term.handle_keys(at(1), b"\x14m");
    assert_eq!(screen(&mut term), "$ \r\u{1b}[K-- line mode\r\n\r\u{1b}[K$ ");
    term.handle_keys(at(2), b"\x14m");
    assert_eq!(screen(&mut term), "\r\u{1b}[K$ \r\n-- console mode\r\n$ ");
}

#[test]
fn hex_is_shown_and_typed() {
    let mut term = console();
    term.handle_keys(at(0), b"\x14h\x14x");
    screen(&mut term);
    term.handle_keys(at(0), b"41 0D g0a");
    assert_eq!(orders(&mut term), [Order::Send(b"A\r\n".to_vec())]);
    assert_eq!(screen(&mut term), "-- `g` is not a hex digit\r\n");
    term.handle_received(at(0), b"OK\n");
    assert_eq!(screen(&mut term), format!("4f 4b 0a {}OK.\r\n", " ".repeat(40)));
}

#[test]
fn another_encoding_is_decoded_however_it_is_cut_and_typed_text_is_encoded() {
    let gbk = Encoding::find("gbk");
    let mut term = term_with(|options| options.encoding = gbk);
    let bytes = gbk.expect("it is known").encode("中国移动").expect("it has them");
    for piece in bytes.chunks(1) {
        term.handle_received(at(0), piece);
    }
    assert_eq!(screen(&mut term), "中国移动");
    term.handle_keys(at(0), "中国".as_bytes());
    assert_eq!(orders(&mut term), [Order::Send(bytes[..4].to_vec())]);
    term.handle_keys(at(0), "😀".as_bytes());
    assert!(screen(&mut term).contains("GBK has no character `😀`: nothing was sent"));
}

#[test]
fn the_lines_of_a_text_get_the_line_end_of_the_device() {
    let mut term =
        term_with(|options| options.surface = Surface { input: Input::Lines, notes: Notes::Apart, ..options.surface });
    term.handle_keys(at(0), b"AT\r\nAT+CSQ\n");
    term.tell("open");
    assert_eq!(orders(&mut term), [Order::Send(b"AT\rAT+CSQ\r".to_vec())]);
    assert_eq!((screen(&mut term).as_str(), term.take_notes()), ("", b"-- open\n".to_vec()));
}

#[test]
fn the_screen_is_left_as_a_shell_wants_it() {
    let mut term = console();
    term.handle_received(at(0), b"\x1b[?1049h$ ");
    term.finish();
    let left = screen(&mut term);
    assert!(left.ends_with("\u{1b}>") && left.contains("\u{1b}[?1049l"), "{left}");
    let mut term = console();
    term.handle_received(at(0), b"$ ");
    term.finish();
    assert_eq!(screen(&mut term), "$ \r\n");
    let mut term = line_mode();
    term.handle_received(at(0), b"half");
    term.finish();
    assert_eq!(screen(&mut term), "\r\u{1b}[K> \r\u{1b}[Khalf\r\n");
}

#[test]
fn a_complete_line_is_painted_and_a_prompt_is_not() {
    let mut term = term_with(|options| {
        options.choices.mode = Mode::Line;
        options.paint = Box::new(|line, text| if line == b"OK" { format!("<{text}>") } else { text });
    });
    term.handle_received(at(0), b"OK\r\nOK");
    term.handle_time(at(50));
    assert_eq!(screen(&mut term), "<OK>\r\n\r\u{1b}[K> \r\u{1b}[KOK");
}

#[test]
fn choices_of_a_completion_stand_above_the_line() {
    let mut term = line_mode();
    term.handle_keys(at(0), b"AT+QI\t");
    screen(&mut term);
    term.handle_keys(at(0), b"\t");
    assert_eq!(screen(&mut term), "\r\u{1b}[K-- AT+QICLOSE  AT+QIOPEN\r\n\r\u{1b}[K> AT+QI");
    term.handle_keys(at(0), b"\x15:sta\t");
    assert!(screen(&mut term).ends_with("> :sta"), "two commands begin so");
}

#[test]
fn the_prompt_that_a_flow_has_left_is_that_of_the_terminal() {
    let mut term = console();
    term.handle_received(at(0), b"login: ");
    term.make_room();
    screen(&mut term);
    term.handle_elsewhere(at(1), b"# ");
    term.tell("continue by hand");
    assert_eq!(screen(&mut term), "-- continue by hand\r\n# ");
    let mut term = line_mode();
    term.handle_received(at(0), b"login: ");
    term.handle_time(at(50));
    term.make_room();
    screen(&mut term);
    term.handle_elsewhere(at(60), b"# ");
    term.tell("continue by hand");
    assert_eq!(screen(&mut term), "-- continue by hand\r\n\r\u{1b}[K# ");
}

#[test]
fn the_history_has_no_values_that_a_flow_was_given() {
    let mut term = line_mode();
    term.handle_keys(at(0), b":run login.flow user=root password=hunter2\r:run a.flow\r");
    let kept: Vec<Order> = orders(&mut term).into_iter().filter(|order| matches!(order, Order::Keep(_))).collect();
    assert_eq!(kept, [":run login.flow", ":run a.flow"].map(|line| Order::Keep(line.to_string())));
}

#[test]
fn a_line_with_a_secret_is_sent_and_is_in_no_history() {
    let mut term = line_mode();
    term.handle_keys(at(0), b"AT+KEY=abcd\r# KEY=abcd\r");
    let orders = orders(&mut term);
    assert!(orders.contains(&Order::Send(b"AT+KEY=abcd\r".to_vec())), "{orders:?}");
    assert!(!orders.iter().any(|order| matches!(order, Order::Keep(_))), "{orders:?}");
    term.handle_keys(at(1), b"\x1b[A\r");
    assert!(term.typing.history.len() == 0);
}

#[test]
fn what_came_before_a_line_was_typed_stays_on_the_screen() {
    let mut term = line_mode();
    term.handle_received(at(0), b"half");
    term.handle_keys(at(1), b"x\r");
    assert!(screen(&mut term).contains("halfx\r\n"));
}
