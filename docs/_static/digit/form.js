// From a sheet to MNIST's form: what mnist_course's drawing pad does in Python (drawing_pad.py,
// handwriting/form.py, geometry.py), with the same names for the same steps. Of the two, Python's
// is the original; a test holds them together.

import { digitsAmong, label, strokesAmong } from "./pieces.js";
import { mapped, resize, round, squaredDistances } from "./resample.js";

const SIDE = 28, BOX = 20; // pixels of MNIST's pictures, and of the box that holds their ink
const STROKE = 2.6, KEPT = [0.7, 1.6]; // width in the box, and how much others may differ
const FINE = 8; // parts of a pixel of the box, in which outlines are moved
const LEGIBLE = 0.25; // ink below is the soft edge of a stroke
const HOLDS = 0.1; // ink of at least this strength holds a piece together
const FAINTEST = 0.05, FULL = 0.45; // contrast: of any ink, and share of a stroke's full ink

export class NoDigit extends Error {}

// The 28 × 28 pixels of the one digit on a sheet, or NoDigit with the reason.
export function toMnist(sheet) {
  const ink = findInk(sheet);
  const found = ink ? findDigits(ink) : [];
  if (!found.length) {
    throw new NoDigit("Nothing is drawn yet: draw one digit, large and in the middle.");
  }
  if (found.length > 1) {
    throw new NoDigit(`There are ${found.length} digits on the sheet, as far as can be seen, `
      + "not one. The models read one at a time.");
  }
  const box = toBox(mendWidth(cropInk(found[0])));
  return centreByMass(box);
}

// The mean contrast of pixels, those with much of it first: what full ink is in a stroke.
function fullInk(pixels, contrast) {
  let squares = 0, cubes = 0;
  for (const at of pixels) {
    squares += contrast[at] ** 2;
    cubes += contrast[at] ** 3;
  }
  return cubes / Math.max(squares, 1e-12);
}

// Full ink becomes 1, edges a little steeper, and specks and frames nothing; null if all is empty.
function findInk(sheet) {
  const { width, height } = sheet;
  const contrast = mapped(Float32Array, sheet.values, (value) => value / 255);
  const of = (values) => ({ width, height, values });
  const blobs = label(of(contrast), (value) => value > FAINTEST);
  const full = blobs.parts.map(({ pixels }) => fullInk(pixels, contrast));
  const enough = (at) => {
    const level = full[blobs.labels[at] - 1];
    return level > 1.6 * FAINTEST ? FULL * level : Infinity;
  };
  const { parts } = label(of(contrast), (value, at) => value > FAINTEST && value > enough(at));
  if (!parts.length) return null;
  for (const part of parts) part.full = fullInk(part.pixels, contrast);
  const levels = new Float32Array(contrast.length);
  for (const { pixels } of strokesAmong(parts, sheet)) {
    for (const at of pixels) levels[at] = full[blobs.labels[at] - 1];
  }
  const ink = new Float32Array(contrast.length);
  for (const { pixels } of blobs.parts) {
    for (const at of pixels) {
      const level = highest(levels, at, width, height);
      if (level) ink[at] = Math.min(1, Math.max(0, (3 * contrast[at]) / level - 1));
    }
  }
  return of(ink);
}

// The highest value no more than two pixels away.
function highest(values, at, width, height) {
  const row = Math.floor(at / width), column = at % width;
  let found = 0;
  for (let r = Math.max(0, row - 2); r <= Math.min(height - 1, row + 2); r++) {
    for (let c = Math.max(0, column - 2); c <= Math.min(width - 1, column + 2); c++) {
      found = Math.max(found, values[r * width + c]);
    }
  }
  return found;
}

// The ink of each digit, with its soft edge and nothing of its neighbours.
function findDigits(ink) {
  const { labels, parts } = label(ink, (value) => value > HOLDS);
  if (!parts.length) return [];
  return digitsAmong(parts).map(({ members, ...box }) => {
    const top = Math.max(0, box.top - 2), left = Math.max(0, box.left - 2);
    const bottom = Math.min(ink.height, box.bottom + 2), right = Math.min(ink.width, box.right + 2);
    const own = new Set(members.map((i) => i + 1));
    const isOwn = (row, column) => row >= top && row < bottom && column >= left && column < right
      && own.has(labels[row * ink.width + column]);
    const isEdge = (row, column) => {
      for (let down = -2; down <= 2; down++) {
        const rest = 2 - Math.abs(down);
        for (let across = -rest; across <= rest; across++) {
          if (isOwn(row + down, column + across)) return true;
        }
      }
      return false;
    };
    return part(ink, top, bottom, left, right, (value, row, column) => {
      const at = labels[row * ink.width + column];
      return value && (own.has(at) || (at === 0 && isEdge(row, column))) ? value : 0;
    });
  });
}

