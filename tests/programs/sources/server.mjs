// An HTTP server that counts its connections itself. It says its port, and "/quit" ends it with status 6.
import { createServer } from "node:http";

let connections = 0;
const server = createServer((request, response) => {
  const words = request.url.split("/").map((word) => word.toUpperCase()).sort();
  response.end(JSON.stringify({ words, match: /(\d+)$/.exec(request.url)?.[1], connections }));
  if (request.url === "/quit") response.once("close", () => process.exit(6));
});
server.on("connection", () => connections++);
server.listen(0, "127.0.0.1", () => console.log(server.address().port));
