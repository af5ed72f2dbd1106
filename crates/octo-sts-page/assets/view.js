// What the engine answers, as elements. Text becomes text and never markup.

const LONGEST_LIST = 20;
const place = (id) => document.getElementById(id);

// Characters that turn the reading direction, hide, or end a line are shown as what they are.
const DECEIVING = /[\p{Cc}\p{Cf}\p{Co}\p{Cn}\p{Cs}\u2028\u2029]/gu;
const inert = (text) => String(text).replace(DECEIVING, (c) => `\\u{${c.codePointAt(0).toString(16)}}`);

function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return made;
}

const code = (text) => element("code", {}, inert(text));
// The engine puts what it quotes between backticks.
const prose = (text) => text.split("`").map((part, at) => (at % 2 ? code(part) : inert(part)));
const lines = (texts) => element("pre", { tabindex: "0" }, element("code", {}, texts.map(inert).join("\n")));

function list(words) {
  const shown = words.slice(0, LONGEST_LIST).map(code);
  if (words.length > LONGEST_LIST) shown.push(`${words.length - LONGEST_LIST} more`);
  return shown.flatMap((word, at) => [at === 0 ? "" : at === shown.length - 1 ? " and " : ", ", word]);
}

const VERDICTS = {
  admitted: "The token is admitted",
  refused: "The token is refused",
  invalid: "The policy is not valid",
  unfinished: "Nothing to compare yet",
};

function summary({ verdict, explanation, findings, token, scope }) {
  if (scope.fault) return "The scope is not one that can be asked for.";
  switch (verdict) {
    case "admitted":
      return token.ended ? `Every clause matches, but the token ended at ${token.ended}: the service refuses it for that alone.` : "Every clause of the policy matches.";
    case "refused": {
      const unmet = explanation.clauses.filter(({ met }) => !met).map(({ name }) => name);
      return `${unmet.length === 1 ? "This clause does not match" : "These clauses do not match"}: ${unmet.join(", ")}.`;
    }
    case "invalid": {
      const errors = findings.filter(({ severity }) => severity === "error").length;
      return `It has ${errors === 1 ? "an error" : `${errors} errors`}, and admits nobody until ${errors === 1 ? "that is" : "they are"} put right.`;
    }
    default:
      if (token?.fault) return "What is pasted as the token cannot be read.";
      return token ? "Write a trust policy." : "Paste a token, or its claims.";
  }
}

function gives({ permissions, repositories, consent, app, keys }, { name, organization }) {
  const owner = name.split("/")[0];
  const where = repositories
    ? [...list(repositories), " of ", code(owner)]
    : organization && !name.includes("/")
      ? ["every repository of ", code(owner), " that the App can see"]
      : [code(name)];
  return [
    element("h3", {}, "It gets a GitHub token that lives an hour, with"),
    element("ul", { class: "chips" }, Object.entries(permissions).map(([permission, level]) => element("li", {}, `${permission}: ${level}`))),
    element("p", {}, "on ", where, "."),
    consent.length ? element("p", { class: "note" }, "Each of ", list(consent), " has to consent, by its own policy of the same name or by delegation.") : null,
    app ? element("p", { class: "note" }, "Only an App named ", prose(app), " mints it.") : null,
    keys ? element("p", { class: "note" }, "The policy brings its issuer’s keys: it gives nothing unless the service’s operator has named this issuer.") : null,
  ];
}

function clause({ name, required, actual, met, note }) {
  return element(
    "li",
    met ? {} : { class: "unmet" },
    element("h4", {}, element("span", { class: "badge" }, met ? "matches" : "does not match"), element("span", {}, prose(name))),
    element("dl", {}, element("dt", {}, "requires"), element("dd", {}, prose(required)), element("dt", {}, "token has"), element("dd", {}, prose(actual))),
    note ? element("p", { class: "note" }, prose(note)) : null,
  );
}

// Something to open, made when it is.
function later(heading, make) {
  const details = element("details", {}, element("summary", {}, heading));
  details.addEventListener("toggle", () => details.append(...make()), { once: true });
  return details;
}

