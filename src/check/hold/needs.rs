//! What the statements before must have given, so that those behind can make their secrets of it.

use std::collections::BTreeSet;

use super::summary::{Asks, Secrets};
use crate::check::names::groups_of;
use crate::program::Role;
use crate::syntax::ast::{
    Bind, Block, Bound, CaptureFrom, Expr, Origin, Pattern, Scope, Secrecy, Statement, StatementKind,
};

/// Something that becomes a secret later on.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Need {
    /// What a variable holds.
    Variable(String),
    /// What came since the last send and was not matched: a `read` and an `expect` take from it.
    Rest,
    /// What came since the last send: a `capture` takes from it.
    Response,
    /// Everything that came: an `await` takes from it.
    Everything,
}

impl Need {
    /// Whether it is something that came since the last send.
    fn is_answer(&self) -> bool {
        matches!(self, Need::Rest | Need::Response)
    }

    /// Whether it is something on the line, which may come during any statement.
    pub(super) fn is_on_line(&self) -> bool {
        match self {
            Need::Variable(_) => false,
            Need::Rest | Need::Response | Need::Everything => true,
        }
    }
}

/// All that becomes secret later on.
pub(super) type Needs = BTreeSet<Need>;

/// Whether statements that make secrets count while needs are followed back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Makers {
    /// They do.
    Count,
    /// What they need is held for them already.
    AreDealtWith,
    /// As before, and what a procedure returns becomes a secret.
    IsTheCaller,
}

/// In so many loops inside of each other it is looked how often a turn gives what the next one needs; in a loop inside of
/// these, it is all needed. So the work does not double with each.
const LOOPS: usize = 4;

/// Follows needs back through statements.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reader<'a> {
    /// What is known of the whole program.
    pub secrets: &'a Secrets,
    /// Which statements have needs of their own.
    pub makers: Makers,
    /// How many loops are around the statements.
    loops: usize,
}

impl<'a> Reader<'a> {
    pub(super) fn new(secrets: &'a Secrets, makers: Makers) -> Reader<'a> {
        Reader { secrets, makers, loops: 0 }
    }
}

impl Reader<'_> {
    /// Returns what is needed before a body, if `after` is needed behind it and `anytime` at any moment in it.
    /// `given` is told of each of its statements that may give what is needed, the last first.
    pub(super) fn walk(self, body: &[Statement], after: Needs, anytime: &Needs, given: &mut dyn FnMut(usize)) -> Needs {
        // Behind each handler and clean-up: what they, and those before them, may need at any moment.
        let mut standing = vec![(0, anytime.clone())];
        if self.makers == Makers::Count {
            for (i, statement) in body.iter().enumerate() {
                let lasting = self.lasting(statement);
                if let Some((_, before)) = standing.last()
                    && !lasting.is_empty()
                {
                    standing.push((i + 1, before.union(&lasting).cloned().collect()));
                }
            }
        }
        let mut needs = after;
        for (i, statement) in body.iter().enumerate().rev() {
            if let Some((_, anytime)) = standing.last() {
                needs.extend(anytime.iter().cloned());
            }
            standing.pop_if(|(begin, _)| *begin > i);
            let anytime = standing.last().map_or(anytime, |(_, anytime)| anytime);
            if needs.is_empty() && self.makers == Makers::AreDealtWith {
                return needs;
            }
            self.secrets.settle(&mut needs);
            if self.gives(statement, &needs) {
                given(i);
            }
            needs = self.before(statement, needs, anytime);
        }
        needs.extend(anytime.iter().cloned());
        self.secrets.settle(&mut needs);
        needs
    }

    fn block(self, block: &Block, after: &Needs, anytime: &Needs) -> Needs {
        self.walk(&block.body, after.clone(), anytime, &mut |_| {})
    }

    /// Returns what a block needs that runs by itself.
    pub(super) fn alone(self, block: &Block) -> Needs {
        self.block(block, &Needs::new(), &Needs::new())
    }

