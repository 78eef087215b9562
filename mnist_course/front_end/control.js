// Two things that a box of ipywidgets does not do by itself.

function set(element, attribute, text) {
  if (text && element.getAttribute(attribute) !== text) element.setAttribute(attribute, text);
}

// Its sliders tell a screen reader neither their name nor, on a logarithmic scale, their value.
function nameSliders(box) {
  for (const slider of box.querySelectorAll(".widget-hslider, .widget-vslider")) {
    const label = slider.querySelector(".widget-label")?.textContent.trim();
    const readout = slider.querySelector(".widget-readout");
    for (const handle of slider.querySelectorAll(".noUi-handle")) {
      set(handle, "aria-label", label);
      set(handle, "aria-valuetext", readout?.textContent.trim());
    }
    if (readout?.isContentEditable) {
      set(readout, "role", "textbox");
      set(readout, "aria-label", label && `${label}, as a number`);
    }
  }
}

// In a page that was loaded again while its kernel ran on, the box is alive, but Jupyter no longer
// knows the picture's output: show the new picture in the old one's place.
function follow(el, { alt, src }) {
  const image = el.closest(".jp-OutputArea-child")?.nextElementSibling?.querySelector("img");
  if (image && image.alt !== alt) Object.assign(image, { alt, src });
}

function render({ model, el }) {
  const show = (message) => follow(el, message);
  model.on("msg:custom", show);
  let observer;
  let frame = requestAnimationFrame(function start() {
    const box = el.closest(".widget-vbox");
    if (!box) {
      frame = requestAnimationFrame(start); // it is drawn before it is put into its box
      return;
    }
    observer = new MutationObserver(() => nameSliders(box));
    observer.observe(box, {
      attributeFilter: ["aria-valuetext"], characterData: true, childList: true, subtree: true,
    });
    nameSliders(box);
  });
  return () => {
    cancelAnimationFrame(frame);
    observer?.disconnect();
    model.off("msg:custom", show);
  };
}

export default { render };
