// Strokes as pixels. Pillow draws them in Python, and the same picture has to come out here,
// whatever the browser: so this does what Pillow does, down to how it rounds.

export const SHEET = 280; // points along each side of what is drawn on
export const BRUSH = 22;
const FINER = 4; // times finer than the sheet are strokes drawn, for soft edges
const SIDE = SHEET * FINER, WIDTH = BRUSH * FINER, RADIUS = WIDTH / 2;
// Half the width of each row of a disc, from its middle: Pillow walks around it pixel by pixel, and
// each step goes where the circle is nearest.
const DISC = [];
for (let x = RADIUS, y = 0; y <= RADIUS;) {
  DISC[y] ??= x;
  const away = ([right, up]) => Math.abs(right ** 2 + up ** 2 - RADIUS ** 2);
  const steps = [[x, y + 1], [x - 1, y + 1], [x - 1, y]].filter(([right]) => right >= 0);
  [x, y] = steps.reduce((best, step) => (away(step) < away(best) ? step : best));
}

const halfUp = (x) => Math.sign(x) * Math.floor(Math.abs(x) + 0.5);
const halfDown = (x) => Math.sign(x) * Math.ceil(Math.abs(x) - 0.5);

// A sheet that is given all strokes each time and draws only those that were not there before. It
// returns { width, height, values } of 280 × 280 greys: ink is bright. A stroke is a list of points
// [x, y] that stays as it is.
export function drawer() {
  const ink = new Uint8Array(SIDE * SIDE);
  let drawn = [];
  function fillRow(row, from, to) {
    if (row < 0 || row >= SIDE) return;
    const start = Math.max(0, from), stop = Math.min(SIDE, to + 1);
    if (start < stop) ink.fill(1, row * SIDE + start, row * SIDE + stop);
  }
  function drawStroke(points) {
    const fine = points.map((point) => point.map((at) => Math.trunc(at * FINER)));
    fine.forEach(([x, y], i) => {
      DISC.forEach((half, away) => {
        fillRow(y - away, x - half, x + half);
        fillRow(y + away, x - half, x + half);
      });
      if (i) fillQuad(corners(...fine[i - 1], x, y), fillRow);
    });
  }
  return (strokes) => {
    if (!drawn.every((points, i) => points === strokes[i])) { // some were taken back
      ink.fill(0);
      drawn = [];
    }
    strokes.slice(drawn.length).forEach(drawStroke);
    drawn = [...strokes];
    return { width: SHEET, height: SHEET, values: reduce(ink) };
  };
}

// The four corners of a line as wide as the brush.
function corners(x0, y0, x1, y1) {
  const dx = x1 - x0, dy = y1 - y0, length = Math.hypot(dx, dy) || 1;
  const [most, least] = [halfUp, halfDown].map((way) => way((WIDTH - 1) / 2) / length);
  const left = halfDown(least * dy), right = halfDown(most * dy);
  const up = halfUp(least * dx), down = halfUp(most * dx);
  return [
    [x0 - left, y0 + down], [x1 - left, y1 + down], [x1 + right, y1 - up], [x0 + right, y0 - up],
  ];
}

function fillQuad(quad, fillRow) {
  const rows = quad.map(([, y]) => y);
  for (let row = Math.min(...rows); row <= Math.max(...rows); row++) {
    let from = Infinity, to = -Infinity;
    quad.forEach(([x0, y0], i) => {
      const [x1, y1] = quad[(i + 1) % 4];
      if (row < Math.min(y0, y1) || row > Math.max(y0, y1)) return;
      const places = y0 === y1 ? [x0, x1] : [x0 + ((row - y0) * (x1 - x0)) / (y1 - y0)];
      from = Math.min(from, ...places);
      to = Math.max(to, ...places);
    });
    fillRow(row, Math.floor(from + 0.5), Math.ceil(to - 0.5));
  }
}

// The mean of 4 × 4 fine pixels.
function reduce(ink) {
  const values = new Uint8ClampedArray(SHEET * SHEET);
  for (let row = 0, at = 0; row < SHEET; row++) {
    for (let column = 0; column < SHEET; column++, at++) {
      let sum = 0, corner = row * FINER * SIDE + column * FINER;
      for (let down = 0; down < FINER; down++, corner += SIDE) {
        sum += ink[corner] + ink[corner + 1] + ink[corner + 2] + ink[corner + 3];
      }
      values[at] = Math.floor((255 * sum) / FINER ** 2 + 0.5);
    }
  }
  return values;
}
