//! The runs of rows: so many at once, each on a port that is free, told of in the order in which they end.

use std::collections::VecDeque;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::Duration;

use super::work::{Done, Job, News, View, work};
use crate::cli::person::AtTerminal;
use crate::report::lanes::Lanes;
use crate::setup::{Ender, Pace, SetupError};
use crate::transport::Clock;
use crate::world::Person;

/// How often it is looked whether a person has answered.
const ANSWER_POLL: Duration = Duration::from_millis(50);

/// Which rows run where.
pub(super) struct Plan {
    /// The rows that any port may take, in order.
    pub shared: VecDeque<usize>,
    /// The rows that one port has to take, for each.
    pub own: Vec<VecDeque<usize>>,
    /// The ports that are free, the one that has been free longest first; a simulated one is there as often as it may run.
    pub free: VecDeque<usize>,
}

/// What becomes of the next rows of a port whose run is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// It takes the next row.
    GoOn,
    /// It takes no further row.
    PortIsOut,
    /// No row is begun any more, on whichever port.
    Stop,
}

/// Who prepares runs, and gets their news.
pub(super) trait Chief {
    /// Makes what the run of a row on a port needs; `None` if that cannot be made, which has been told.
    fn prepare(&mut self, row: usize, port: usize) -> Option<Job>;

    /// Takes note of runs that are over: all that ended meanwhile.
    fn over(&mut self, ended: Vec<(usize, usize, Result<Done, SetupError>)>, lanes: &mut Lanes<'_>) -> Vec<Next>;
}

impl Plan {
    /// Takes the next row that a free port can run.
    fn next(&mut self) -> Option<(usize, usize)> {
        let at = self.free.iter().position(|port| !self.own[*port].is_empty() || !self.shared.is_empty())?;
        let port = self.free.remove(at)?;
        let row = self.own[port].pop_front().or_else(|| self.shared.pop_front())?;
        Some((row, port))
    }

    /// Begins no row any more; those that are left stay in the plan.
    fn stop(&mut self) {
        self.free.clear();
    }
}

/// A question of a run.
struct Question {
    worker: usize,
    prompt: String,
    is_secret: bool,
    answer: Sender<Option<Vec<u8>>>,
}

/// Runs the rows of a plan, `at_most` at once; rows that are left in it were not run.
pub(super) fn run(
    plan: &mut Plan,
    at_most: usize,
    chief: &mut dyn Chief,
    (ender, view): (&Ender, View),
    lanes: &mut Lanes<'_>,
) {
    let (sender, news) = channel();
    thread::scope(|scope| {
        let crew = (0..at_most).map(|worker| {
            let (jobs, of_worker) = channel();
            let sender = sender.clone();
            scope.spawn(move || work(worker, &of_worker, ender, view, &sender));
            jobs
        });
        let crew: Vec<Sender<Job>> = crew.collect();
        Crew {
            idle: (0..at_most).rev().collect(),
            running: vec![None; at_most],
            crew,
            plan,
            clock: Clock::start(),
            questions: VecDeque::new(),
            person: AtTerminal::new(Pace::Real),
            has_asked: false,
        }
        .go_on(&news, chief, ender, lanes);
    });
}

/// The threads, and what they do.
struct Crew<'a> {
    crew: Vec<Sender<Job>>,
    /// The threads that have nothing to do.
    idle: Vec<usize>,
    /// The port of each thread that runs a row.
    running: Vec<Option<usize>>,
    plan: &'a mut Plan,
    clock: Clock,
    /// What is asked; the person sees the first.
    questions: VecDeque<Question>,
    person: AtTerminal,
    /// Whether the first question is shown just now.
    has_asked: bool,
}

impl Crew<'_> {
    fn go_on(mut self, news: &Receiver<News>, chief: &mut dyn Chief, ender: &Ender, lanes: &mut Lanes<'_>) {
        loop {
            if ender.wants_end() {
                self.plan.stop();
            }
            self.begin(chief, lanes);
            if self.running.iter().all(Option::is_none) {
                return;
            }
            let first = if self.questions.is_empty() {
                news.recv().ok()
            } else {
                self.ask(lanes);
                news.recv_timeout(ANSWER_POLL).ok()
            };
            let mut ended = Vec::new();
            for news in first.into_iter().chain(news.try_iter()) {
                match news {
                    News::Moves { worker, line } => lanes.moves(worker, line),
                    News::Asks { worker, prompt, is_secret, answer } => {
                        self.questions.push_back(Question { worker, prompt, is_secret, answer });
                    }
                    News::Over { worker, row, result } => ended.push((worker, row, *result)),
                    News::Gone { worker } => {
                        // The other rows end; then the panic of the thread ends the command.
                        self.plan.stop();
                        self.running[worker] = None;
                        self.questions.retain(|question| question.worker != worker);
                        lanes.ends(worker);
                    }
                }
            }
            if ended.is_empty() {
                // Where a person types, nothing else is written.
                if self.questions.is_empty() {
                    lanes.draw(self.clock.now());
                }
            } else {
                self.end(ended, chief, lanes);
            }
        }
    }

    /// Gives rows to threads as long as there are rows, ports and threads.
    fn begin(&mut self, chief: &mut dyn Chief, lanes: &mut Lanes<'_>) {
        while let Some(worker) = self.idle.last().copied() {
            let Some((row, port)) = self.plan.next() else { return };
            let Some(job) = chief.prepare(row, port) else { return self.plan.stop() };
            self.idle.pop();
            self.running[worker] = Some(port);
            lanes.begins(worker, &job.title);
            self.crew[worker].send(job).expect("a thread lives as long as its sender");
        }
    }

    fn end(
        &mut self,
        ended: Vec<(usize, usize, Result<Done, SetupError>)>,
        chief: &mut dyn Chief,
        lanes: &mut Lanes<'_>,
    ) {
        let mut all = Vec::with_capacity(ended.len());
        let mut ports = Vec::with_capacity(ended.len());
        for (worker, row, result) in ended {
            let port = self.running[worker].take().expect("a run that is over has run");
            self.questions.retain(|question| question.worker != worker);
            self.idle.push(worker);
            lanes.ends(worker);
            ports.push(port);
            all.push((row, port, result));
        }
        // Their news is shown where the person types: the question is shown again below it.
        self.has_asked = false;
        for (next, port) in chief.over(all, lanes).into_iter().zip(ports) {
            match next {
                Next::GoOn => self.plan.free.push_back(port),
                Next::PortIsOut => {}
                Next::Stop => return self.plan.stop(),
            }
        }
    }

    /// Shows the first question, and hands over its answer.
    fn ask(&mut self, lanes: &mut Lanes<'_>) {
        let Some(question) = self.questions.front() else { return };
        if !self.has_asked {
            lanes.erase();
            let prompt = format!("{}: {}", lanes.title(question.worker), question.prompt);
            self.person.ask(&prompt, question.is_secret);
            self.has_asked = true;
        }
        if let Some(answer) = self.person.answer() {
            // A run that does not wait for it any more does not miss it.
            let _ = question.answer.send(answer);
            self.questions.pop_front();
            self.has_asked = false;
        }
    }
}
