// What a grammar without lines cannot say: whether a statement goes on in its line.
//
// `save a b` saves two values, `dtr on rts off` is one statement; in the next line each is another statement.

#include <wctype.h>

#include "tree_sitter/parser.h"

enum Token { MORE_NAMES, MORE_CONTROL_LINES, MORE_INPUT_LINES, ERROR_SENTINEL };

#define WORD_SIZE 24

static void skip_blanks(TSLexer *lexer) {
    while (lexer->lookahead == ' ' || lexer->lookahead == '\t') lexer->advance(lexer, false);
}

static bool is_word(int32_t c) {
    return c == '_' || c > 0x7f || iswalnum((wint_t)c);
}

// Reads a word of ASCII letters into `word`; a longer one, or one of other letters, is left out and true as well.
static bool read_word(TSLexer *lexer, char word[WORD_SIZE]) {
    unsigned length = 0;
    bool is_short = true;
    while (is_word(lexer->lookahead) && !lexer->eof(lexer)) {
        if (lexer->lookahead > 0x7f || length + 1 >= WORD_SIZE) is_short = false;
        if (is_short) word[length++] = (char)lexer->lookahead;
        lexer->advance(lexer, false);
    }
    word[is_short ? length : 0] = '\0';
    return length > 0;
}

static bool is(const char *word, const char *other) {
    while (*word && *word == *other) word++, other++;
    return *word == *other;
}

static bool is_one_of(const char *word, const char *const *words) {
    for (; *words; words++) {
        if (is(word, *words)) return true;
    }
    return false;
}

// Words that begin a statement in any case.
static const char *const RESERVED[] = {
    "after",  "and",    "assert",  "ask",    "as",      "await",  "baud",    "break",  "call",      "capture", "compute",
    "device", "dtr",    "echo",    "else",   "expect",  "fail",   "false",   "finally", "flow",     "flush",   "for",
    "from",   "if",     "ignore",  "in",     "library", "line",   "log",     "matches", "not",      "on",      "or",
    "param",  "procedure", "prompt", "raw",  "read",    "repeat", "reply",   "restart", "return",   "rts",     "save",
    "secret", "send",   "serial",  "sim",    "skip",    "sleep",  "step",    "timeout", "true",     "try",     "unplug",
    "until",  "use",    "volatile", "while", "within",  0,
};

// Whether a name that `save` could take begins a statement instead: `measure vbat =`, `hook "power"`, `using relay {`.
static bool begins_statement(TSLexer *lexer, const char *word) {
    char next[WORD_SIZE];
    skip_blanks(lexer);
    if (is(word, "hook")) return lexer->lookahead == '"';
    if (is(word, "reopen")) return read_word(lexer, next) && is(next, "within");
    if (is(word, "send_file")) return is_word(lexer->lookahead) || lexer->lookahead == '"' || lexer->lookahead == '`';
    if (is(word, "measure") || is(word, "state")) {
        while (read_word(lexer, next)) skip_blanks(lexer);
        return lexer->lookahead == '=';
    }
    if (is(word, "receive_file")) {
        while (read_word(lexer, next)) {
            if (is(next, "by")) return true;
            skip_blanks(lexer);
        }
        return false;
    }
    if (is(word, "port") || is(word, "using")) {
        if (!read_word(lexer, next)) return false;
        skip_blanks(lexer);
        if (lexer->lookahead == '{') return true;
        static const char *const watchers[] = {"fail", "ignore", "on", 0};
        return is(word, "using") && read_word(lexer, next) && is_one_of(next, watchers);
    }
    return false;
}

void *tree_sitter_flow_external_scanner_create(void) {
    return 0;
}

void tree_sitter_flow_external_scanner_destroy(void *payload) {
    (void)payload;
}

unsigned tree_sitter_flow_external_scanner_serialize(void *payload, char *buffer) {
    (void)payload, (void)buffer;
    return 0;
}

void tree_sitter_flow_external_scanner_deserialize(void *payload, const char *buffer, unsigned length) {
    (void)payload, (void)buffer, (void)length;
}

bool tree_sitter_flow_external_scanner_scan(void *payload, TSLexer *lexer, const bool *valid) {
    (void)payload;
    static const char *const control[] = {"dtr", "rts", 0};
    static const char *const input[] = {"cts", "dsr", "dcd", "ri", 0};
    if (valid[ERROR_SENTINEL]) return false;
    lexer->mark_end(lexer);
    skip_blanks(lexer);
    char word[WORD_SIZE];
    if (valid[MORE_NAMES]) {
        if (lexer->lookahead == ',') {
            lexer->advance(lexer, false);
            skip_blanks(lexer);
        }
        if (!read_word(lexer, word) || is_one_of(word, RESERVED) || begins_statement(lexer, word)) return false;
        lexer->result_symbol = MORE_NAMES;
        return true;
    }
    if (valid[MORE_CONTROL_LINES] && read_word(lexer, word) && is_one_of(word, control)) {
        lexer->result_symbol = MORE_CONTROL_LINES;
        return true;
    }
    if (valid[MORE_INPUT_LINES] && read_word(lexer, word) && is_one_of(word, input)) {
        lexer->result_symbol = MORE_INPUT_LINES;
        return true;
    }
    return false;
}
