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
  child.on("exit", (code2) => process.exitCode = code2 ?? 1);
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
function html(text) {
  return printable(text).replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;");
}

// src/claims.ts
function readClaims(token) {
  try {
    const claims = JSON.parse(Buffer.from(token.split(".")[1] ?? "", "base64url").toString("utf8"));
    return typeof claims === "object" && claims !== null && !Array.isArray(claims) ? claims : {};
  } catch {
    return {};
  }
}
function textClaim(claims, name) {
  const value = claims[name];
  return typeof value === "string" ? value : void 0;
}
function claimLines(claims) {
  return Object.entries(claims).map(([name, value]) => {
    const text = typeof value === "string" ? value : JSON.stringify(value);
    return printable(`${name}: ${text}`);
  });
}

// src/exchange.ts
var import_node_crypto2 = require("node:crypto");

// src/refusal.ts
var BY_SENTENCE = [
  ["token does not match trust policy", mismatch],
  ["unable to find trust policy", ({ policy }) => [
    `Is there ${policy}? Policies are read from the default branch, and from nowhere else.`,
    "The input `identity` is the file's name without `.sts.yaml`, in the same letter case."
  ]],
  ["unable to parse trust policy", invalidPolicy],
  ["unable to compile trust policy", invalidPolicy],
  ["unable to read trust policy", unreadable],
  ["no installation found", ({ inputs }) => [
    `Install the service's GitHub App on \`${printable(inputs.scope.split("/")[0] ?? "")}\`, and give it access to the repository.`,
    "Is the input `scope` spelled right?"
  ]],
  ["no GitHub App configured", () => ["The service has no GitHub App for this owner: ask those who run it, or look at the input `domain`."]],
  ["issuer not permitted", ({ claims }) => [
    `The organisation admits only listed issuers. Its owners list \`${printable(textClaim(claims, "iss") ?? "")}\` in \`.github/chainguard/trusted-token-issuers.yaml\` of its policy repository.`
  ]],
  ["organization trusted-issuer configuration", () => ["The file `.github/chainguard/trusted-token-issuers.yaml` of the organisation's policy repository is not valid: its owners see why in the check run of the commit."]],
  ["unable to fetch or create the provider", ({ claims }) => [
    `The service could not read the keys of \`${printable(textClaim(claims, "iss") ?? "the issuer")}\`. An issuer on a private network must be named in \`STS_PRIVATE_ISSUERS\` of the service.`
  ]],
  ["unable to verify bearer token", () => ["The OIDC token was refused by itself: expired, or signed with a key its issuer does not publish. Are the clocks of the runner and the service right?"]],
  ["token exchange failure", unmintable],
  ["failed to get token", (given) => given.status === 403 ? unmintable(given) : later()],
  ["multiple scopes", () => ["Give one scope. A policy of the organisation covers several repositories with one token."]],
  ["scope", scopeGrammar],
  ["invalid scope", scopeGrammar],
  ["identity", identityGrammar],
  ["invalid identity", identityGrammar]
];
var BY_REASON = {
  INSTALLATION_SUSPENDED: () => ["An owner of the organisation has suspended the GitHub App, and can end that in its settings."],
  REPOSITORY_RENAMED: () => ["Use the present name of the repository as `scope`."],
  ISSUER_NOT_ADMITTED: ({ claims }) => [`The service does not take tokens of \`${printable(textClaim(claims, "iss") ?? "this issuer")}\`: ask those who run it.`],
  REPOSITORY_DOES_NOT_CONSENT: ({ policy }) => [
    `${policy} lists other repositories, and each of them needs a policy of the same name that admits this token. A policy of the organisation needs none of that.`
  ],
  APP_NOT_CONFIGURED: ({ policy }) => [`${policy} asks for an App that this service does not have for the owner.`],
  TOO_MANY_REQUESTS: () => ["Too many requests were made: run the job again later."]
};
var BY_STATUS = {
  400: () => ["Look at the inputs of this step."],
  401: () => ["The OIDC token was not accepted. Is the input `domain` the service you mean?"],
  403: mismatch,
  404: () => ["Look at the inputs `scope`, `identity` and `domain`."],
  429: () => ["A rate limit was reached: run the job again later."]
};
function explain(answer, body, inputs, bearer) {
  const said = typeof body["message"] === "string" && body["message"] !== "" ? printable(body["message"]) : void 0;
  const given = { inputs, claims: readClaims(bearer), policy: policyOf(inputs), status: answer.status };
  const reason2 = reasonOf(body);
  return new Failure(`Token refused (${answer.status})`, said ?? silent(answer), {
    advice: said === void 0 ? elsewhere(answer) : adviceFor(said, reason2, answer.status)(given),
    facts: facts(answer, reason2, inputs),
    summary: true
  });
}
function adviceFor(said, reason2, status) {
  const byReason = reason2 !== void 0 && Object.hasOwn(BY_REASON, reason2) ? BY_REASON[reason2] : void 0;
  if (byReason) return byReason;
  const known = BY_SENTENCE.find(([beginning]) => said.startsWith(beginning));
  return known?.[1] ?? BY_STATUS[status] ?? later;
}
function policyOf({ scope, identity }) {
  const repository = scope.includes("/") ? scope : `${scope}/.github`;
  return `\`.github/chainguard/${printable(identity)}.sts.yaml\` in \`${printable(repository)}\``;
}
function mismatch({ claims, policy }) {
  const lines = ["iss", "sub", "aud"].map((name) => [name, textClaim(claims, name)]);
  const words = { iss: "issuer", sub: "subject", aud: "audience" };
  const wanted = lines.filter(([, value]) => value !== void 0).map(([name, value]) => `    ${words[name]}: ${JSON.stringify(printable(value ?? ""))}`);
  const advice = [
    `Compare ${policy} with the claims of this job's token. A policy with these lines names this very token.

${wanted.join("\n")}
`,
    "Without `audience` in the policy, the token's audience must be the service's domain."
  ];
  return /^repo:[^/]+@\d+\//.test(textClaim(claims, "sub") ?? "") ? [...advice, "This repository has immutable subjects, with ids behind `@`: a policy that has the names alone does not match."] : advice;
}
function invalidPolicy({ policy }) {
  return [`Correct ${policy}. The check run \`Trust Policy Validation\` on its commit says what is wrong, and so does \`octo-sts policy check\`.`];
}
function unreadable({ policy, status }) {
  return status === 403 ? [`GitHub does not let the App read ${policy}: an owner of the organisation looks at the App's permissions and at the organisation's access rules.`] : [`Is ${policy} a plain text file of at most 64 KiB? A folder, a link or a submodule is none.`];
}
function scopeGrammar() {
  return ["A scope is `OWNER/REPOSITORY`, or `OWNER` for a policy of the organisation."];
}
function identityGrammar() {
  return ["An identity is the name of a policy file without `.sts.yaml`: letters, digits, `.`, `_` and `-`."];
}
function later() {
  return ["The service or GitHub has a problem: run the job again later."];
}
function unmintable({ policy }) {
  return [`GitHub refused the token that ${policy} grants: the App's installation lacks one of its permissions or repositories.`];
}
function silent(answer) {
  return `the service answered ${answer.status} and said nothing more`;
}
function elsewhere(answer) {
  const location = answer.headers.get("location");
  const moved = location ? [`It points to ${printable(location)}, which is not followed: a token goes only where the inputs say.`] : [];
  return [...moved, "Look at the inputs `domain` and `base-url`: is this an Octo STS service?"];
}
function reasonOf(body) {
  const detail = Array.isArray(body["details"]) ? body["details"][0] : void 0;
  const word = typeof detail === "object" && detail !== null && "reason" in detail ? detail.reason : void 0;
  return typeof word === "string" ? word : void 0;
}
function facts(answer, reason2, { scope, identity, service }) {
  const found = [
    ["scope", scope],
    ["identity", identity],
    ["service", service],
    ["reason", reason2],
    ["request id", answer.headers.get("x-request-id")],
    ["try again after", answer.headers.get("retry-after")]
  ];
  return found.filter((fact) => Boolean(fact[1])).map(([name, value]) => [name, printable(value)]);
}

