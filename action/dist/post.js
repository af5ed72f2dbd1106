"use strict";

// src/proxy.ts
var import_node_child_process = require("node:child_process");
var NAMES = ["https_proxy", "HTTPS_PROXY", "http_proxy", "HTTP_PROXY"];
function isPastProxy(env) {
  return env["NODE_USE_ENV_PROXY"] === void 0 && NAMES.some((name) => (env[name] ?? "") !== "");
}
function run(env, step) {
  if (!isPastProxy(env)) {
    void step();
    return;
  }
  const [program = process.execPath, ...rest] = [process.execPath, ...process.execArgv, ...process.argv.slice(1)];
  const child = (0, import_node_child_process.spawn)(program, rest, { env: { ...env, NODE_USE_ENV_PROXY: "1" }, stdio: "inherit" });
  for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => child.kill(signal));
  child.on("error", () => void step());
  child.on("exit", (code) => process.exitCode = code ?? 1);
}

// src/runner.ts
var import_node_fs = require("node:fs");
var import_node_crypto = require("node:crypto");

// src/failure.ts
var Failure = class extends Error {
  constructor(title, sentence, particulars = {}) {
    super(sentence);
    this.title = title;
    this.advice = particulars.advice ?? [];
    this.facts = particulars.facts ?? [];
    this.summary = particulars.summary ?? false;
  }
  title;
  advice;
  facts;
  summary;
};

// src/runner.ts
var Runner = class {
  constructor(env, write) {
    this.env = env;
    this.write = write;
  }
  env;
  write;
  /** From here on the runner shows `***` for this text. */
  mask(secret) {
    this.write(`::add-mask::${escapeData(secret)}`);
  }
  /** A plain line; the caller has made text of others printable. */
  say(line) {
    this.write(line);
  }
  /** Lines behind a title that a reader opens. */
  group(title, lines) {
    this.write(`::group::${escapeData(title)}`);
    lines.forEach((line) => this.write(line));
    this.write("::endgroup::");
  }
  annotate(kind, title, lines) {
    this.write(`::${kind} title=${escapeProperty(title)}::${escapeData(lines.join("\n"))}`);
  }
  output(name, value) {
    this.append("GITHUB_OUTPUT", name, value);
  }
  /** Kept for the post step, which finds it as `STATE_name`. */
  keep(name, value) {
    this.append("GITHUB_STATE", name, value);
  }
  /** An environment variable of the steps after this one. */
  export(name, value) {
    this.append("GITHUB_ENV", name, value);
  }
  /** Markdown on the page of the run. Servers without job summaries name no file. */
  summarize(markdown) {
    const file = this.env["GITHUB_STEP_SUMMARY"];
    if (file) (0, import_node_fs.appendFileSync)(file, `${markdown}
`);
  }
  /** A delimiter that nobody can foresee keeps a value from setting a second variable. */
  append(variable, name, value) {
    const file = this.env[variable];
    if (!file) {
      throw new Failure("No runner", `${variable} is not set: this step runs under a GitHub Actions runner`);
    }
    const delimiter = `octo-sts-${(0, import_node_crypto.randomUUID)()}`;
    (0, import_node_fs.appendFileSync)(file, `${name}<<${delimiter}
${value}
${delimiter}
`);
  }
};
function escapeData(text) {
  return text.replaceAll("%", "%25").replaceAll("\r", "%0D").replaceAll("\n", "%0A");
}
function escapeProperty(text) {
  return escapeData(text).replaceAll(":", "%3A").replaceAll(",", "%2C");
}

// src/printable.ts
var LONGEST = 2e3;
var UNSEEN = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu;
function printable(text) {
  const short = text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text;
  return short.replace(UNSEEN, (char) => `\\u{${(char.codePointAt(0) ?? 0).toString(16)}}`).replaceAll("##[", "#\\#[").replace(/^\s*::/, (colons) => `\\${colons}`);
}

// src/git.ts
var import_node_fs2 = require("node:fs");
function forgetGit(file) {
  (0, import_node_fs2.rmSync)(file, { force: true });
}

