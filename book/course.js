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
        ["main figure.diagram", "Diagram"],
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