// src/exchange.ts
async function exchange(requests, inputs, bearer) {
  const { scope, identity } = inputs;
  const query = new URLSearchParams({ scope, scopes: scope, identity });
  const answer = await requests.ask({
    of: "Octo STS",
    url: `${inputs.service}/sts/exchange?${query}`,
    method: "POST",
    headers: { authorization: `Bearer ${bearer}` }
  });
  const body = readObject(answer.text);
  if (answer.status !== 200) throw explain(answer, body, inputs, bearer);
  return readDelivery(body, answer);
}
function fingerprint(token) {
  return (0, import_node_crypto2.createHash)("sha256").update(token).digest("hex");
}
function readObject(text) {
  try {
    const value = JSON.parse(text);
    return typeof value === "object" && value !== null ? value : {};
  } catch {
    return {};
  }
}
function readDelivery(body, answer) {
  const token = body["token"];
  if (typeof token !== "string" || !/^[\x21-\x7e]+$/.test(token)) {
    throw new Failure("Odd answer", "the service answered 200 without a token: is this an Octo STS service?", {
      advice: ["Look at the inputs `domain` and `base-url`."]
    });
  }
  return {
    token,
    expiresAt: readTime(body["expiry"]),
    permissions: readLevels(body["permissions"]),
    repositories: readNames(body["repositories"]),
    requestId: answer.headers.get("x-request-id") ?? ""
  };
}
function readTime(value) {
  return typeof value === "string" && /^[\d\-T:.Z+]+$/.test(value) && !Number.isNaN(Date.parse(value)) ? value : "";
}
function readLevels(value) {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return void 0;
  const levels = Object.entries(value).filter((entry) => typeof entry[1] === "string");
  return levels.length > 0 ? Object.fromEntries(levels) : void 0;
}
function readNames(value) {
  if (!Array.isArray(value)) return void 0;
  const names = value.filter((name) => typeof name === "string");
  return names.length > 0 ? names : void 0;
}

