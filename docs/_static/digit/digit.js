// The drawing pad of the home page. It is the notebook's own (drawing_pad.js, which the site's
// build puts beside this file); where that one asks a kernel, this one answers in the page itself.

import { BRUSH, SHEET, drawer } from "./draw.js";
import { EXAMPLES } from "./examples.js";
import { NoDigit, toMnist } from "./form.js";
import { NoModels, load } from "./models.js";

const LABELS = [..."0123456789"];
const WAIT = "The models are on their way.";
const INVITATION = "Draw your own, or take one of these:";
const NUMBERS = ["no", "one", "two", "three", "four"];

const here = (name) => new URL(name, import.meta.url);

function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

// As people say it, and nothing is called certain that is not.
const percent = (share) =>
  (share >= 0.995 && share < 1 ? "> 99\u00a0%" : `${(100 * share).toFixed(0)}\u00a0%`);

function ask({ name, kind, ask: sharesOf }, pixels) {
  const none = { model: name, answer: "", kind: "", shares: [], percents: [], error: "" };
  if (!pixels) return none;
  const shares = [...sharesOf(pixels)], answer = LABELS[shares.indexOf(Math.max(...shares))];
  return { ...none, answer, kind, shares, percents: shares.map(percent) };
}

// All answers in one sentence, those that most models give first.
function sentence(answers) {
  const named = new Map();
  for (const { answer, model } of answers) {
    named.set(answer, [...(named.get(answer) ?? []), model]);
  }
  const read = (digit) => `${digit === "8" ? "an" : "a"}\u00a0${digit}`;
  if (named.size === 1) {
    return `All ${NUMBERS[answers.length]} models read ${read(answers[0].answer)}.`;
  }
  const groups = [...named].sort(([, a], [, b]) => b.length - a.length).map(([digit, models]) => {
    const who = models.join(", ").replace(/, ([^,]*)$/, " and $1");
    return `${who} ${models.length > 1 ? "read" : "reads"} ${read(digit)}`;
  });
  const words = groups.join("; ");
  return `${words[0].toUpperCase()}${words.slice(1)}.`;
}

// What the pad's front end asks of a notebook's model: values that are got and set, and listeners.
class Drawing {
  models = [];
  why = WAIT; // there are no models
  listeners = [];
  draw = drawer();
  values = {
    _sheet: SHEET, _brush: BRUSH, _has_still: false, labels: LABELS,
    strokes: [], loaded: null, seen: null, answers: [], words: "",
  };

  get(name) { return this.values[name]; }
  set(name, value) { this.values[name] = value; }
  on(names, listener) { this.listeners.push([names.split(" "), listener]); }
  send() {} // there is no kernel
  save_changes() { this.answer(); }

  tell(...changed) {
    for (const [names, listener] of this.listeners) {
      if (changed.some((name) => names.includes(`change:${name}`))) listener();
    }
  }

  answer() {
    let pixels = null, words = "";
    try {
      pixels = toMnist(this.draw(this.get("strokes")));
    } catch (error) {
      if (!(error instanceof NoDigit)) throw error;
      words = error.message;
    }
    const answers = this.models.map((model) => ask(model, pixels));
    if (!this.models.length) words = this.why;
    Object.assign(this.values, { seen: pixels, answers, words: words || sentence(answers) });
    this.tell("strokes", "seen");
  }
}

function thumbnail(strokes) {
  const name = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(name, "svg");
  svg.setAttribute("viewBox", `0 0 ${SHEET} ${SHEET}`);
  svg.setAttribute("aria-hidden", "true");
  for (const points of strokes) {
    const line = document.createElementNS(name, "polyline");
    line.setAttribute("points", points.join(" "));
    svg.append(line);
  }
  return svg;
}

// What the models have learned from, how good they are, and how each looks at a digit.
function notes({ source, rows, tested, models }) {
  const [n, others] = [rows, tested].map((number) => number.toLocaleString("en"));
  const learned = source === "mnist" ? `Learned from the first ${n} digits of MNIST`
    : `Learned from ${n} digits of 8 × 8 points, since MNIST was not at hand for this site`;
  return [
    make("p", {}, `${learned}; tested on ${others} others. All of this happens in the page: `
      + "nothing that you draw leaves it."),
    make("dl", {}, ...models.map(({ name, about, right }) => make("div", {},
      make("dt", {}, name),
      make("dd", { class: "digit-right" }, `${(100 * right).toFixed(1)}\u00a0% right`),
      make("dd", {}, about)))),
  ];
}

async function mount(place) {
  const { default: pad } = await import("./drawing_pad.js");
  const drawing = new Drawing();
  let example = null; // the strokes of the one that is shown, until somebody draws

  const show = (strokes) => {
    drawing.set("strokes", (example = strokes));
    drawing.answer();
  };
  show(EXAMPLES[0].strokes);
  place.replaceChildren();
  pad.render({ model: drawing, el: place });
  const [sheet, tools, right] = [".pad-sheet", ".pad-tools", ".pad-right"]
    .map((name) => place.querySelector(name));
  const [, clearButton] = tools.querySelectorAll("button");
  place.querySelector(".pad-file").remove(); // reading photographs is Python's
  // By the button, so that "Undo" brings back what was there.
  const putAway = () => { if (example && drawing.get("strokes") === example) clearButton.click(); };

  place.addEventListener("pointerdown", ({ target, button }) => {
    if (target === sheet && button === 0) putAway();
  }, true);
  place.addEventListener("keydown", ({ target, key }) => {
    if (target === sheet && key === " ") putAway();
  }, true);
  const examples = make("div", { class: "digit-examples", role: "group", "aria-label": "Examples" },
    ...EXAMPLES.map(({ name, strokes }) => {
      const button = make(
        "button", { type: "button", title: name, "aria-label": `Example: ${name}` },
        thumbnail(strokes));
      button.addEventListener("click", () => {
        clearButton.click();
        show(strokes);
      });
      return button;
    }));
  tools.after(make("p", { class: "digit-invitation" }, INVITATION), examples);
  const about = make("div", { class: "digit-notes" });
  right.append(about);
  new MutationObserver(() => drawing.tell("strokes")) // the theme may change, and ink with it
    .observe(document.documentElement, { attributes: true, attributeFilter: ["data-theme"] });

  if (document.readyState !== "complete") {
    await new Promise((done) => { addEventListener("load", done, { once: true }); });
  }
  try {
    const found = await load(here("models.bin"));
    drawing.models = found.models;
    about.replaceChildren(...notes(found));
  } catch (error) {
    if (!(error instanceof NoModels)) throw error;
    drawing.why = `The models could not be loaded: ${error.message}. You can draw, but no `
      + "model answers. Load the page again.";
  }
  drawing.answer();
}

for (const place of document.querySelectorAll("[data-digit-pad]")) {
  mount(place).catch((error) => {
    place.replaceChildren(make("p", { class: "digit-missing", role: "alert" },
      `The drawing pad could not be started. Load the page again. (${error.message})`));
  });
}
