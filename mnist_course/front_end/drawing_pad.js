// A sheet to draw a digit on, and beside it what each model makes of it. Strokes travel to the
// kernel as points, and whatever is computed from them is computed there.

const SIDE = 28; // pixels of what the models see
const NEAR = 1.5; // of the sheet's pixels: a point this close to the one before adds nothing
const STEP = 10, SMALL_STEP = 2; // of an arrow key, of one with Shift
const LARGEST_FILE = 2_000_000, LARGEST_SIDE = 1600; // a telephone's photograph is made smaller
const REST = 1200; // milliseconds without a stroke until the still picture is drawn anew
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
const HINT = "Draw a digit here";
const HELP = "Arrows move the cursor, with Shift in small steps. Space puts the pen down and lifts "
  + "it. Ctrl+Z undoes, Delete clears.";
let pads = 0; // a page may hold several, and each has ids of its own

function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

// Bytes come as a DataView; none at all may be undefined.
const bytesOf = (view) =>
  view?.byteLength ? new Uint8Array(view.buffer, view.byteOffset, view.byteLength) : null;

// The 28 × 28 pixels as a picture: the brighter, the more ink.
function picture(pixels, ink) {
  const canvas = make("canvas", { width: SIDE, height: SIDE });
  const context = canvas.getContext("2d");
  const data = context.createImageData(SIDE, SIDE);
  pixels.forEach((value, i) => { data.data[4 * i + 3] = value; });
  context.putImageData(data, 0, 0);
  context.globalCompositeOperation = "source-in";
  context.fillStyle = ink;
  context.fillRect(0, 0, SIDE, SIDE);
  return canvas;
}

// A large photograph would not fit into a message.
async function packed(file) {
  if (file.size <= LARGEST_FILE) return file.arrayBuffer();
  try {
    const bitmap = await createImageBitmap(file);
    const scale = Math.min(1, LARGEST_SIDE / Math.max(bitmap.width, bitmap.height));
    const [width, height] = [bitmap.width, bitmap.height].map((side) => Math.ceil(side * scale));
    const canvas = make("canvas", { width, height });
    canvas.getContext("2d").drawImage(bitmap, 0, 0, width, height);
    const blob = await new Promise((done) => canvas.toBlob(done, "image/jpeg", 0.9));
    return blob.arrayBuffer();
  } catch {
    return file.arrayBuffer(); // no picture that this browser knows: the kernel says what it is
  }
}

// What one model says, as a table with a bar in each row.
function card({ model, answer, kind, shares, percents, error }, labels) {
  const sure = error ? "no answer" : answer && `${kind} ${percents[labels.indexOf(answer)]}`;
  const caption = make("caption", {}, make("span", { class: "pad-caption" },
    make("span", { class: answer ? "pad-answer" : "pad-answer pad-none" }, answer || "–"),
    make("span", { class: "pad-who" },
      make("span", { class: "pad-name" }, model),
      make("span", { class: "pad-kind" }, sure || "\u00a0"))));
  if (error) return make("table", {}, caption, make("tbody", {}, make("tr", {},
    make("td", { class: "pad-error" }, error))));
  const rows = labels.map((label, i) => {
    const bar = make("span", { class: "pad-bar" });
    bar.style.width = `${100 * (shares[i] ?? 0)}%`;
    return make("tr", answer === label ? { class: "pad-winner" } : {},
      make("th", { scope: "row" }, label),
      make("td", {}, make("span", { class: "pad-row" },
        make("span", { class: "pad-track", "aria-hidden": "true" }, bar),
        make("span", { class: "pad-share" }, percents[i] ?? ""))));
  });
  return make("table", {}, caption, make("tbody", {}, ...rows));
}