// src/git.ts
var import_node_crypto3 = require("node:crypto");
var import_node_fs2 = require("node:fs");
var import_node_os = require("node:os");
var import_node_path = require("node:path");
function configureGit(runner, server, token) {
  const credentials = Buffer.from(`x-access-token:${token}`).toString("base64");
  runner.mask(credentials);
  const file = (0, import_node_path.join)(runner.env["RUNNER_TEMP"] || (0, import_node_os.tmpdir)(), `octo-sts-${(0, import_node_crypto3.randomUUID)()}.gitconfig`);
  const lines = [`[http "${server}"]`, "	extraheader =", `	extraheader = AUTHORIZATION: basic ${credentials}`, ""];
  (0, import_node_fs2.writeFileSync)(file, lines.join("\n"), { mode: 384, flag: "wx" });
  include(runner, file);
  return file;
}
function include(runner, file) {
  const count = Number.parseInt(runner.env["GIT_CONFIG_COUNT"] ?? "0", 10) || 0;
  runner.export(`GIT_CONFIG_KEY_${count}`, "include.path");
  runner.export(`GIT_CONFIG_VALUE_${count}`, file);
  runner.export("GIT_CONFIG_COUNT", String(count + 1));
}

// src/hosts.ts
function gitServer(apiUrl, env) {
  const own = env["GITHUB_SERVER_URL"];
  if (own && apiUrl === (env["GITHUB_API_URL"] ?? "").replace(/\/+$/, "")) return `${new URL(own).origin}/`;
  const url = new URL(apiUrl);
  const apart = url.hostname === "api.github.com" || /^api\.[^.]+\.ghe\.com$/.test(url.hostname);
  return `${url.protocol}//${apart ? url.host.slice("api.".length) : url.host}/`;
}