    /// Returns what a handler or a `finally` may need at any moment from where it stands; nothing of other statements.
    pub(super) fn lasting(self, statement: &Statement) -> Needs {
        match &statement.kind {
            StatementKind::On { pattern, body, .. } => {
                let mut needs = self.alone(body);
                // The line itself it has from the engine.
                needs.remove(&Need::Rest);
                for group in groups_of(pattern) {
                    needs.remove(&Need::Variable(group));
                }
                if pattern.port.is_some() { elsewhere(needs) } else { needs }
            }
            StatementKind::Finally(body)
            | StatementKind::After { body, .. }
            | StatementKind::OnSignal { body, .. }
            | StatementKind::OnHook { body, .. }
            | StatementKind::OnWire { body, .. } => self.alone(body),
            StatementKind::Header
            | StatementKind::Using { .. }
            | StatementKind::Use { .. }
            | StatementKind::Sim(_)
            | StatementKind::Tag(_)
            | StatementKind::Port(_)
            | StatementKind::Param(_)
            | StatementKind::Volatile { .. }
            | StatementKind::State { .. }
            | StatementKind::Wire { .. }
            | StatementKind::Serial(_)
            | StatementKind::Timeout(_)
            | StatementKind::Procedure { .. }
            | StatementKind::Step(_)
            | StatementKind::Send { .. }
            | StatementKind::Expect { .. }
            | StatementKind::ExpectAny { .. }
            | StatementKind::ExpectAll { .. }
            | StatementKind::ExpectNone { .. }
            | StatementKind::ExpectQuiet { .. }
            | StatementKind::Read { .. }
            | StatementKind::Capture { .. }
            | StatementKind::Compute { .. }
            | StatementKind::Measure(_)
            | StatementKind::Assert { .. }
            | StatementKind::FailOn { .. }
            | StatementKind::Ignore(_)
            | StatementKind::Fail { .. }
            | StatementKind::Ask { .. }
            | StatementKind::Hook { .. }
            | StatementKind::SendFile(_)
            | StatementKind::ReceiveFile(_)
            | StatementKind::Skip(_)
            | StatementKind::Save(_)
            | StatementKind::Log(_)
            | StatementKind::Sleep(_)
            | StatementKind::Restart
            | StatementKind::Unplug(_)
            | StatementKind::Reopen(_)
            | StatementKind::If { .. }
            | StatementKind::Repeat { .. }
            | StatementKind::For { .. }
            | StatementKind::Try { .. }
            | StatementKind::Call { .. }
            | StatementKind::Return(_)
            | StatementKind::Baud(_)
            | StatementKind::ControlLines { .. }
            | StatementKind::InputLines(_)
            | StatementKind::ExpectInput { .. }
            | StatementKind::Break(_)
            | StatementKind::Flush
            | StatementKind::Echo(_) => Needs::new(),
        }
    }

    /// Whether the block of an `on` makes a secret of the line that it runs for, or of what belongs to it.
    pub(super) fn is_of_own_line(self, pattern: &Pattern, body: &Block) -> bool {
        let needs = self.alone(body);
        let is_secret = |group: &String| self.secrets.has(group) || needs.contains(&Need::Variable(group.clone()));
        needs.iter().any(Need::is_on_line) || groups_of(pattern).iter().any(is_secret)
    }

    /// Whether a statement may give something that is needed: with its blocks, or while it runs.
    pub(super) fn gives(self, statement: &Statement, needs: &Needs) -> bool {
        if needs.iter().any(Need::is_on_line) {
            return true;
        }
        !needs.is_empty() && names_bound(statement).into_iter().any(|name| needs.contains(&Need::Variable(name)))
    }

    fn before_if(self, then: &Block, otherwise: Option<&Block>, after: &Needs, anytime: &Needs) -> Needs {
        let other = otherwise.map_or(after.clone(), |block| self.block(block, after, anytime));
        let mut needs = self.block(then, after, anytime);
        needs.extend(other);
        needs
    }

