// Uploads a file with tus-js-client: node upload.mjs <endpoint> <file> <chunk size> [with | terminate].
// Prints a line of JSON: the address of the upload, and how often it was tried again.
import { createReadStream, statSync } from "node:fs";
import { basename } from "node:path";
import * as tus from "tus-js-client";

const [endpoint, file, chunkSize, how] = process.argv.slice(2);
let retries = 0;
const upload = new tus.Upload(createReadStream(file), {
  endpoint,
  chunkSize: Number(chunkSize),
  uploadSize: statSync(file).size,
  uploadDataDuringCreation: how === "with",
  metadata: { filename: basename(file), filetype: "application/x-lie" },
  retryDelays: [0, 50, 100, 200, 400, 800],
  onShouldRetry: () => (++retries, true),
  onError: (error) => {
    console.error(String(error));
    process.exit(1);
  },
  onSuccess: async () => {
    if (how === "terminate") await tus.Upload.terminate(upload.url);
    console.log(JSON.stringify({ url: new URL(upload.url).pathname, retries }));
  },
});
upload.start();