// src/idtoken.ts
var MISSING = {
  advice: [
    "Add these lines to the job, or to the workflow above `jobs:`.\n\n    permissions:\n      contents: read\n      id-token: write\n",
    "In a reusable workflow, the job that calls it needs them, too.",
    "A run for a pull request from a fork never gets an OIDC token."
  ],
  summary: true
};
async function fetchIdToken(requests, env, audience) {
  const endpoint = env["ACTIONS_ID_TOKEN_REQUEST_URL"];
  const bearer = env["ACTIONS_ID_TOKEN_REQUEST_TOKEN"];
  if (!endpoint || !bearer) {
    throw new Failure("Permission id-token: write is missing", "this job may not ask GitHub for an OIDC token: it lacks the permission `id-token: write`", MISSING);
  }
  const url = new URL(endpoint);
  url.searchParams.set("audience", audience);
  const answer = await requests.ask({
    of: "GitHub's OIDC endpoint",
    url: url.href,
    method: "GET",
    headers: { authorization: `Bearer ${bearer}` }
  });
  return tokenOf(answer.text) ?? refused(answer.status, answer.headers.get("x-request-id"));
}
function tokenOf(text) {
  try {
    const answer = JSON.parse(text);
    const value = typeof answer === "object" && answer !== null && "value" in answer ? answer.value : void 0;
    return typeof value === "string" && /^[\w-]+\.[\w-]+\.[\w-]*$/.test(value) ? value : void 0;
  } catch {
    return void 0;
  }
}
function refused(status, requestId) {
  throw new Failure("No OIDC token", `GitHub's OIDC endpoint answered ${status} without a token`, {
    advice: ["Run the job again; if it happens again, look at https://www.githubstatus.com."],
    facts: requestId ? [["request id", printable(requestId)]] : []
  });
}

// src/inputs.ts
var HOSTED = "octo-sts.dev";
function readInputs(env) {
  const domain = input(env, "domain") || HOSTED;
  checkDomain(domain);
  const baseUrl = input(env, "base-url");
  const service = baseUrl ? serverUrl("base-url", baseUrl) : `https://${domain}`;
  return {
    scope: input(env, "scope") || required("scope", env["GITHUB_REPOSITORY"]),
    identity: required("identity", input(env, "identity")),
    service,
    audience: input(env, "audience") || defaultAudience(domain, baseUrl),
    apiUrl: serverUrl("api-url", input(env, "api-url") || env["GITHUB_API_URL"] || "https://api.github.com"),
    configureGit: flag(env, "configure-git", false),
    revoke: flag(env, "revoke", true),
    debug: flag(env, "debug", false) || env["RUNNER_DEBUG"] === "1"
  };
}
function defaultAudience(domain, baseUrl) {
  return baseUrl && domain === HOSTED ? new URL(baseUrl).host : domain;
}
function input(env, name) {
  return (env[`INPUT_${name.toUpperCase()}`] ?? "").trim();
}
function required(name, value) {
  if (value) return value;
  throw new Failure("Input missing", `the input \`${name}\` is missing`);
}
function flag(env, name, otherwise) {
  const value = input(env, name);
  if (value === "") return otherwise;
  if (/^(true|True|TRUE)$/.test(value)) return true;
  if (/^(false|False|FALSE)$/.test(value)) return false;
  throw new Failure("Input not understood", `the input \`${name}\` is \`true\` or \`false\`, not \`${printable(value)}\``);
}
function checkDomain(domain) {
  if (/^[A-Za-z0-9.-]+(:\d{1,5})?$/.test(domain)) return;
  const sentence = `the input \`domain\` is a host name such as \`sts.example.com\`, not \`${printable(domain)}\``;
  throw new Failure("Input not understood", sentence, { advice: ["A whole URL goes into the input `base-url`."] });
}
function serverUrl(name, text) {
  const url = URL.canParse(text) ? new URL(text) : void 0;
  const plain = url && url.username === "" && url.password === "" && url.search === "" && url.hash === "";
  if (!url || !plain || !(url.protocol === "https:" || url.protocol === "http:" && isLoopback(url.hostname))) {
    throw new Failure("Input not understood", `the input \`${name}\` is an https:// URL, not \`${printable(text)}\``);
  }
  return url.href.replace(/\/+$/, "");
}
function isLoopback(host) {
  return host === "localhost" || host === "[::1]" || /^127\.\d+\.\d+\.\d+$/.test(host);
}