function render({ model, el }) {
  const [size, brush] = [model.get("_sheet"), model.get("_brush")];
  const help = `mnist-pad-help-${++pads}`;
  const sheet = make("canvas", {
    class: "pad-sheet", tabindex: 0, role: "application", "aria-label": "Drawing area",
    "aria-describedby": help,
  });
  const undoButton = make("button", { type: "button" }, "Undo");
  const clearButton = make("button", { type: "button" }, "Clear");
  const file = make("input", { type: "file", accept: "image/*" });
  const pen = make("p", { class: "pad-unseen", "aria-live": "polite" });
  const words = make("p", { class: "pad-words", role: "status" });
  const seen = make("canvas", { class: "pad-seen", width: SIDE, height: SIDE, role: "img" });
  const cards = make("div", { class: "pad-cards" });
  const root = make("div", { class: "mnist-pad", "data-lm-suppress-shortcuts": "true" },
    make("div", { class: "pad-left" },
      sheet,
      make("div", { class: "pad-tools" },
        undoButton, clearButton, make("label", { class: "pad-file" }, "Load a picture", file)),
      make("details", {},
        make("summary", {}, "Draw with the keyboard"), make("p", { id: help }, HELP)),
      pen),
    make("div", { class: "pad-right" },
      make("div", { class: "pad-summary" },
        make("figure", {}, seen, make("figcaption", {}, "What the models see")), words),
      cards));
  // The still picture below makes room for the pad, once a kernel has answered.
  root.classList.toggle("pad-has-still", model.get("_has_still"));

  const past = []; // what was drawn before each change, for undo
  let stroke = null; // being drawn: its points, and the pointer that draws it
  let cursor = null; // of the keys: where it is, while they are in use
  let frame = 0, timer = 0;

  const now = () => ({ strokes: model.get("strokes"), loaded: model.get("loaded") });
  const nothing = () => ({ strokes: [], loaded: new DataView(new ArrayBuffer(0)) });
  const same = (a, b) => JSON.stringify(a.strokes) === JSON.stringify(b.strokes)
    && String(bytesOf(a.loaded)) === String(bytesOf(b.loaded));

  function put({ strokes, loaded }) {
    model.set("strokes", strokes);
    model.set("loaded", loaded);
    model.save_changes();
  }
  function change(next) {
    if (same(now(), next)) return;
    past.push(now());
    put(next);
  }
  function undo() {
    stroke = null;
    while (past.length && same(past.at(-1), now())) past.pop(); // a file that was not taken
    // After the page was loaded again the past is gone, but not the strokes.
    put(past.pop() ?? { ...nothing(), strokes: model.get("strokes").slice(0, -1) });
    paintSoon();
  }
  function clear() {
    stroke = null;
    change(nothing());
    paintSoon();
  }
  function begin(point, pointer = null) {
    stroke = { points: [point], pointer };
    paintSoon();
  }
  function extend(point) {
    const last = stroke.points.at(-1);
    if (Math.hypot(point[0] - last[0], point[1] - last[1]) >= NEAR) stroke.points.push(point);
    paintSoon();
  }
  function finish() {
    if (!stroke) return;
    const { points } = stroke;
    stroke = null;
    pen.textContent = "";
    change({ ...nothing(), strokes: [...model.get("strokes"), points] });
  }

  function paintSoon() {
    cancelAnimationFrame(frame);
    frame = requestAnimationFrame(paint);
  }
  function paint() {
    const pixels = Math.round(sheet.clientWidth * devicePixelRatio);
    if (!pixels) return; // not to be seen at present
    if (sheet.width !== pixels) sheet.width = sheet.height = pixels;
    const context = sheet.getContext("2d");
    const ink = getComputedStyle(sheet).color;
    context.setTransform(pixels / size, 0, 0, pixels / size, 0, 0);
    context.clearRect(0, 0, size, size);
    const loaded = bytesOf(model.get("loaded"));
    const strokes = [...model.get("strokes"), ...(stroke ? [stroke.points] : [])];
    if (loaded && !stroke) {
      context.imageSmoothingEnabled = false;
      context.drawImage(picture(loaded, ink), 0, 0, size, size);
    } else if (!strokes.length && !cursor) {
      context.fillStyle = getComputedStyle(words).color;
      context.font = `15px ${getComputedStyle(sheet).fontFamily}`;
      context.textAlign = "center";
      context.fillText(HINT, size / 2, size / 2 + 5);
    }
    Object.assign(context, { lineWidth: brush, lineCap: "round", lineJoin: "round" });
    context.strokeStyle = ink;
    for (const points of strokes) {
      context.beginPath();
      context.moveTo(...points[0]);
      for (const point of points) context.lineTo(...point);
      context.stroke();
    }
    if (cursor) {
      context.beginPath();
      context.arc(...cursor, brush / 2, 0, 2 * Math.PI);
      context.strokeStyle = context.fillStyle = getComputedStyle(root).accentColor;
      context.lineWidth = 3;
      context.stroke();
      if (stroke) context.fill(); // the pen is down
    }
    const small = seen.getContext("2d");
    small.clearRect(0, 0, SIDE, SIDE);
    const form = bytesOf(model.get("seen"));
    if (form) small.drawImage(picture(form, ink), 0, 0);
  }
  function tell() {
    const form = model.get("seen")?.byteLength;
    seen.setAttribute("aria-label", form
      ? "The drawing as the models see it, 28 by 28 pixels" : "Nothing yet for the models to see");
    if (words.textContent !== model.get("words")) words.textContent = model.get("words");
    cards.replaceChildren(...model.get("answers").map((one) => card(one, model.get("labels"))));
    paintSoon();
  }
  function renewStill() {
    clearTimeout(timer);
    timer = setTimeout(() => model.send({ kind: "still" }), REST);
  }

  function place(event) {
    const box = sheet.getBoundingClientRect();
    return [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height]
      .map((share) => Math.round(share * size * 10) / 10);
  }
  const mine = (event) => stroke && stroke.pointer === event.pointerId;
  sheet.addEventListener("pointerdown", (event) => {
    if (event.button !== 0 || stroke?.pointer != null) return; // a palm beside the pen
    event.preventDefault(); // no text is selected; the focus is set here
    sheet.focus({ preventScroll: true });
    finish();
    cursor = null;
    sheet.setPointerCapture(event.pointerId);
    begin(place(event), event.pointerId);
  });
  sheet.addEventListener("pointermove", (event) => {
    if (!mine(event)) return;
    const all = event.getCoalescedEvents?.() ?? [];
    for (const one of all.length ? all : [event]) extend(place(one));
  });
  sheet.addEventListener("pointerup", (event) => { if (mine(event)) finish(); });
  sheet.addEventListener("pointercancel", (event) => {
    if (mine(event)) stroke = null;
    paintSoon();
  });
  sheet.addEventListener("blur", () => { finish(); cursor = null; paintSoon(); });
  sheet.addEventListener("keydown", (event) => {
    const { key } = event;
    const held = event.ctrlKey || event.metaKey;
    if (held ? key.toLowerCase() !== "z"
      : !(key in ARROWS || [" ", "Delete", "Backspace"].includes(key))) return;
    event.preventDefault();
    event.stopPropagation(); // the same keys are commands of the notebook
    if (stroke?.pointer != null) return;
    cursor ??= [size / 2, size / 4];
    if (held) undo();
    else if (key in ARROWS) {
      const step = event.shiftKey ? SMALL_STEP : STEP;
      cursor = cursor.map((at, axis) => Math.min(size, Math.max(0, at + step * ARROWS[key][axis])));
      if (stroke) extend(cursor);
    } else if (key === " " && !event.repeat) {
      if (stroke) finish(); else begin(cursor);
      pen.textContent = stroke ? "Pen down" : "Pen lifted";
    } else if (key !== " ") clear();
    paintSoon();
  });
  undoButton.addEventListener("click", undo);
  clearButton.addEventListener("click", clear);
  file.addEventListener("change", async () => {
    if (!file.files.length) return;
    const buffer = await packed(file.files[0]);
    file.value = ""; // so that the same file may be chosen again
    past.push(now());
    model.send({ kind: "picture" }, undefined, [buffer]);
  });

  const hear = (message) => { if (message.kind === "here") root.classList.add("pad-here"); };
  const part = () => root.classList.remove("pad-here"); // the kernel was started anew
  const bodyWatcher = new MutationObserver(paintSoon); // the theme may change
  bodyWatcher.observe(document.body, { attributes: true });
  const sizeWatcher = new ResizeObserver(paintSoon);
  sizeWatcher.observe(sheet);
  model.on("msg:custom", hear);
  model.on("comm_live_update", part);
  model.on("change:strokes change:loaded", paintSoon);
  model.on("change:seen change:words change:answers", tell);
  model.on("change:strokes change:loaded change:words", renewStill);
  el.append(root);
  tell();
  model.send({ kind: "here" });
  return () => {
    clearTimeout(timer);
    cancelAnimationFrame(frame);
    bodyWatcher.disconnect();
    sizeWatcher.disconnect();
    model.off("msg:custom", hear);
    model.off("comm_live_update", part);
    model.off("change:strokes change:loaded", paintSoon);
    model.off("change:seen change:words change:answers", tell);
    model.off("change:strokes change:loaded change:words", renewStill);
  };
}

export default { render };
