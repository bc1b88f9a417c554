//! The parser that pest makes of `grammar/flow.pest`, and a title for each of its rules; nothing else.

use pest::Parser;
use pest::iterators::{Pair, Pairs};

#[derive(pest_derive::Parser)]
#[grammar = "grammar/flow.pest"]
struct FlowParser;

/// Parses a whole file.
///
/// The grammar takes any text; what pest can refuse is a text nested too deeply for its stack.
pub(super) fn file(text: &str) -> Result<Pairs<'_, Rule>, Box<pest::error::Error<Rule>>> {
    FlowParser::parse(Rule::file, text).map_err(Box::new)
}

/// Parses one statement and nothing else.
pub(super) fn alone(text: &str) -> Result<Pairs<'_, Rule>, Box<pest::error::Error<Rule>>> {
    FlowParser::parse(Rule::alone, text).map_err(Box::new)
}

/// Returns whether a text is a name: not a keyword, and of the right letters.
pub(super) fn is_name(text: &str) -> bool {
    whole(Rule::name, text).is_some()
}

/// Returns the pair of a rule that a text fits as a whole.
pub(super) fn whole(rule: Rule, text: &str) -> Option<Pair<'_, Rule>> {
    let mut pairs = FlowParser::parse(rule, text).ok()?;
    pairs.next().filter(|pair| pair.as_str().len() == text.len())
}

