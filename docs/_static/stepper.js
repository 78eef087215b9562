// A control without a kernel. The page holds a strip, all positions in one picture, and this
// script makes of it one picture at a time with a slider. Without the script the strip stays.
for (const figure of document.querySelectorAll("figure.stepper")) {
  const steps = JSON.parse(figure.dataset.steps);
  const frames = steps.map((step) => {
    const holder = document.createElement("template");
    holder.innerHTML = step.img;
    return holder.content.firstChild;
  });

  const label = document.createElement("label");
  const slider = document.createElement("input");
  const state = document.createElement("output");
  slider.type = "range";
  slider.min = 0;
  slider.max = steps.length - 1;
  slider.step = 1;
  slider.value = 0;
  label.append("Step through the positions ", slider);
  const controls = document.createElement("div");
  controls.className = "stepper-controls";
  controls.append(label, state);

  const show = () => {
    const now = Number(slider.value);
    state.textContent = steps[now].state;
    slider.setAttribute("aria-valuetext", steps[now].state);
    figure.lastChild.replaceWith(frames[now]);
  };
  slider.addEventListener("input", show);
  figure.replaceChildren(controls, frames[0]);
  show();
}
