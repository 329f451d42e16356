/**
 * A PostgreSQL server of a test's own, and sessions of psql with it.
 *
 * @module
 */

import { assertEquals } from "@std/assert";
import { until, within } from "../support.ts";

/** Where Debian puts the programs of PostgreSQL 15. */
export const POSTGRES_BIN = "/usr/lib/postgresql/15/bin";

/** How long pgbench may run, in ms. */
const BENCH_LIMIT_MS = 300_000;

/** The line by which a session says that a query has been answered. */
const ANSWERED = "-- answered --";

/** A server with a fresh cluster. Disposing of it stops it and removes the cluster. */
export class PostgresServer implements AsyncDisposable {
  /** The folder of its socket. */
  readonly folder: string;
  readonly #child: Deno.ChildProcess;

  private constructor(folder: string, child: Deno.ChildProcess) {
    this.folder = folder;
    this.#child = child;
  }

  /**
   * Makes a cluster and starts its server; returns when it takes connections.
   *
   * @param more Settings besides those of all tests, as `name=value`.
   */
  static async start(more: readonly string[] = []): Promise<PostgresServer> {
    const folder = Deno.makeTempDirSync({ prefix: "fasttrap-postgres-" });
    const identity = unprivileged();
    if (identity.uid !== undefined) Deno.chownSync(folder, identity.uid, identity.gid ?? null);
    const common = { ...identity, cwd: folder, stdin: "null", stdout: "null" } as const;
    const { success, stderr } = new Deno.Command(`${POSTGRES_BIN}/initdb`, {
      args: ["-D", `${folder}/data`, "-U", "postgres", "-A", "trust", "--no-sync", "--locale=C", "-E", "UTF8"],
      ...common,
    }).outputSync();
    assertEquals(success, true, new TextDecoder().decode(stderr));
    const settings = ["listen_addresses=", "fsync=off", "autovacuum=off", "track_functions=all", ...more];
    const child = new Deno.Command(`${POSTGRES_BIN}/postgres`, {
      args: ["-D", `${folder}/data`, "-k", folder, ...settings.flatMap((setting) => ["-c", setting])],
      stderr: "null",
      ...common,
    }).spawn();
    const server = new PostgresServer(folder, child);
    await until(() => isReady(`${folder}/data/postmaster.pid`), "the server");
    return server;
  }

  /** The pid of the process that starts a backend for each session. */
  get pid(): number {
    return this.#child.pid;
  }

  /** What makes a command run as the user whose server it is, without capabilities. */
  get asOwner(): readonly string[] {
    const { uid, gid } = unprivileged();
    return uid === undefined ? [] : ["setpriv", `--reuid=${uid}`, `--regid=${gid}`, "--clear-groups"];
  }

  /**
   * Runs pgbench against it.
   *
   * @param database The database.
   * @param args Its other arguments.
   * @param enough When it has run for long enough, if it was given a time (`-T`); it ends as if that were over.
   * @returns Its exit status and what it has printed.
   */
  async bench(
    database: string,
    args: readonly string[],
    enough?: Promise<void>,
  ): Promise<{ code: number; stdout: string; stderr: string }> {
    const child = new Deno.Command(`${POSTGRES_BIN}/pgbench`, {
      args: ["-h", this.folder, "-U", "postgres", ...args, database],
      ...{ stdin: "null", stdout: "piped", stderr: "piped" },
    }).spawn();
    void enough?.then(() => child.kill("SIGALRM"));
    const { code, stdout, stderr } = await within(child.output(), "the end of pgbench", BENCH_LIMIT_MS);
    const decoder = new TextDecoder();
    return { code, stdout: decoder.decode(stdout), stderr: decoder.decode(stderr) };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // SIGINT: a fast shutdown, which ends all sessions.
    this.#child.kill("SIGINT");
    await within(this.#child.status, "the server's end");
    Deno.removeSync(this.folder, { recursive: true });
  }
}

/** A psql, connected to a server. */
export class PsqlSession implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  readonly #stdin: WritableStreamDefaultWriter<Uint8Array>;
  readonly #stdout: ReadableStreamDefaultReader<string>;

  /** Connects. */
  constructor(server: PostgresServer) {
    this.#child = new Deno.Command("psql", {
      args: ["-X", "-A", "-t", "-q", "-h", server.folder, "-U", "postgres", "postgres"],
      stdin: "piped",
      stdout: "piped",
      stderr: "null",
    }).spawn();
    this.#stdin = this.#child.stdin.getWriter();
    this.#stdout = this.#child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  }

  /** Sends a query and returns its rows, their columns parted by bars. */
  async query(text: string): Promise<string[]> {
    await this.#stdin.write(new TextEncoder().encode(`${text};\n\\echo ${ANSWERED}\n`));
    let answer = "";
    while (!answer.endsWith(`${ANSWERED}\n`)) {
      const { value, done } = await within(this.#stdout.read(), `the answer to "${text}"`);
      if (done) throw new TypeError(`psql has ended behind "${answer}"`);
      answer += value;
    }
    return answer.split("\n").slice(0, -2);
  }

  /** The pid of its backend. */
  async backend(): Promise<number> {
    return Number((await this.query("select pg_backend_pid()"))[0]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stdin.close();
    await this.#stdout.cancel();
    await within(this.#child.status, "the end of psql");
  }
}

/** Whom the server runs as: it refuses to be root. */
function unprivileged(): { uid?: number; gid?: number } {
  if (Deno.uid() !== 0) return {};
  const users = Deno.readTextFileSync("/etc/passwd").split("\n").map((line) => line.split(":"));
  const user = users.find(([name]) => name === "postgres") ?? users.find(([name]) => name === "nobody")!;
  return { uid: Number(user[2]), gid: Number(user[3]) };
}

/** Whether a server has written that it is ready into its file, as the eighth line. */
function isReady(path: string): boolean {
  try {
    return Deno.readTextFileSync(path).split("\n")[7]?.trim() === "ready";
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
