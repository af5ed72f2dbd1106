// The page as people see it: the real service, in Chromium.
//
//   node --test crates/octo-sts-page/tests/browser.mjs
//
// `OCTO_STS` is the program, `NODE_MODULES` the folder with playwright-core and axe-core, `CHROMIUM` the browser.
// `SCREENSHOTS=docs/images` makes the pictures of the README again.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";

const root = new URL("../../../", import.meta.url).pathname;
const { OCTO_STS = join(root, "target/debug/octo-sts"), NODE_MODULES = join(root, "target/npm/node_modules"), CHROMIUM = "/usr/bin/chromium", SCREENSHOTS } = process.env;
const require = createRequire(join(NODE_MODULES, "x"));
const { chromium } = require("playwright-core");
const axe = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");

const FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"];
const POLICY = "issuer: https://issuer.example\nsubject: me\naudience: here\npermissions:\n  contents: read\n";
const CLAIMS = { iss: "https://issuer.example", sub: "me", aud: "here" };
// Other programs take their time on the same machine, so the best of many runs is what the page itself needs.
const MOST_RUNS = 60;
// In milliseconds, at 60 Hz.
const FRAME = 16;

let service, browser, origin;
const folder = mkdtempSync(join(tmpdir(), "octo-sts-page-"));

before(async () => {
  service = spawn(OCTO_STS, ["demo", "--serve", "--port", "0", "--folder", join(folder, "demo")], { stdio: ["ignore", "pipe", "inherit"] });
  let said = "";
  origin = await new Promise((found, failed) => {
    service.once("exit", (code) => failed(new Error(`the service ended (${code}): ${said}`)));
    service.stdout.on("data", (chunk) => {
      said += chunk;
      const line = /export STS_URL=(\S+)/.exec(said);
      if (line) found(line[1].replace(/\/$/, ""));
    });
  });
  browser = await chromium.launch({ executablePath: CHROMIUM, args: FLAGS });
});

after(async () => {
  await browser?.close();
  service?.kill("SIGTERM");
  rmSync(folder, { recursive: true, force: true });
});

// A page that is ready, what it asked for, and what went wrong in it.
async function open(t, options = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 960 }, ...options });
  t.after(() => context.close());
  const page = await context.newPage();
  const [requests, troubles] = [[], []];
  page.on("request", (request) => requests.push(request.url()));
  page.on("console", (message) => troubles.push(`${message.type()}: ${message.text()}`));
  page.on("pageerror", (error) => troubles.push(String(error)));
  const response = await page.goto(`${origin}/`);
  await page.waitForFunction(() => performance.getEntriesByName("interactive").length === 1);
  return { context, page, response, requests, troubles };
}

const verdict = (page) => page.locator("#verdict").innerText();
const frames = (page) => page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));

async function write(page, values) {
  for (const [id, text] of Object.entries(values)) await page.locator(`#${id}`).fill(text);
  await frames(page);
}

const jwt = (claims) => ["eyJhbGciOiJSUzI1NiJ9", Buffer.from(JSON.stringify(claims)).toString("base64url"), "c2ln"].join(".");

