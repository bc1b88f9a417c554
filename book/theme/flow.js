// Colours for the flow language, by the copy of highlight.js that mdBook brings along.
(function () {
    "use strict";
    if (typeof hljs === "undefined") { return; }
    hljs.registerLanguage("flow", function () {
        return {
            name: "flow",
            keywords: {
                keyword: "flow device library use param secret sim serial port using step timeout send expect await "
                    + "capture read assert fail now call proc return if else for in repeat at most until try finally on "
                    + "unless ignore reply sleep save log measure soft limits reopen flush skip line quiet bytes json as",
                literal: "true false"
            },
            contains: [
                { className: "comment", begin: "#", end: "$" },
                { className: "string", begin: '"', end: '"', illegal: "\\n",
                    contains: [{ begin: "\\\\." }, { className: "subst", begin: "\\$\\{", end: "\\}" }] },
                { className: "string", begin: "`", end: "`" },
                { className: "regexp", begin: "/(?=[^\\s/])", end: "/", illegal: "\\n", contains: [{ begin: "\\\\." }] },
                { className: "number", begin: "\\b\\d+(\\.\\d+)?(ms|s|min|h)?\\b" }
            ]
        };
    });
    document.querySelectorAll("code.language-flow").forEach(function (block) { hljs.highlightBlock(block); });
}());