    fn before_try(self, body: &Block, otherwise: Option<&Block>, after: &Needs, anytime: &Needs) -> Needs {
        let other = otherwise.map_or(after.clone(), |block| self.block(block, after, anytime));
        // It may be left at any moment.
        let left = anytime.union(&other).cloned().collect();
        self.block(body, after, &left)
    }

    /// What is needed of the line behind the block is needed of another port than what is needed in it: no send in it ends
    /// what came before, and no send before it ends what came on its port.
    fn before_using(self, body: &Block, after: Needs, anytime: &Needs) -> Needs {
        let off_line = |needs: &Needs| needs.iter().filter(|need| !need.is_on_line()).cloned().collect::<Needs>();
        let mut needs = elsewhere(self.block(body, &off_line(&after), &off_line(anytime)));
        needs.extend(after.into_iter().filter(Need::is_on_line));
        needs.extend(anytime.iter().cloned());
        needs
    }

    fn before_step(self, body: &Block, after: &Needs, anytime: &Needs) -> Needs {
        if self.secrets.may_skip(&body.body) {
            let left = anytime.union(after).cloned().collect();
            return self.block(body, after, &left);
        }
        self.block(body, after, anytime)
    }

    /// Returns what is needed before a statement, if `needs` is needed behind it and `anytime` at any moment in it.
    pub(super) fn before(self, statement: &Statement, mut needs: Needs, anytime: &Needs) -> Needs {
        match &statement.kind {
            // What a device writes is no question: what came before it is still to be read.
            StatementKind::Send { .. } | StatementKind::SendFile(_) if self.secrets.role() == Role::Device => {}
            StatementKind::Send { .. } | StatementKind::SendFile(_) => needs.retain(|need| !need.is_answer()),
            StatementKind::Expect { scope: Scope::Answer, .. }
            | StatementKind::ExpectAll { .. }
            | StatementKind::Read { .. }
            | StatementKind::ReceiveFile(_) => {
                // What follows a match may have come long before it: during a sleep, or another wait.
                for bind in statement.binds() {
                    let is_wanted = self.takes(vec![bind], &mut needs);
                    needs.extend(is_wanted.then(|| rest_of(bind)));
                }
            }
            StatementKind::Expect { scope: Scope::Unclaimed, .. } => {
                let is_wanted = self.takes(statement.binds(), &mut needs);
                // What comes behind a line that came long ago came long ago.
                let goes_on = needs.remove(&Need::Rest);
                needs.extend((is_wanted || goes_on).then_some(Need::Everything));
            }
            StatementKind::ExpectAny { arms, timeout, .. } => {
                let patterns = arms.iter().map(|arm| &arm.body).zip(statement.binds());
                needs = self.before_any(patterns, timeout.as_ref(), &needs, anytime);
            }
            StatementKind::Capture { from, .. } => {
                if self.takes(statement.binds(), &mut needs) {
                    needs.extend(taken_from(from));
                }
            }
            StatementKind::Compute { value, .. } | StatementKind::State { value, .. } => {
                self.before_value(statement, Some(value), &mut needs);
            }
            StatementKind::Measure(measure) => self.before_value(statement, Some(&measure.value), &mut needs),
            StatementKind::Ask { default, .. } => self.before_value(statement, default.as_ref(), &mut needs),
            StatementKind::Call { name, arguments, .. } => {
                let is_wanted = self.takes(statement.binds(), &mut needs);
                needs = self.before_call(&name.node, arguments, is_wanted, needs);
            }
            StatementKind::Return(value) => {
                needs = anytime.clone();
                if self.makers == Makers::IsTheCaller {
                    needs.extend(value.iter().flat_map(variables));
                }
            }
            StatementKind::Step(step) => needs = self.before_step(&step.body, &needs, anytime),
            StatementKind::If { then, otherwise, .. } => {
                needs = self.before_if(then, otherwise.as_ref(), &needs, anytime);
            }
            StatementKind::Using { body, .. } => needs = self.before_using(body, needs, anytime),
            StatementKind::Repeat { body, .. } => needs = self.turns(body, needs, anytime),
            StatementKind::For { list, last, body, .. } => {
                needs = self.turns(body, needs, anytime);
                // It may be over before it has begun: what was in the variable stays needed.
                if self.takes(statement.binds(), &mut needs.clone()) {
                    needs.extend([list].into_iter().chain(last).flat_map(variables));
                }
            }
            StatementKind::Try { body, otherwise } => {
                needs = self.before_try(body, otherwise.as_ref(), &needs, anytime);
            }
            // What these need was needed at any moment behind them.
            StatementKind::On { .. }
            | StatementKind::OnSignal { .. }
            | StatementKind::OnHook { .. }
            | StatementKind::OnWire { .. }
            | StatementKind::After { .. }
            | StatementKind::Finally(_) => {}
            StatementKind::Header
            | StatementKind::Use { .. }
            | StatementKind::Sim(_)
            | StatementKind::Tag(_)
            | StatementKind::Port(_)
            | StatementKind::Param(_)
            | StatementKind::Volatile { .. }
            | StatementKind::Wire { .. }
            | StatementKind::Serial(_)
            | StatementKind::Timeout(_)
            | StatementKind::Procedure { .. }
            | StatementKind::ExpectNone { .. }
            | StatementKind::ExpectQuiet { .. }
            | StatementKind::Assert { .. }
            | StatementKind::FailOn { .. }
            | StatementKind::Ignore(_)
            | StatementKind::Fail { .. }
            | StatementKind::Hook { .. }
            | StatementKind::Skip(_)
            | StatementKind::Save(_)
            | StatementKind::Log(_)
            | StatementKind::Sleep(_)
            | StatementKind::Restart
            | StatementKind::Unplug(_)
            | StatementKind::Reopen(_)
            | StatementKind::Baud(_)
            | StatementKind::ControlLines { .. }
            | StatementKind::InputLines(_)
            | StatementKind::ExpectInput { .. }
            | StatementKind::Break(_)
            | StatementKind::Flush
            | StatementKind::Echo(_) => {}
        }
        needs
    }