// src/request.ts
var PATIENCE = 3e4;
var ANSWER_WITHIN = 15e3;
var FIRST_PAUSE = 250;
var LONGEST_PAUSE = 8e3;
var LONGEST_ANSWER = 256 * 1024;
var LASTING = /* @__PURE__ */ new Set([501, 505]);
var UNTRUSTED = /^(ERR_TLS_|CERT_|UNABLE_TO_|DEPTH_ZERO_|SELF_SIGNED_|HOSTNAME_MISMATCH|INVALID_CA)/;
var OUTSIDE = {
  fetch: (url, init) => fetch(url, init),
  sleep: (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds)),
  now: () => performance.now(),
  random: () => Math.random()
};
var Requests = class {
  constructor(outside = OUTSIDE, patience = PATIENCE) {
    this.outside = outside;
    this.deadline = outside.now() + patience;
  }
  outside;
  deadline;
  /** What went wrong on the way, for those who debug. */
  hitches = [];
  /**
   * The answer, whatever its status: a passing one is asked again until the deadline.
   *
   * A pause that `Retry-After` asks for and that reaches past the deadline is not begun.
   */
  async ask(question) {
    for (let tries = 0; ; tries += 1) {
      const outcome = await this.once(question);
      const passing = outcome instanceof Failure ? outcome instanceof Unreachable && outcome.passing : isPassing(outcome.status);
      if (passing && await this.paused(question, outcome, tries)) continue;
      if (outcome instanceof Failure) throw outcome;
      return outcome;
    }
  }
  async once(question) {
    const left = Math.max(1, Math.ceil(Math.min(ANSWER_WITHIN, this.deadline - this.outside.now())));
    try {
      const response = await this.outside.fetch(question.url, {
        method: question.method,
        headers: { accept: "application/json", "user-agent": `octo-sts-action/${"0.1.0"}`, ...question.headers },
        redirect: "manual",
        signal: AbortSignal.timeout(left)
      });
      return { status: response.status, headers: response.headers, text: await readText(response, question) };
    } catch (error) {
      return error instanceof Failure ? error : new Unreachable(question, error);
    }
  }
  async paused(question, outcome, tries) {
    const own = Math.min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** tries) * (0.5 + this.outside.random() / 2);
    const pause = Math.max(own, askedPause(outcome) ?? 0);
    if (this.outside.now() + pause >= this.deadline) return false;
    const what = outcome instanceof Failure ? outcome.message : `${question.of} answered ${outcome.status}`;
    this.hitches.push(`${what}; tried again after ${Math.round(pause)} ms`);
    await this.outside.sleep(pause);
    return true;
  }
};
function isPassing(status) {
  return status === 408 || status === 425 || status === 429 || status >= 500 && !LASTING.has(status);
}
var Unreachable = class extends Failure {
  passing;
  constructor(question, error) {
    const { code, text, outside } = reason(error);
    const untrusted = UNTRUSTED.test(code);
    const host = new URL(question.url).host;
    super("No answer", `${question.of} at ${printable(host)} could not be reached: ${printable(text)}`, {
      advice: untrusted ? ["The server's certificate is not trusted. For a private certificate authority, set `NODE_EXTRA_CA_CERTS` on the runner."] : ["Is the host name right, and can this runner reach it? Behind a proxy, set `HTTPS_PROXY` on the runner or on the step."]
    });
    this.passing = outside && !untrusted;
  }
};
function reason(error) {
  if (!(error instanceof Error)) return { code: "", text: String(error), outside: false };
  if (error.name === "TimeoutError") return { code: "", text: "no answer in time", outside: true };
  const cause = error.cause instanceof Error ? error.cause : void 0;
  const code = cause && "code" in cause && typeof cause.code === "string" ? cause.code : "";
  return { code, text: cause?.message || code || error.message, outside: cause !== void 0 };
}
async function readText(response, question) {
  const chunks = [];
  let length = 0;
  for await (const chunk of response.body ?? []) {
    length += chunk.byteLength;
    if (length > LONGEST_ANSWER) {
      throw new Failure("Odd answer", `${question.of} sent more than ${LONGEST_ANSWER} bytes`);
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}
function askedPause(outcome) {
  const value = outcome instanceof Failure ? null : outcome.headers.get("retry-after");
  if (value === null) return void 0;
  if (/^\d+$/.test(value.trim())) return Number(value) * 1e3;
  const date = Date.parse(value);
  return Number.isNaN(date) ? void 0 : Math.max(0, date - Date.now());
}

// src/revoke.ts
async function revoke(requests, apiUrl, token) {
  const answer = await requests.ask({
    of: "GitHub",
    url: `${apiUrl}/installation/token`,
    method: "DELETE",
    headers: { authorization: `Bearer ${token}`, accept: "application/vnd.github+json" }
  });
  if (answer.status === 204) return "revoked";
  if (answer.status === 401) return "already ended";
  throw new Failure("Token not revoked", `GitHub answered ${answer.status} to the revocation; the token ends by itself within the hour`);
}

// src/step.ts
async function post(runner, requests = new Requests()) {
  const token = runner.env["STATE_token"];
  const apiUrl = runner.env["STATE_api-url"];
  const gitConfig = runner.env["STATE_git-config"];
  if (token) runner.mask(token);
  if (gitConfig) forgetGit(gitConfig);
  if (!token || !apiUrl) return;
  try {
    const outcome = await revoke(requests, apiUrl, token);
    runner.say(outcome === "revoked" ? "The token is revoked" : "The token had already ended");
  } catch (error) {
    runner.annotate("warning", "Octo STS: Token not revoked", [error instanceof Failure ? error.message : "unexpected error"]);
  }
}

// src/post.ts
run(process.env, () => post(new Runner(process.env, (line) => process.stdout.write(`${line}
`))));
