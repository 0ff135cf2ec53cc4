// What a console block shows was typed after a prompt, and printed. A reader copies what was typed.
(() => {
    // The commands without their prompts. Output comes between them, except where a command goes on: after a backslash, and
    // in a here-document up to its end.
    const commands = (text) => {
        const typed = [];
        let until = null;
        let goesOn = false;
        for (const line of text.split("\n")) {
            if (until !== null) {
                typed.push(line);
                if (line.trim() === until) until = null;
                continue;
            }
            if (!goesOn && !line.startsWith("$ ")) continue;
            const command = goesOn ? line.replace(/^> /, "") : line.slice(2);
            typed.push(command);
            until = command.match(/(?<!<)<<-?\s*(["']?)(\w+)\1/)?.[2] ?? null;
            goesOn = until === null && command.endsWith("\\");
        }
        return typed.join("\n");
    };

    const blocks = document.querySelectorAll("main pre > code.language-console");
    for (const block of blocks) {
        const button = block.parentElement.querySelector(".clip-button");
        if (!button) continue;
        if (commands(block.textContent) === "") {
            button.parentElement.remove();
        } else {
            button.title = "Copy the commands";
            button.setAttribute("aria-label", button.title);
        }
    }
    // mdBook asks this function of its own what a button copies.
    const everything = window.playground_text;
    window.playground_text = (pre, ...rest) => {
        const block = pre.querySelector("code.language-console");
        return block ? commands(block.textContent) : everything(pre, ...rest);
    };

    // A long line goes on below its own beginning. The line breaks stay in the text, so selecting and copying find them.
    for (const block of blocks) {
        const text = block.textContent;
        const lines = text.split("\n");
        if (lines.at(-1) === "") lines.pop();
        const split = document.createDocumentFragment();
        for (const line of lines) {
            const span = document.createElement("span");
            span.className = "console-line";
            span.style.setProperty("--indent", `${line.search(/\S|$/) + 2}ch`);
            span.append(takeFrom(block, line.length + 1));
            split.append(span);
        }
        block.replaceChildren(split);
    }

    // Cuts that many characters from the beginning of an element, with the highlighter's elements around them.
    function takeFrom(element, length) {
        const range = document.createRange();
        range.setStart(element, 0);
        const walker = document.createTreeWalker(element, NodeFilter.SHOW_TEXT);
        let left = length;
        let node = walker.nextNode();
        while (node && node.length < left) {
            left -= node.length;
            node = walker.nextNode();
        }
        if (node) range.setEnd(node, left);
        else range.setEnd(element, element.childNodes.length);
        return range.extractContents();
    }
})();

// What mdBook leaves out for those who read with a keyboard or a screen reader.
(() => {
    // The button of the table of contents is a label of a hidden box: make it a button.
    const contents = document.getElementById("mdbook-sidebar-toggle");
    if (contents) {
        contents.setAttribute("role", "button");
        contents.tabIndex = 0;
        contents.addEventListener("keydown", (event) => {
            if (event.key === "Enter" || event.key === " ") {
                event.preventDefault();
                contents.click();
            }
        });
    }

    // What scrolls sideways can be reached and scrolled with the keyboard, and says what it is.
    const kinds = [
        ["main pre > code", "Code"],
        ["main .table-wrapper", "Table"],
        ["main .drawing", "Diagram"],
    ];
    const reach = () => {
        for (const [selector, name] of kinds) {
            for (const element of document.querySelectorAll(selector)) {
                if (element.scrollWidth > element.clientWidth) {
                    element.tabIndex = 0;
                    element.setAttribute("role", "group");
                    element.setAttribute("aria-label", `${name}, scrolls sideways`);
                } else if (element.getAttribute("role") === "group") {
                    for (const attribute of ["tabindex", "role", "aria-label"]) element.removeAttribute(attribute);
                }
            }
        }
    };
    reach();
    addEventListener("resize", reach);
    // Folded text has no width before it is opened; fonts change widths when they come.
    document.addEventListener("toggle", reach, true);
    document.fonts.ready.then(reach);
})();