// src/report.ts
var CLAIMS = "What the OIDC token of this job says";
function reportSuccess(runner, inputs, delivery, sha256) {
  const levels = Object.entries(delivery.permissions ?? {}).map(([name, level]) => `${name}: ${level}`);
  runner.say(printable(`Got a token for ${inputs.scope} as ${inputs.identity}`));
  if (levels.length > 0) runner.say(printable(`  permissions   ${levels.join(", ")}`));
  if (delivery.repositories) runner.say(printable(`  repositories  ${delivery.repositories.join(", ")}`));
  if (delivery.expiresAt) runner.say(`  expires at    ${delivery.expiresAt}`);
  runner.say(`  SHA-256       ${sha256}`);
  if (delivery.requestId) runner.say(printable(`  request id    ${delivery.requestId}`));
}
function reportDetails(runner, claims, hitches) {
  const lines = claimLines(claims);
  if (lines.length > 0) runner.group(CLAIMS, lines);
  if (hitches.length > 0) runner.group("Requests that were repeated", hitches.map(printable));
}
function reportFailure(runner, error, claims, hitches) {
  const failure = error instanceof Failure ? error : new Failure("Unexpected", printable(error instanceof Error ? error.message : String(error)));
  reportDetails(runner, claims, hitches);
  const facts2 = failure.facts.map(([name, value]) => `${name}: ${value}`);
  runner.annotate("error", `Octo STS: ${failure.title}`, [capital(failure.message), "", ...failure.advice, "", ...facts2]);
  if (failure.summary) runner.summarize(summary(failure, claimLines(claims)));
}
function summary(failure, claims) {
  const facts2 = failure.facts.map(([name, value]) => `<li>${html(name)}: <code>${html(value)}</code></li>`);
  const folded = claims.length > 0 ? `<details><summary>${CLAIMS}</summary><pre>${claims.map(html).join("\n")}</pre></details>` : "";
  return [
    `### Octo STS: ${failure.title}
`,
    `<blockquote>${code(html(capital(failure.message)))}</blockquote>
`,
    ...failure.advice.map(paragraph),
    `<ul>${facts2.join("")}</ul>`,
    folded
  ].join("\n");
}
function paragraph(advice) {
  const [sentence = "", ...rest] = advice.split("\n\n");
  const lines = rest.join("\n\n").replace(/^ {4}/gm, "").trimEnd();
  return `<p>${code(html(sentence))}</p>${lines ? `
<pre>${lines.split("\n").map(html).join("\n")}</pre>` : ""}`;
}
function code(escaped) {
  return escaped.replace(/`([^`]+)`/g, "<code>$1</code>");
}
function capital(sentence) {
  return sentence.charAt(0).toUpperCase() + sentence.slice(1);
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
    const { code: code2, text, outside } = reason(error);
    const untrusted = UNTRUSTED.test(code2);
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
  const code2 = cause && "code" in cause && typeof cause.code === "string" ? cause.code : "";
  return { code: code2, text: cause?.message || code2 || error.message, outside: cause !== void 0 };
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

// src/step.ts
async function main(runner, requests = new Requests()) {
  let bearer = "";
  try {
    const inputs = readInputs(runner.env);
    bearer = await fetchIdToken(requests, runner.env, inputs.audience);
    runner.mask(bearer);
    const delivery = await exchange(requests, inputs, bearer);
    runner.mask(delivery.token);
    deliver(runner, inputs, delivery);
    if (inputs.debug) reportDetails(runner, readClaims(bearer), requests.hitches);
    return true;
  } catch (error) {
    reportFailure(runner, error, readClaims(bearer), requests.hitches);
    return false;
  }
}
function deliver(runner, inputs, delivery) {
  const { token, permissions, repositories } = delivery;
  if (inputs.revoke) {
    runner.keep("token", token);
    runner.keep("api-url", inputs.apiUrl);
  }
  if (inputs.configureGit) runner.keep("git-config", configureGit(runner, gitServer(inputs.apiUrl, runner.env), token));
  const sha256 = fingerprint(token);
  runner.output("token", token);
  runner.output("expires-at", delivery.expiresAt);
  runner.output("permissions", permissions ? JSON.stringify(permissions) : "");
  runner.output("repositories", repositories ? JSON.stringify(repositories) : "");
  runner.output("token-sha256", sha256);
  reportSuccess(runner, inputs, delivery, sha256);
}

// src/main.ts
run(process.env, async () => {
  const done = await main(new Runner(process.env, (line) => process.stdout.write(`${line}
`)));
  process.exitCode = done ? 0 : 1;
});
