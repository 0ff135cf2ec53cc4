// Writes the whole book as a PDF: node pdf.js OUT. BOOK is the folder of the built book.
import { resolve } from "node:path";
import { launch } from "./browser.js";
import { serve } from "./server.js";

const [out] = process.argv.slice(2);
if (!out) {
  console.error("error: say where to write the PDF: node pdf.js OUT");
  process.exit(2);
}
const server = await serve(resolve(process.env.BOOK ?? "../../target/book"));
const browser = await launch();
const page = await browser.newPage();
await page.goto(`${server.origin}/print.html`, { waitUntil: "networkidle" });
await page.pdf({
  path: resolve(out),
  format: "A4",
  scale: 0.85,
  margin: { top: "18mm", bottom: "20mm", left: "18mm", right: "18mm" },
  displayHeaderFooter: true,
  headerTemplate: "<span></span>",
  footerTemplate: '<div style="font-size:8px;width:100%;text-align:center"><span class="pageNumber"></span></div>',
  outline: true,
  tagged: true,
});
await browser.close();
await server.close();