// Copy a part of a picture; rows and columns outside of it are empty.
function part({ width, height, values }, top, bottom, left, right, change = (value) => value) {
  const copy = new values.constructor((bottom - top) * (right - left));
  for (let row = Math.max(0, top); row < Math.min(height, bottom); row++) {
    for (let column = Math.max(0, left); column < Math.min(width, right); column++) {
      const value = change(values[row * width + column], row, column);
      copy[(row - top) * (right - left) + column - left] = value;
    }
  }
  return { width: right - left, height: bottom - top, values: copy };
}

function cropInk(ink) {
  let [top, bottom, left, right] = [ink.height, 0, ink.width, 0];
  ink.values.forEach((value, at) => {
    if (!(value > LEGIBLE)) return;
    const row = Math.floor(at / ink.width), column = at % ink.width;
    [top, bottom] = [Math.min(top, row), Math.max(bottom, row + 1)];
    [left, right] = [Math.min(left, column), Math.max(right, column + 1)];
  });
  return part(ink, top, bottom, left, right);
}

// Scale so that the longer side is 8 times that of the box, with an empty margin around.
function magnify(ink, margin) {
  const { width, height } = ink, scale = (FINE * BOX) / Math.max(width, height);
  const edge = Math.max(1, Math.ceil(margin / scale));
  const padded = part(ink, -edge, height + edge, -edge, width + edge);
  const [newWidth, newHeight] = [padded.width, padded.height]
    .map((side) => Math.max(1, round(side * scale)));
  return resize(padded, newWidth, newHeight);
}

const isInk = (value) => value > 0.5, isPaper = (value) => !isInk(value);

// In pixels of the box: across a stroke, the distance to its edge is a quarter of its width.
function strokeWidth(ink) {
  const fine = magnify(ink, FINE), squares = squaredDistances(fine, isPaper);
  let sum = 0, n = 0;
  fine.values.forEach((value, at) => {
    if (!isInk(value)) return;
    sum += Math.sqrt(squares[at]);
    n += 1;
  });
  return (4 * sum) / n / FINE;
}

// Move outlines until strokes are as wide as MNIST's, unless they nearly are.
function mendWidth(ink) {
  const width = strokeWidth(ink);
  if (KEPT[0] * STROKE <= width && width <= KEPT[1] * STROKE) return ink;
  const fine = magnify(ink, 2 * FINE * STROKE);
  const toPaper = squaredDistances(fine, isPaper), toInk = squaredDistances(fine, isInk);
  const move = Math.max(((STROKE - width) * BOX) / (BOX - STROKE) / 2, -0.3 * width);
  const values = fine.values.map((value, at) => {
    const inside = isInk(value) ? Math.sqrt(toPaper[at]) : 1 - Math.sqrt(toInk[at]);
    return Math.min(1, Math.max(0, inside + FINE * move));
  });
  return cropInk({ ...fine, values });
}

function toBox({ width, height, values }) {
  const scale = BOX / Math.max(width, height);
  const greys = mapped(Uint8ClampedArray, values, (value) => Math.fround(255 * value));
  const [newWidth, newHeight] = [width, height].map((side) => Math.max(1, round(side * scale)));
  return resize({ width, height, values: greys }, newWidth, newHeight);
}

// Centre of mass on pixel 14, by whole pixels, and no ink cut off.
function centreByMass(box) {
  let mass = 0, rows = 0, columns = 0;
  box.values.forEach((value, at) => {
    mass += value;
    rows += value * Math.floor(at / box.width);
    columns += value * (at % box.width);
  });
  const place = (sum, side) => Math.min(SIDE - side, Math.max(0, round(SIDE / 2 - sum / mass)));
  const top = place(rows, box.height), left = place(columns, box.width);
  return new Uint8Array(part(box, -top, SIDE - top, -left, SIDE - left).values);
}