    /// Adds what a value is made of, if what the statement makes of it is needed.
    fn before_value(self, statement: &Statement, value: Option<&Expr>, needs: &mut Needs) {
        if self.takes(statement.binds(), needs) {
            needs.extend(value.into_iter().flat_map(variables));
        }
    }

    /// Returns what is needed before a wait for several: each arm with what it binds.
    fn before_any<'b>(
        self,
        arms: impl Iterator<Item = (&'b Block, Bind<'b>)>,
        timeout: Option<&Block>,
        after: &Needs,
        anytime: &Needs,
    ) -> Needs {
        let mut all = timeout.map_or(Needs::new(), |block| self.block(block, after, anytime));
        for (body, bind) in arms {
            let mut needs = self.block(body, after, anytime);
            let goes_on = needs.remove(&Need::Rest);
            let is_wanted = self.takes(vec![bind], &mut needs);
            all.extend(needs);
            all.extend(goes_on.then_some(Need::Rest));
            all.extend(is_wanted.then(|| rest_of(bind)));
        }
        all
    }

    /// Returns what is needed before a loop: a turn gives what the next one needs.
    fn turns(self, body: &Block, after: Needs, anytime: &Needs) -> Needs {
        let inner = Reader { loops: self.loops + 1, ..self };
        let mut needs = after;
        loop {
            let mut more = inner.block(body, &needs, anytime);
            more.extend(needs.iter().cloned());
            if more == needs {
                return needs;
            }
            if self.loops >= LOOPS {
                more.extend(everything_in(body));
                return more;
            }
            needs = more;
        }
    }

    fn before_call(self, name: &str, arguments: &[Expr], result_is_wanted: bool, mut needs: Needs) -> Needs {
        let Some(summary) = self.secrets.summary(name) else { return needs };
        if summary.asks == Asks::Always && self.secrets.role() == Role::Flow {
            needs.remove(&Need::Rest);
            needs.remove(&Need::Response);
        }
        let result = result_is_wanted.then_some(&summary.result).into_iter().flatten();
        let own = (self.makers == Makers::Count).then_some(&summary.needs).into_iter().flatten();
        for need in result.chain(own) {
            let parameter = match need {
                Need::Variable(name) => summary.parameters.iter().position(|parameter| parameter == name),
                Need::Rest | Need::Response | Need::Everything => None,
            };
            match parameter.and_then(|index| arguments.get(index)) {
                Some(argument) => needs.extend(variables(argument)),
                None => needs.extend([need.clone()]),
            }
        }
        needs
    }

    /// Takes what gets a value from the needs; true if something of it is needed, or is a secret at once.
    fn takes(self, binds: Vec<Bind<'_>>, needs: &mut Needs) -> bool {
        let mut is_wanted = false;
        for bind in binds {
            for name in names_of(bind) {
                let is_secret = bind.secrecy == Secrecy::Secret || self.secrets.has(&name);
                is_wanted |= is_secret && self.makers == Makers::Count;
                // What a handler may give as well is needed further on.
                let is_settled = !self.secrets.is_unsettled(&name);
                let need = Need::Variable(name);
                is_wanted |= if is_settled { needs.remove(&need) } else { needs.contains(&need) };
            }
        }
        is_wanted
    }
}