function finding({ severity, code: id, title, meaning, remedy, span, message, hint }, policy) {
  const where = element("button", { type: "button" }, `line ${span.line}, column ${span.column}`);
  where.addEventListener("click", () => select(policy, span));
  return element(
    "li",
    { class: severity },
    element("h4", {}, element("span", { class: "badge" }, `${severity} ${id}`), element("span", {}, title), where),
    element("p", {}, prose(message)),
    hint ? element("p", {}, "Hint: ", prose(hint)) : null,
    later("What it means", () => [element("p", {}, prose(meaning)), element("p", {}, prose(remedy))]),
  );
}

// Columns count characters, and a field counts UTF-16 units.
function offset(text, line, column) {
  const all = text.split("\n");
  const before = all.slice(0, line - 1).reduce((sum, each) => sum + each.length + 1, 0);
  return before + [...(all[line - 1] ?? "")].slice(0, column - 1).join("").length;
}

function select(policy, span) {
  policy.focus();
  policy.setSelectionRange(offset(policy.value, span.line, span.column), offset(policy.value, span.end_line, span.end_column));
}

function section(id, heading, items, listName, make) {
  const shown = items.slice(0, LONGEST_LIST).map(make);
  const rest = items.length - shown.length;
  const children = items.length ? [element("h3", {}, heading), element("ul", { class: listName }, shown), rest ? element("p", { class: "hint" }, `And ${rest} more.`) : null] : [];
  place(id).replaceChildren(...children.filter(Boolean));
}

function seen(token) {
  if (!token?.claims) return [];
  const caveat = "What the token says of itself. Its signature was not checked: anybody can write such a token. The service checks it.";
  return [element("details", {}, element("summary", {}, caveat), lines(JSON.stringify(token.claims, null, 2).split("\n")))];
}

let announced = 0;

// Told to screen readers once typing pauses.
function announce(text) {
  clearTimeout(announced);
  announced = setTimeout(() => {
    const region = place("announcement");
    if (region.textContent !== text) region.textContent = text;
  }, 600);
}

export function show(answer, policy) {
  if (answer.fault) return failed(new Error(answer.fault));
  const { verdict, scope, findings, token, explanation } = answer;
  const [headline, line] = [VERDICTS[verdict], summary(answer)];
  marks = findings.map(({ severity, span }) => ({ severity, line: span.line }));
  numberLines(policy);
  place("banner").dataset.verdict = verdict;
  place("verdict").textContent = headline;
  place("summary").replaceChildren(...prose(line));
  place("scope-fault").textContent = inert(scope.fault ?? "");
  place("token-fault").replaceChildren(...prose(token?.fault ?? ""));
  place("gives").replaceChildren(...(answer.gives ? gives(answer.gives, scope).filter(Boolean) : []));
  section("findings", "In the policy", findings, "findings", (each) => finding(each, policy));
  section("clauses", "Clause by clause", explanation?.clauses ?? [], "clauses", clause);
  const suggestions = explanation?.suggestions ?? [];
  place("suggestions").replaceChildren(...(suggestions.length ? [element("h3", {}, "To admit exactly this token, write"), lines(suggestions)] : []));
  const open = place("seen").querySelector("details")?.open;
  place("seen").replaceChildren(...seen(token));
  if (open) place("seen").querySelector("details")?.setAttribute("open", "");
  announce(`${headline}. ${inert(line)}`);
}

export function failed(error) {
  place("banner").dataset.verdict = "unfinished";
  place("verdict").textContent = "The policy engine does not run here";
  place("summary").textContent = `${inert(error.message)}. Reload the page, or use octo-sts policy explain on the command line.`;
  announce(place("verdict").textContent);
}

let marks = [];

// Numbers the lines that are in view, and marks those with findings.
export function numberLines(policy) {
  const style = getComputedStyle(policy);
  const height = parseFloat(style.lineHeight);
  const above = parseFloat(style.paddingTop) - policy.scrollTop;
  const count = policy.value.split("\n").length;
  const first = Math.max(0, Math.floor(-above / height));
  const last = Math.min(count, first + Math.ceil(policy.clientHeight / height) + 1);
  const numbers = Array.from({ length: Math.max(0, last - first) }, (_, at) => first + at + 1);
  const span = element("span", {}, numbers.join("\n"));
  span.style.top = `${above + first * height}px`;
  const marked = marks.filter(({ line }) => line > first && line <= last).map(({ severity, line }) => {
    const mark = element("i", { class: severity });
    mark.style.top = `${above + (line - 1) * height}px`;
    return mark;
  });
  place("gutter").replaceChildren(...marked, span);
}
