// Asks the policy engine at every change, and shows what it answers. Nothing is sent and nothing is kept.

import load, { answer } from "./engine.js";
import { show, failed, numberLines } from "./view.js";

const field = (id) => document.getElementById(id);
const fields = { policy: field("policy"), token: field("token"), scope: field("scope") };
const [example, organization] = [field("example"), field("organization")];
const { domain, ...service } = JSON.parse(document.body.dataset.service);
// What somebody wrote stays with "Your own" while examples are looked at.
const own = { policy: "", token: "", scope: "" };
// One character more than the engine reads: of longer text it says that it is too long.
const LONGEST = 64 * 1024 + 1;
let examples = [];
let scheduled = false;

function explain() {
  scheduled = false;
  const began = performance.now();
  const [policy, token, scope] = [fields.policy, fields.token, fields.scope].map(({ value }) => value.slice(0, LONGEST));
  const question = { policy, token, scope, service, now: Math.floor(Date.now() / 1000) };
  const told = JSON.parse(answer(JSON.stringify(question)));
  organization.checked = told.scope?.organization ?? false;
  show(told, fields.policy);
  performance.measure("explain", { start: began });
}

// One answer for each frame, however many keys were pressed in it.
function changed() {
  if (scheduled) return;
  scheduled = true;
  requestAnimationFrame(explain);
}

function fill(values) {
  for (const name in fields) fields[name].value = values[name];
  explain();
}

function edited() {
  for (const name in fields) own[name] = fields[name].value;
  example.value = "";
  changed();
}

// The box and the scope say one thing: the organisation's policy is asked for by the owner alone.
function toggled() {
  const [owner, name] = fields.scope.value.trim().split("/");
  const whole = owner || "OWNER";
  if (organization.checked) {
    organization.dataset.name = name ?? "";
    fields.scope.value = whole;
  } else {
    const central = name === undefined || name.toLowerCase() === service.policy_repository.toLowerCase();
    fields.scope.value = `${whole}/${central ? organization.dataset.name || "REPOSITORY" : name}`;
  }
  edited();
}

function pick() {
  fill(examples.find(({ id }) => id === example.value) ?? own);
}

async function fetchExamples() {
  const response = await fetch(new URL("examples.json", import.meta.url), { credentials: "same-origin" });
  const text = (await response.text()).replaceAll("{domain}", domain);
  return JSON.parse(text).map(({ id, name, scope, policy, token }) => ({ id, name, scope, policy: policy.join("\n") + "\n", token: JSON.stringify(token, null, 2) }));
}

async function start() {
  const url = new URL("engine.wasm", import.meta.url);
  [examples] = await Promise.all([fetchExamples(), load({ module_or_path: fetch(url, { credentials: "same-origin" }) })]);
  for (const { id, name } of examples) example.append(new Option(name, id));
  field("policy-repository").textContent = service.policy_repository;
  for (const name in fields) fields[name].addEventListener("input", edited);
  fields.policy.addEventListener("scroll", () => numberLines(fields.policy));
  organization.addEventListener("change", toggled);
  example.addEventListener("change", pick);
  // Whoever has begun to type while this loaded keeps his text.
  if (Object.values(fields).some(({ value }) => value)) edited();
  else {
    example.value = examples[0].id;
    pick();
  }
  performance.mark("interactive");
}

start().catch(failed);
