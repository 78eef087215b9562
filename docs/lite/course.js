// What the course adds to JupyterLite. A learner's notebooks live in the browser's storage: one
// button puts the course's version back, and a newer version never goes unnoticed.

const command = "course:start-again";
const kept = /\(mine( \d+)?\)\.ipynb$/;

async function application() {
  while (!window.jupyterapp) {
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  await window.jupyterapp.restored;
  return window.jupyterapp;
}

const edition = (metadata) => metadata?.mnist_course?.edition;

/** Return the edition of a notebook that the site has now, or undefined. */
async function current(path) {
  const place = new URL(`files/${path.split("/").map(encodeURIComponent).join("/")}`, import.meta.url);
  const answer = await fetch(place, { cache: "no-cache" });
  return answer.ok ? edition((await answer.json()).metadata) : undefined;
}

/** Show words at the foot of the page; each button is [label, what it does]. */
function say(words, buttons) {
  document.getElementById("course-notice")?.remove();
  const notice = document.createElement("div");
  notice.id = "course-notice";
  notice.setAttribute("role", "status");
  const text = document.createElement("p");
  text.append(...words);
  notice.append(text);
  for (const [label, act] of [...buttons, ["Close", () => {}]]) {
    const button = document.createElement("button");
    button.textContent = label;
    button.addEventListener("click", () => {
      notice.remove();
      act();
    });
    notice.append(button);
  }
  document.body.append(notice);
}

function address(path) {
  const url = new URL(location.href);
  url.searchParams.set("path", path);
  return url.href;
}

/** Put the course's version in the place of the stored copy, and load the page anew. */
async function fresh(app, panel) {
  await app.serviceManager.contents.delete(panel.context.path);
  await panel.context.revert(); // nothing is left to be saved, so nobody is asked about it
  location.reload();
}

async function startAgain(app) {
  const question =
    "Start again? Your changes to this notebook are deleted, and the course's version is opened. " +
    "(File, Download keeps yours on your own disk.)";
  if (confirm(question)) {
    await fresh(app, app.shell.currentWidget);
  }
}

/** Keep an older copy under another name, and open the new edition. */
async function renew(app, panel) {
  const { contents } = app.serviceManager;
  const { path } = panel.context;
  await panel.context.save();
  const mine = await contents.get(path, { content: true });
  const folder = path.split("/").slice(0, -1).join("/");
  const taken = (await contents.get(folder, { content: true })).content.map((item) => item.name);
  const name = (number) =>
    mine.name.replace(/\.ipynb$/, ` (mine${number > 1 ? ` ${number}` : ""}).ipynb`);
  let number = 1;
  while (taken.includes(name(number))) {
    number += 1;
  }
  const as = `${folder}/${name(number)}`;
  await contents.save(as, { ...mine, name: name(number), path: as });
  sessionStorage.setItem("course-kept", JSON.stringify({ path, as }));
  await fresh(app, panel);
}

/** Look at the notebook that is open: is it an older copy, or one that has just been renewed? */
async function look(app, panel) {
  await panel.context.ready;
  const { path } = panel.context;
  const moved = JSON.parse(sessionStorage.getItem("course-kept") ?? "{}");
  if (moved.path === path) {
    sessionStorage.removeItem("course-kept");
    const link = document.createElement("a");
    link.href = address(moved.as);
    link.textContent = moved.as;
    say(["This is the new edition. Yours is kept as ", link, "."], []);
    return;
  }
  const mine = edition(panel.content.model.sharedModel.metadata);
  if (!mine || kept.test(path)) {
    return;
  }
  const theirs = await current(path);
  if (theirs && theirs !== mine) {
    say(
      ["A newer edition of this notebook is here. What you see is your own copy of an older one."],
      [["Keep mine under another name, open the new one", () => renew(app, panel)]],
    );
  }
}

// What JupyterLab leaves without a name, or with a role that its content does not keep: readers who
// listen to a page would hear "button" and no more.
const names = {
  "#jp-NotebookLogo": "All lessons and exercises",
  ".jp-collapseHeadingButton": "Fold or unfold this section",
  ".jp-CodeCell .cm-content": "Code",
  ".jp-MarkdownCell .cm-content, .jp-RawCell .cm-content": "Text",
};

function name() {
  for (const [selector, words] of Object.entries(names)) {
    for (const element of document.querySelectorAll(selector)) {
      if (!element.hasAttribute("aria-label")) {
        element.setAttribute("aria-label", words);
      }
    }
  }
  // A button that opens more buttons has no pressed state.
  document.querySelectorAll("jp-button[aria-pressed='false']:not([data-command])").forEach(
    (button) => button.removeAttribute("aria-pressed"));
  document.querySelectorAll("[role='feed']").forEach((cells) => cells.setAttribute("role", "group"));
  // Code that is wider than a phone is moved with the arrow keys.
  document.querySelectorAll(".cm-scroller").forEach((box) => {
    box.tabIndex = box.scrollWidth > box.clientWidth ? 0 : -1;
  });
  document.querySelectorAll(".skip-link").forEach((link) => { link.tabIndex = 0; });
}

/** Give names now and whenever something new is on the page, but at most twice a second. */
function keepNames() {
  let due = 0;
  name();
  new MutationObserver(() => {
    due ||= setTimeout(() => {
      due = 0;
      name();
    }, 500);
  }).observe(document.body, { childList: true, subtree: true });
}

const app = await application();
keepNames();
app.commands.addCommand(command, {
  label: "Start again",
  caption: "Put the course's version in the place of your own",
  isEnabled: () => Boolean(app.shell.currentWidget?.context),
  execute: () => startAgain(app),
});
const seen = new WeakSet();
const watch = () => {
  const panel = app.shell.currentWidget;
  if (panel?.content?.model?.sharedModel && panel.context && !seen.has(panel)) {
    seen.add(panel);
    look(app, panel);
  }
};
app.shell.currentChanged?.connect(watch);
watch();