test("the page loads from its own origin alone, under its policy, without a word on the console", async (t) => {
  const { response, requests, troubles } = await open(t);
  const policy = response.headers()["content-security-policy"];
  assert.equal(
    policy,
    "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; connect-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  );
  assert.ok(requests.length >= 7, `${requests}`);
  assert.deepEqual(requests.filter((url) => new URL(url).origin !== origin), []);
  assert.deepEqual(troubles, []);
});

test("the whole page is at most a mebibyte, and each file is fetched once", async (t) => {
  const { requests, page } = await open(t);
  // The browser asks for the icon of its tab by itself, and finds it in its cache.
  const files = requests.filter((url) => !url.endsWith("/icon.svg"));
  assert.equal(new Set(files).size, files.length, `${files}`);
  const sizes = await page.evaluate(() => [...performance.getEntriesByType("navigation"), ...performance.getEntriesByType("resource")].map((entry) => entry.decodedBodySize));
  const whole = sizes.reduce((sum, size) => sum + size, 0);
  t.diagnostic(`${whole} bytes`);
  assert.ok(whole > 100_000 && whole <= 1 << 20, `${whole} bytes`);
});

test("the page is of use within half a second", async (t) => {
  const times = [];
  while (times.length < MOST_RUNS && !(Math.min(...times) <= 500)) {
    const { page, context } = await open(t);
    times.push(await page.evaluate(() => performance.getEntriesByName("interactive")[0].startTime));
    await context.close();
  }
  t.diagnostic(`${times.map(Math.round)} ms`);
  assert.ok(Math.min(...times) <= 500, `${times} ms`);
});

test("every example is admitted, and refused by its subject once the token has another", async (t) => {
  const { page, troubles } = await open(t);
  const ids = await page.locator("#example option").evaluateAll((options) => options.map(({ value }) => value).filter(Boolean));
  assert.equal(ids.length, 11);
  for (const id of ids) {
    await page.locator("#example").selectOption(id);
    assert.equal(await verdict(page), "The token is admitted", id);
    assert.ok((await page.locator("#gives li").count()) > 0, id);
    const claims = JSON.parse(await page.locator("#token").inputValue());
    await write(page, { token: JSON.stringify({ ...claims, sub: "somebody:else" }) });
    assert.equal(await verdict(page), "The token is refused", id);
    assert.equal(await page.locator("#summary").innerText(), "This clause does not match: subject.", id);
    assert.match(await page.locator("#clauses li.unmet").innerText(), /subject[^]*somebody:else/, id);
    assert.equal(await page.locator("#gives *").count(), 0, id);
    assert.match(await page.locator("#suggestions").innerText(), /subject: 'somebody:else'/, id);
  }
  assert.deepEqual(troubles, []);
});

test("what somebody wrote comes back when they are done with examples", async (t) => {
  const { page } = await open(t);
  await write(page, { policy: POLICY, token: JSON.stringify(CLAIMS), scope: "acme/site" });
  assert.equal(await page.locator("#example").inputValue(), "");
  await page.locator("#example").selectOption("gitlab");
  assert.match(await page.locator("#policy").inputValue(), /gitlab/);
  await page.locator("#example").selectOption("");
  assert.deepEqual(await Promise.all(["policy", "token", "scope"].map((id) => page.locator(`#${id}`).inputValue())), [POLICY, JSON.stringify(CLAIMS), "acme/site"]);
});

test("nothing is sent and nothing kept, and the page works without a network", async (t) => {
  const { page, context, requests } = await open(t);
  await context.setOffline(true);
  const before = requests.length;
  await write(page, { policy: POLICY, token: jwt({ ...CLAIMS, secret: "do-not-tell" }), scope: "acme/app" });
  assert.equal(await verdict(page), "The token is admitted");
  await write(page, { policy: POLICY.replace("subject: me", "subject: you") });
  assert.equal(await verdict(page), "The token is refused");
  assert.equal(requests.length, before);
  assert.deepEqual(await page.evaluate(() => [localStorage.length, sessionStorage.length, document.cookie, location.href.slice(location.origin.length)]), [0, 0, "", "/"]);
});

test("a token is decoded, said not to be verified, and its end is told", async (t) => {
  const { page } = await open(t);
  await write(page, { policy: POLICY, token: jwt({ ...CLAIMS, exp: 1_700_000_000 }) });
  assert.equal(await verdict(page), "The token is admitted");
  assert.match(await page.locator("#summary").innerText(), /ended at 2023-11-14T22:13:20Z: the service refuses it/);
  await page.locator("#seen summary").click();
  assert.match(await page.locator("#seen").innerText(), /signature was not checked[^]*"sub": "me"/);
  assert.match(await page.locator("#token-hint").innerText(), /not verified/);
  for (const [token, fault] of [["nonsense", /neither a token/], [jwt(CLAIMS).slice(0, 40), /neither a token/], ["{", /not a JSON object/], ['{"iss":"x"}', /no `?sub`?|not an issuer/]]) {
    await write(page, { token });
    assert.match(await page.locator("#token-fault").innerText(), fault, token);
    assert.equal(await page.locator("#gives *").count(), 0, token);
  }
});

test("the organisation's policy and the scope say one thing", async (t) => {
  const { page } = await open(t);
  const [box, scope] = [page.locator("#organization"), page.locator("#scope")];
  await write(page, { scope: "acme/app" });
  assert.equal(await box.isChecked(), false);
  await box.check();
  await frames(page);
  assert.deepEqual([await scope.inputValue(), await box.isChecked()], ["acme", true]);
  await box.uncheck();
  await frames(page);
  assert.deepEqual([await scope.inputValue(), await box.isChecked()], ["acme/app", false]);
  for (const [asked, organization] of [["acme", true], ["acme/.github", true], ["acme/site", false]]) {
    await write(page, { scope: asked });
    assert.equal(await box.isChecked(), organization, asked);
  }
  await write(page, { scope: "acme/../x" });
  assert.notEqual(await page.locator("#scope-fault").innerText(), "");
});

test("what is larger than any policy or token is said to be, at once", async (t) => {
  const { page } = await open(t);
  await write(page, { policy: "é".repeat(1 << 20), token: "x".repeat(1 << 20) });
  assert.equal(await verdict(page), "The policy is not valid");
  assert.match(await page.locator("#findings").innerText(), /E001/);
  assert.match(await page.locator("#token-fault").innerText(), /64 KiB/);
});

test("an error says its code, place and hint, and leads there", async (t) => {
  const { page } = await open(t);
  await write(page, { policy: POLICY.replace("contents: read", "contents: raed") });
  assert.equal(await verdict(page), "The policy is not valid");
  const finding = page.locator("#findings li.error");
  assert.match(await finding.innerText(), /error E\d{3}[^]*line 5, column 13[^]*raed[^]*Hint:[^]*read/);
  assert.equal(await page.locator("#gutter i.error").count(), 1);
  await finding.getByRole("button").click();
  const chosen = await page.locator("#policy").evaluate((field) => [document.activeElement === field, field.value.slice(field.selectionStart, field.selectionEnd)]);
  assert.deepEqual(chosen, [true, "raed"]);
});

test("the keyboard alone leads through everything, and out of every field", async (t) => {
  const { page } = await open(t);
  const order = [];
  for (let key = 0; key < 7; key += 1) {
    await page.keyboard.press("Tab");
    order.push(await page.evaluate(() => document.activeElement.id || document.activeElement.className));
  }
  assert.deepEqual(order, ["skip", "example", "policy", "token", "scope", "organization", order[6]]);
  await page.locator("#example").focus();
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("Enter").catch(() => {});
  await frames(page);
  assert.equal(await verdict(page), "The token is admitted");
  await page.locator("#policy").focus();
  await page.keyboard.press("Control+A");
  await page.keyboard.type("issuer: https://issuer.example\nsubjct: me\n");
  await frames(page);
  assert.equal(await verdict(page), "The policy is not valid");
  await page.locator("#findings button").first().focus();
  await page.keyboard.press("Enter");
  assert.equal(await page.evaluate(() => document.activeElement.id), "policy");
});

test("screen readers hear the verdict once typing pauses", async (t) => {
  const { page } = await open(t);
  const region = page.locator("#announcement");
  await write(page, { policy: POLICY, token: JSON.stringify(CLAIMS) });
  await page.waitForFunction(() => document.getElementById("announcement").textContent.startsWith("The token is admitted."));
  await write(page, { token: JSON.stringify({ ...CLAIMS, aud: "there" }) });
  assert.match(await region.textContent(), /^The token is admitted/);
  await page.waitForFunction(() => document.getElementById("announcement").textContent === "The token is refused. This clause does not match: audience.");
  assert.equal(await region.getAttribute("role"), "status");
});

for (const colorScheme of ["light", "dark"]) {
  test(`axe finds nothing in the ${colorScheme} page, whatever it shows`, async (t) => {
    const { page } = await open(t, { colorScheme, viewport: { width: 1280, height: 960 } });
    const states = {
      admitted: {},
      refused: { token: JSON.stringify({ ...CLAIMS, sub: "Me" }), policy: POLICY },
      warned: { token: JSON.stringify(CLAIMS), policy: POLICY.replace("subject: me", "subject_pattern: .*") },
      invalid: { policy: "issuer: 1\nsubjct: me\n" },
      consent: { token: jwt(CLAIMS), policy: `${POLICY}repositories: [app, site]\napp: bot\n` },
      faulty: { policy: POLICY, token: "x", scope: "a/b/c" },
    };
    for (const [name, values] of Object.entries(states)) {
      await write(page, values);
      for (const width of [1280, 360]) {
        await page.setViewportSize({ width, height: 960 });
        // The page's policy for content lets nobody put a script into it: axe is run by the debugger.
        const { violations } = await page.evaluate(`${axe}; axe.run({ resultTypes: ["violations"] })`);
        assert.deepEqual(violations.map(({ id, nodes }) => [id, nodes.map(({ html }) => html)]), [], `${name}, ${width}`);
        const overflow = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
        assert.equal(overflow, 0, `${name}, ${width}`);
      }
    }
    if (SCREENSHOTS) {
      const { page: shown } = await open(t, { colorScheme, viewport: { width: 1280, height: 1000 } });
      const claims = JSON.parse(await shown.locator("#token").inputValue());
      await write(shown, { token: JSON.stringify({ ...claims, event_name: "pull_request_target" }, null, 2) });
      await shown.evaluate(() => document.activeElement.blur());
      await shown.locator("#token").evaluate((field) => field.scrollTo(0, 0));
      await shown.screenshot({ path: join(SCREENSHOTS, `page-${colorScheme}.png`) });
    }
  });
}

test("hostile text is shown and does nothing", async (t) => {
  const { page, troubles, requests } = await open(t);
  const before = requests.length;
  const bad = "<img src=/x onerror=alert(1)><script>alert(1)</script>\u202egnp.\u200b`\"'";
  const texts = [
    { policy: bad },
    { policy: `issuer: ${JSON.stringify(bad)}\nsubject: ${JSON.stringify(bad)}\n${bad}: 1\n` },
    { policy: `issuer: https://issuer.example\nsubject: ${JSON.stringify(bad)}\naudience: here\nclaim_pattern:\n  ${JSON.stringify(bad)}: ${JSON.stringify(bad.replaceAll(/[()]/g, "."))}\npermissions: {contents: read}\n`, token: jwt({ ...CLAIMS, sub: bad, [bad]: bad }), scope: "acme/app" },
    { token: bad, scope: bad },
  ];
  for (const values of texts) {
    await write(page, values);
    assert.equal(await page.locator("#result :is(img, script, iframe, a[href^=javascript])").count(), 0);
    const shown = await page.locator("main").innerText();
    assert.ok(!/[\u202a-\u202e\u2066-\u2069\u200b]/.test(shown), shown);
  }
  await write(page, texts[2]);
  assert.match(await page.locator("#clauses").innerText(), /<script>alert\(1\)<\/script>\\u\{202e\}gnp\.\\u\{200b\}/);
  assert.equal(requests.length, before);
  assert.deepEqual(troubles, []);
});

const lines = (count, line) => Array.from({ length: count }, (_, at) => line(at)).join("\n");
const claimsOf = (count, pattern) => `${POLICY}claim_pattern:\n${lines(count, (at) => `  c${at}: '${pattern}'`)}\n`;
const HOSTILE = {
  "an ordinary policy": POLICY,
  "64 KiB of comment": `${POLICY}#${"x".repeat(65_000)}`,
  "the same key 2,500 times": lines(2_500, () => "issuer: https://issuer.example"),
  "5,000 unknown keys": lines(5_000, (at) => `k${at}: 1`),
  "60,000 open brackets": "[".repeat(60_000),
  "60,000 quotes": '"'.repeat(60_000),
  "30,000 dashes": "- ".repeat(30_000),
  "20,000 anchors": "&a ".repeat(20_000),
  "a block of 20,000 lines": `${POLICY}a: |\n${" x\n".repeat(19_000)}`,
  "500 repositories": `${POLICY}repositories: [${lines(500, (at) => `r${at}`).replaceAll("\n", ", ")}]\n`,
  "nested repetitions": POLICY.replace("subject: me", "subject_pattern: '((a{1,30}){1,30})b'"),
  "30 large patterns": claimsOf(30, "[a-z]{1,20}x?".repeat(20)),
  "8 classes of Unicode": claimsOf(8, "(?i)\\pL\\PN[^\\p{Greek}]"),
};

// What the thread worked for, and not what it waited for other programs: the machine may be a busy one.
test("each change is explained within a frame, also of what is hostile", async (t) => {
  const { page, context } = await open(t);
  const debug = await context.newCDPSession(page);
  await debug.send("Performance.enable");
  await page.evaluate(async () => {
    const module = (name) => import(document.querySelector(`link[href$="/${name}"]`).href);
    window.modules = { engine: await module("engine.js"), view: await module("view.js") };
  });
  const worked = async () => (await debug.send("Performance.getMetrics")).metrics.find(({ name }) => name === "ThreadTime").value * 1000;
  await write(page, { token: JSON.stringify({ ...CLAIMS, ...Object.fromEntries(Array.from({ length: 30 }, (_, at) => [`c${at}`, "ab".repeat(200)])) }) });
  const slow = [];
  for (const [name, policy] of Object.entries(HOSTILE)) {
    const change = (times) =>
      page.evaluate(([text, times]) => {
        const field = document.getElementById("policy");
        field.value = text;
        for (let run = 0; run < times; run += 1) {
          const asked = { policy: field.value, token: document.getElementById("token").value, scope: "acme/app", service: JSON.parse(document.body.dataset.service), now: 0 };
          delete asked.service.domain;
          modules.view.show(JSON.parse(modules.engine.answer(JSON.stringify(asked))), field);
        }
      }, [policy, times]);
    await change(10);
    let each = Infinity;
    for (let batch = 0; batch < 5 && !(each <= FRAME); batch += 1) {
      const before = await worked();
      await change(10);
      each = Math.min(each, ((await worked()) - before) / 10);
    }
    t.diagnostic(`${name}: ${each.toFixed(1)} ms`);
    if (!(each > 0 && each <= FRAME)) slow.push([name, each]);
  }
  assert.deepEqual(slow, []);
});

test("patterns match in a browser as they do in Go", async (t) => {
  const { page } = await open(t);
  const folder = join(root, "crates/octo-sts-policy/tests/vectors");
  const read = (name) => JSON.parse(readFileSync(join(folder, name), "utf8"));
  const { subjects, rows } = read("go_regex_generated.json");
  const vectors = [
    ...read("go_regex.json").map(({ Pattern, Input, AloneErr, Group }) => ({ pattern: Pattern, input: Input, expected: AloneErr ? "invalid" : Group ? "admitted" : "refused" })),
    ...rows.flatMap(({ pattern, matches = [], error }) => subjects.map((input, at) => ({ pattern, input, expected: error ? "invalid" : matches.includes(at) ? "admitted" : "refused" }))),
  ];
  const verdicts = await page.evaluate(
    async (vectors) => {
      const { answer } = await import(document.querySelector('link[href$="/engine.js"]').href);
      return vectors.map(({ pattern, input }) => {
        const policy = `issuer: https://issuer.example\nsubject: me\naudience: here\nclaim_pattern:\n  x: ${JSON.stringify(pattern)}\npermissions:\n  contents: read\n`;
        const token = JSON.stringify({ iss: "https://issuer.example", sub: "me", aud: "here", x: input });
        const service = { audiences: [], policy_repository: ".github", org_permissions: "read" };
        return JSON.parse(answer(JSON.stringify({ policy, token, scope: "acme/app", service, now: 0 }))).verdict;
      });
    },
    vectors,
  );
  assert.ok(vectors.length > 300, `${vectors.length}`);
  const wrong = vectors.map((vector, at) => ({ ...vector, told: verdicts[at] })).filter(({ told, expected }) => told !== expected);
  assert.deepEqual(wrong, []);
});
