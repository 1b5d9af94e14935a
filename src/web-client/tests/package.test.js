import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";

const root = fileURLToPath(new URL("..", import.meta.url));
const BYTES_MAX = 6 * 1_024;

/** A tool of devDependencies, or why there is none. */
function tool(name) {
  const path = join(root, "node_modules", ".bin", name);
  return existsSync(path) ? { path } : { skip: process.env.STREAMING_REQUIRE_ALL === "1" ? false : `no ${name}: run npm ci` };
}

const run = (path, ...args) => execFileSync(path, args, { cwd: root, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });

test("the types hold, and those that are shipped are the ones of the code", { skip: tool("tsc").skip }, () => {
  const folder = mkdtempSync(join(tmpdir(), "web-client-types-"));
  try {
    run(tool("tsc").path, "--declaration", "--emitDeclarationOnly", "--noEmit", "false", "--outDir", folder);
    const read = (base) => Object.fromEntries(readdirSync(base, { recursive: true }).filter((name) => name.endsWith(".ts"))
      .map((name) => [name, readFileSync(join(base, name), "utf8")]));
    assert.deepEqual(read(join(root, "types")), read(folder), "run npm run types");
  } catch (fault) {
    throw fault.stdout ? new Error(fault.stdout) : fault;
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("the types of the messages tell them apart", { skip: tool("tsc").skip }, () => {
  try {
    run(tool("tsc").path, "--noEmit", "--strict", "--target", "ES2022", "--module", "NodeNext", "--skipLibCheck", "tests/protocol-types.ts");
  } catch (fault) {
    throw fault.stdout ? new Error(fault.stdout) : fault;
  }
});

// What a page loads of it: everything that index.js exports, as one module, minified and gzipped.
test(`the client is at most ${BYTES_MAX} bytes`, { skip: tool("esbuild").skip }, (t) => {
  const bundle = run(tool("esbuild").path, "index.js", "--bundle", "--minify", "--format=esm", "--target=es2022");
  const bytes = gzipSync(bundle, { level: 9 }).length;
  t.diagnostic(`${bytes} bytes`);
  assert.ok(bytes <= BYTES_MAX, `${bytes} bytes`);
});

for (const [entry, what, bytesMax] of [["react.js", "the hook, without React,", 800], ["many.js", "watching several sessions", 500]]) {
  test(`${what} adds at most ${bytesMax} bytes to it`, { skip: tool("esbuild").skip }, (t) => {
    const bytesOf = (...imports) => gzipSync(run(tool("esbuild").path, ...imports, "--bundle", "--minify", "--format=esm", "--target=es2022", "--external:react"), { level: 9 }).length;
    const bytes = bytesOf(entry) - bytesOf("index.js");
    t.diagnostic(`${bytes} bytes`);
    assert.ok(bytes <= bytesMax, `${bytes} bytes`);
  });
}

// A page that uploads and watches nothing loads this alone.
test("uploading is at most 1500 bytes", { skip: tool("esbuild").skip }, (t) => {
  const bytes = gzipSync(run(tool("esbuild").path, "upload.js", "--bundle", "--minify", "--format=esm", "--target=es2022"), { level: 9 }).length;
  t.diagnostic(`${bytes} bytes`);
  assert.ok(bytes <= 1_500, `${bytes} bytes`);
});

test("there are no dependencies, and what is exported is there", () => {
  const { dependencies, exports, files } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  assert.equal(dependencies, undefined);
  for (const entry of Object.values(exports)) for (const path of Object.values(entry)) assert.ok(existsSync(join(root, path)), path);
  for (const path of files) assert.ok(existsSync(join(root, path)), path);
});
