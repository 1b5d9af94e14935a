// The reference server of tus 1.0.0 on a free port, which it prints: node reference.mjs <folder> <max size>.
import { createServer } from "node:http";
import { FileStore } from "@tus/file-store";
import { Server } from "@tus/server";

const tus = new Server({ path: "/api/files", datastore: new FileStore({ directory: process.argv[2] }), maxSize: Number(process.argv[3]) });
const server = createServer((request, response) => tus.handle(request, response));
server.listen(0, "127.0.0.1", () => console.log(server.address().port));
process.stdin.on("end", () => process.exit(0)).resume();