/// Returns what messages call a rule.
#[expect(clippy::too_many_lines, reason = "a table: every rule of the grammar has its line")]
pub(super) fn title(rule: Rule) -> &'static str {
    match rule {
        Rule::EOI => "the end of the file",
        Rule::blank | Rule::nl | Rule::s | Rule::gap | Rule::bom => "white space",
        Rule::w | Rule::first_w | Rule::keyword => "a word",
        Rule::item | Rule::statement | Rule::bad_piece | Rule::bad_string => "a statement",
        Rule::prefix | Rule::infix | Rule::postfix => "an operator",
        Rule::primary => "a value",
        Rule::comment => "a comment",
        Rule::file => "a file",
        Rule::alone | Rule::bad => "a statement",
        Rule::stray | Rule::unclosed => "`}`",
        Rule::bad_block => "a block",
        Rule::header | Rule::kind => "`flow`, `device` or `library`",
        Rule::use_file | Rule::k_use => "`use`",
        Rule::sim | Rule::k_sim => "`sim`",
        Rule::use_for => "`for` and a port",
        Rule::port | Rule::k_port => "`port`",
        Rule::using | Rule::using_port | Rule::begins_port | Rule::k_using => "`using`",
        Rule::begins_statement => "a statement",
        Rule::param => "`param`",
        Rule::param_kind => "`param` or `secret`",
        Rule::k_unique => "`unique`",
        Rule::state | Rule::begins_state | Rule::k_state => "`state`",
        Rule::tag | Rule::k_tag => "`tag`",
        Rule::wire | Rule::k_wire => "`wire`",
        Rule::serial | Rule::k_serial => "`serial`",
        Rule::setting => "a setting",
        Rule::setting_value => "a word, a number, a duration or a string",
        Rule::setting_word | Rule::word => "a word",
        Rule::timeout | Rule::step_timeout | Rule::timeout_word | Rule::k_timeout => "`timeout`",
        Rule::procedure | Rule::k_procedure => "`procedure`",
        Rule::block | Rule::port_block | Rule::expect_any => "`{`",
        Rule::step | Rule::k_step => "`step`",
        Rule::retry | Rule::k_retry => "`retry`",
        Rule::every | Rule::k_every => "`every`",
        Rule::unless | Rule::k_unless => "`unless`",
        Rule::send | Rule::k_send => "`send`",
        Rule::raw_word => "`raw`",
        Rule::reply | Rule::k_reply => "`reply`",
        Rule::expect | Rule::k_expect => "`expect`",
        Rule::expect_one | Rule::capture_pattern | Rule::one_of_all | Rule::pattern => "a pattern",
        Rule::expect_all | Rule::k_all => "`all`",
        Rule::expect_none | Rule::k_none => "`none`",
        Rule::expect_quiet | Rule::k_quiet => "`quiet`",
        Rule::arm => "a pattern with `-> { … }`",
        Rule::within | Rule::k_within => "`within`",
        Rule::secret_word => "`secret`",
        Rule::await_ | Rule::k_await => "`await`",
        Rule::read | Rule::k_read => "`read`",
        Rule::read_count => "a number of `bytes`",
        Rule::read_quiet | Rule::read_until | Rule::repeat_until | Rule::k_until => "`until`",
        Rule::capture | Rule::k_capture => "`capture`",
        Rule::compute | Rule::k_compute => "`compute`",
        Rule::measure | Rule::k_measure => "`measure`",
        Rule::soft_word => "`soft`",
        Rule::unit | Rule::k_unit => "`unit`",
        Rule::limits | Rule::k_limits => "`limits`",
        Rule::range | Rule::lower_limit | Rule::upper_limit => "limits, such as `3.60 .. 4.20`",
        Rule::dots => "`..`",
        Rule::assert | Rule::k_assert => "`assert`",
        Rule::fail_on => "`fail on`",
        Rule::fail_now_on => "`fail now on`",
        Rule::fail_now => "`fail now`",
        Rule::k_now => "`now`",
        Rule::fail | Rule::k_fail => "`fail`",
        Rule::file_ | Rule::k_file => "`file`",
        Rule::send_file | Rule::begins_file | Rule::k_send_file => "`send_file`",
        Rule::receive_file | Rule::k_receive_file => "`receive_file`",
        Rule::file_by | Rule::k_by => "`by`",
        Rule::hook | Rule::k_hook => "`hook`",
        Rule::skip | Rule::k_skip => "`skip`",
        Rule::volatile | Rule::k_volatile => "`volatile`",
        Rule::ask | Rule::k_ask => "`ask`",
        Rule::ask_choices | Rule::k_choices => "`choices`",
        Rule::ask_default | Rule::k_default => "`default`",
        Rule::ignore | Rule::k_ignore => "`ignore`",
        Rule::on | Rule::on_signal | Rule::on_hook | Rule::on_wire | Rule::k_on => "`on`",
        Rule::save | Rule::k_save => "`save`",
        Rule::log | Rule::k_log => "`log`",
        Rule::sleep | Rule::k_sleep => "`sleep`",
        Rule::after | Rule::k_after => "`after`",
        Rule::restart | Rule::k_restart => "`restart`",
        Rule::unplug | Rule::k_unplug => "`unplug`",
        Rule::unplug_for => "`for` and a duration",
        Rule::reopen | Rule::k_reopen => "`reopen`",
        Rule::if_ | Rule::k_if => "`if`",
        Rule::repeat | Rule::k_repeat => "`repeat`",
        Rule::repeat_while | Rule::k_while => "`while`",
        Rule::repeat_count | Rule::number => "a number",
        Rule::at_most => "`at most`",
        Rule::for_ | Rule::k_for => "`for`",
        Rule::try_ | Rule::k_try => "`try`",
        Rule::call | Rule::k_call => "`call`",
        Rule::arguments => "arguments",
        Rule::return_ | Rule::k_return => "`return`",
        Rule::finally | Rule::k_finally => "`finally`",
        Rule::baud | Rule::k_baud => "`baud`",
        Rule::control_lines | Rule::control_line | Rule::control_name | Rule::signal_name => "`dtr` or `rts`",
        Rule::input_lines | Rule::input_line | Rule::input_name | Rule::expect_input => "`cts`, `dsr`, `dcd` or `ri`",
        Rule::signal => "`dtr`, `rts` or `break`",
        Rule::on_off => "`on` or `off`",
        Rule::break_ | Rule::break_word | Rule::k_break => "`break`",
        Rule::flush | Rule::k_flush => "`flush`",
        Rule::echo | Rule::k_echo => "`echo`",
        Rule::line_pattern | Rule::k_line => "`line`",
        Rule::prompt_pattern | Rule::k_prompt => "`prompt`",
        Rule::expr => "a value",
        Rule::not => "`not`",
        Rule::negative | Rule::minus => "`-`",
        Rule::or => "`or`",
        Rule::and => "`and`",
        Rule::equal => "`==`",
        Rule::unequal => "`!=`",
        Rule::at_least => "`>=`",
        Rule::at_most_op => "`<=`",
        Rule::above => "`>`",
        Rule::below => "`<`",
        Rule::member | Rule::k_in => "`in`",
        Rule::matches | Rule::ask_matches | Rule::k_matches => "`matches`",
        Rule::plus => "`+`",
        Rule::times => "`*`",
        Rule::divided => "`/`",
        Rule::remainder => "`%`",
        Rule::index => "`[`",
        Rule::field => "`.`",
        Rule::group | Rule::parameters | Rule::open => "`(`",
        Rule::function => "a function",
        Rule::list => "a list",
        Rule::map => "a map",
        Rule::entry => "`key: value`",
        Rule::duration => "a duration",
        Rule::boolean => "`true` or `false`",
        Rule::string => "a string",
        Rule::string_text | Rule::raw_text | Rule::regex_text => "text",
        Rule::escape => "an escape",
        Rule::interpolation => "`${…}`",
        Rule::raw => "a raw string",
        Rule::hex_string => "a hex string",
        Rule::hex_text => "hex digits",
        Rule::regex => "a regex",
        Rule::regex_flags => "regex flags",
        Rule::name => "a name",
        Rule::k_bytes => "`bytes`",
        Rule::k_as | Rule::ask_as | Rule::file_as => "`as`",
        Rule::k_at => "`at`",
        Rule::k_most => "`most`",
        Rule::k_from => "`from`",
        Rule::k_else => "`else`",
        Rule::k_arrow => "`->`",
        Rule::k_equals => "`=`",
        Rule::close => "`)`",
        Rule::comma => "`,`",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rule_of_the_grammar_has_a_line_of_documentation() {
        let grammar = include_str!("../../grammar/flow.pest");
        let lines: Vec<&str> = grammar.lines().collect();
        for (i, line) in lines.iter().enumerate() {
            let Some((name, right)) = line.split_once(" = ") else { continue };
            let is_rule = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') && !right.starts_with('_');
            assert!(!is_rule || lines[i - 1].starts_with("///"), "{name} has no documentation");
        }
    }

    #[test]
    fn keywords_are_no_names_and_names_may_begin_with_keywords() {
        for word in ["send", "as", "assert", "in", "within", "true"] {
            assert!(!is_name(word), "{word}");
        }
        for word in ["sender", "assertion", "interval", "x1", "_"] {
            assert!(is_name(word), "{word}");
        }
    }

    #[test]
    fn a_state_may_be_called_state_and_ends_a_list_of_names() {
        let parsed = FlowParser::parse(Rule::alone, "state state = \"off\"");
        assert!(parsed.is_ok(), "{parsed:?}");
        let parsed = FlowParser::parse(Rule::file, "save state, a state b = 1");
        let statements: Vec<_> = parsed
            .into_iter()
            .flatten()
            .flat_map(Pair::into_inner)
            .map(|pair| pair.as_str().trim().to_string())
            .collect();
        assert_eq!(statements, ["save state, a", "state b = 1", ""]);
    }
}
