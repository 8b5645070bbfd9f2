import { type ChildProcess, spawn } from "node:child_process"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { expect } from "@playwright/test"
import { findTool } from "../scripts/tools.mjs"

/** nginx in its defaults before servers of ours: each request goes to the next of them, and no upgrade is passed on. */
export class Nginx {
  readonly url: string
  readonly #child: ChildProcess
  readonly #directory: string

  private constructor(url: string, child: ChildProcess, directory: string) {
    this.url = url
    this.#child = child
    this.#directory = directory
  }

  static async start(port: number, servers: readonly number[]): Promise<Nginx> {
    const program = await findTool("nginx")
    const directory = mkdtempSync(join(tmpdir(), "lf-nginx-"))
    writeFileSync(join(directory, "nginx.conf"), configOf(port, servers, directory))
    const child = spawn(program, ["-p", directory, "-c", join(directory, "nginx.conf"), "-e", "stderr"], {
      stdio: ["ignore", "ignore", "inherit"],
    })
    const nginx = new Nginx(`http://localhost:${port}`, child, directory)
    const answers = () => fetch(`${nginx.url}/api/lf`).then(({ status }) => status)
    await expect.poll(() => answers().catch(() => 0), { timeout: 10_000 }).toBe(200)
    return nginx
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const ended = new Promise((resolve) => this.#child.once("exit", resolve))
    this.#child.kill("SIGTERM")
    await ended
    rmSync(this.#directory, { recursive: true, force: true })
  }
}

function configOf(port: number, servers: readonly number[], directory: string): string {
  const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
  return `
${process.getuid?.() === 0 ? "user root;" : ""}
daemon off;
pid ${directory}/nginx.pid;
events {}
http {
  access_log off;
  ${temporary.map((name) => `${name}_temp_path ${directory}/${name};`).join("\n  ")}
  upstream app { ${servers.map((server) => `server 127.0.0.1:${server};`).join(" ")} }
  server {
    listen 127.0.0.1:${port};
    location / { proxy_pass http://app; proxy_set_header Host $http_host; }
  }
}
`
}
