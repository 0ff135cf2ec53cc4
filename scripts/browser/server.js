// The built book over HTTP, compressed, as a web host would serve it.
import { createReadStream, existsSync, statSync } from "node:fs";
import { createServer } from "node:http";
import { extname, join, normalize, sep } from "node:path";
import { createGzip } from "node:zlib";

const TYPES = {
  ".html": "text/html; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".json": "application/json",
  ".svg": "image/svg+xml",
  ".png": "image/png",
  ".woff2": "font/woff2",
};
const PACKED = new Set([".png", ".woff2"]);

// Serves a folder on a free port of this machine. `close` ends it.
export async function serve(folder) {
  const server = createServer((request, response) => {
    const path = normalize(decodeURIComponent(new URL(request.url, "http://localhost").pathname));
    let file = join(folder, path);
    if (!file.startsWith(folder + sep) && file !== folder + sep) return response.writeHead(400).end();
    if (existsSync(file) && statSync(file).isDirectory()) file = join(file, "index.html");
    if (!existsSync(file)) return response.writeHead(404).end(`no ${path}`);
    const extension = extname(file);
    const type = TYPES[extension] ?? "application/octet-stream";
    const gzip = !PACKED.has(extension) && /\bgzip\b/.test(request.headers["accept-encoding"] ?? "");
    response.writeHead(200, gzip ? { "content-type": type, "content-encoding": "gzip" } : { "content-type": type });
    const bytes = createReadStream(file);
    (gzip ? bytes.pipe(createGzip()) : bytes).pipe(response);
  });
  await new Promise((ready) => server.listen(0, "127.0.0.1", ready));
  const { port } = server.address();
  return { origin: `http://127.0.0.1:${port}`, close: () => new Promise((closed) => server.close(closed)) };
}
