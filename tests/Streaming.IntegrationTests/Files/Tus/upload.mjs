// Uploads a file with tus-js-client: node upload.mjs <endpoint> <file> <chunk size> <requests to break> [token].
// Prints a line of JSON: the address of the upload, and how often it was taken up again.
import { createReadStream, statSync } from "node:fs";
import { basename } from "node:path";
import * as tus from "tus-js-client";

const [endpoint, file, chunkSize, cuts] = process.argv.slice(2);
let [sent, retries] = [0, 0];
const upload = new tus.Upload(createReadStream(file), {
  endpoint,
  chunkSize: Number(chunkSize),
  uploadSize: statSync(file).size,
  uploadDataDuringCreation: process.argv[6] === "with",
  metadata: { filename: basename(file), filetype: "application/x-lie" },
  retryDelays: [0, 50, 100, 200, 400, 800],
  onShouldRetry: () => (++retries, true),
  onProgress: (bytes, total) => {
    // In the middle of a body, as a network does it.
    if (sent < Number(cuts) && bytes > ((sent + 1) * total) / (Number(cuts) + 1)) {
      sent++;
      upload._req?._request?.destroy?.(new Error("cut"));
    }
  },
  onError: (error) => {
    console.error(String(error));
    process.exit(1);
  },
  onSuccess: async () => {
    const url = upload.url;
    if (process.argv[6] === "terminate") await tus.Upload.terminate(url);
    console.log(JSON.stringify({ url, retries, cuts: sent }));
  },
});
upload.start();
