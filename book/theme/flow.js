// Colours for the flow language, by the copy of highlight.js that mdBook brings along.
(function () {
    "use strict";
    if (typeof hljs === "undefined") { return; }
    hljs.registerLanguage("flow", function () {
        return {
            name: "flow",
            keywords: {
                keyword: "after all and as ask assert at await baud break by bytes call capture choices compute default device "
                    + "dtr echo else every expect fail file finally flow flush for from hook if ignore in library limits "
                    + "line log matches measure most none not now on or param port procedure prompt quiet raw read "
                    + "receive_file reopen repeat reply restart retry return rts save secret send send_file serial sim skip "
                    + "sleep state step tag timeout try unique unit unless unplug until use using volatile while wire "
                    + "within",
                literal: "true false"
            },
            contains: [
                { className: "comment", begin: "#", end: "$" },
                { className: "string", begin: '"', end: '"', illegal: "\\n",
                    contains: [{ begin: "\\\\." }, { className: "subst", begin: "\\$\\{", end: "\\}" }] },
                { className: "string", begin: "`", end: "`" },
                { className: "regexp", begin: "/(?=[^\\s/])", end: "/", illegal: "\\n", contains: [{ begin: "\\\\." }] },
                { className: "number", begin: "\\b\\d+(\\.\\d+)?(ms|s|m|h)?\\b" }
            ]
        };
    });
    document.querySelectorAll("code.language-flow").forEach(function (block) { hljs.highlightBlock(block); });
}());