/// Returns what a pattern takes from: on another port no send before it ends what came.
fn rest_of(bind: Bind<'_>) -> Need {
    match bind.into {
        Bound::Groups(Pattern { port: Some(_), .. }) => Need::Everything,
        Bound::Groups(_) | Bound::Name(_) => Need::Rest,
    }
}

/// Returns needs as they are seen from another port: no send there ends what came.
fn elsewhere(needs: Needs) -> Needs {
    let seen = |need: Need| if need.is_on_line() { Need::Everything } else { need };
    needs.into_iter().map(seen).collect()
}

/// Returns the variables in an expression.
fn variables(expr: &Expr) -> Needs {
    let mut needs = Needs::new();
    expr.for_each_name(&mut |name| {
        needs.insert(Need::Variable(name.to_string()));
    });
    needs
}

/// Returns all that a block could need.
fn everything_in(block: &Block) -> Needs {
    let mut needs = Needs::from([Need::Rest, Need::Response, Need::Everything]);
    for statement in &block.body {
        needs.extend(statement.expressions().into_iter().flat_map(variables));
        needs.extend(statement.blocks().into_iter().flat_map(everything_in));
    }
    needs
}

/// Returns the names of the variables that something is put into.
pub(super) fn names_of(bind: Bind<'_>) -> Vec<String> {
    match bind.into {
        Bound::Name(name) => vec![name.node.clone()],
        Bound::Groups(pattern) => groups_of(pattern),
    }
}

/// Returns what a statement puts something into, with its blocks; what was declared was there before.
pub(super) fn names_bound(statement: &Statement) -> Vec<String> {
    let is_given = |bind: &Bind<'_>| bind.from != Origin::Declaration;
    let mut names: Vec<String> = statement.binds().into_iter().filter(is_given).flat_map(names_of).collect();
    let inner = statement.blocks().into_iter().flat_map(|block| &block.body);
    names.extend(inner.flat_map(names_bound));
    names
}

/// Returns what a capture takes its value from.
fn taken_from(from: &CaptureFrom) -> Needs {
    match from {
        CaptureFrom::Value(value) | CaptureFrom::Pattern { text: Some(value), .. } => {
            variables(value).into_iter().collect()
        }
        CaptureFrom::Pattern { text: None, .. } => [Need::Response].into(),
    }
}
