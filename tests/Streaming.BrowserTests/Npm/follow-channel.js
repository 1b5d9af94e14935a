// Follows a user's channel with the package ws. Arguments: the address, the cursor. stdout: the updates.
import WebSocket from "ws";
import { follow } from "./channel.js";

const [url, cursor] = process.argv.slice(2);
console.log(JSON.stringify(await follow(WebSocket, url, JSON.parse(cursor))));
