// Which ink on the sheet is a stroke, and which strokes make one digit: as mnist_course decides it
// (handwriting/ink.py and page.py). A 5 may come in two pieces; two digits are told apart.

const SMALL = 0.5, DIRT = 0.4; // heights of a digit: a piece of one; too small to be one

const most = (values) => values.reduce((a, b) => Math.max(a, b), 0);

function median(values) {
  const sorted = [...values].sort((a, b) => a - b), middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

// Number what is connected, corners included, from 1 in the order of reading; 0 is outside.
export function label({ width, height, values }, isIn) {
  const labels = new Int32Array(width * height), parts = [], stack = [];
  for (let seed = 0; seed < labels.length; seed++) {
    if (labels[seed] || !isIn(values[seed], seed)) continue;
    const part = { top: height, bottom: 0, left: width, right: 0, pixels: [] };
    labels[seed] = parts.push(part);
    stack.push(seed);
    while (stack.length) {
      const at = stack.pop(), row = Math.floor(at / width), column = at % width;
      part.pixels.push(at);
      part.top = Math.min(part.top, row);
      part.bottom = Math.max(part.bottom, row + 1);
      part.left = Math.min(part.left, column);
      part.right = Math.max(part.right, column + 1);
      for (let r = Math.max(0, row - 1); r <= Math.min(height - 1, row + 1); r++) {
        for (let c = Math.max(0, column - 1); c <= Math.min(width - 1, column + 1); c++) {
          const next = r * width + c;
          if (labels[next] || !isIn(values[next], next)) continue;
          labels[next] = parts.length;
          stack.push(next);
        }
      }
    }
  }
  return { labels, parts };
}

// Tell strokes from frames and specks; each part has `full`, the contrast of its ink.
export function strokesAmong(parts, { width, height }) {
  const side = Math.max(width, height), margin = Math.floor(side / 100);
  const seen = parts.map((part) => {
    const tall = part.bottom - part.top, wide = part.right - part.left;
    const size = Math.max(tall, wide), area = part.pixels.length;
    const touches = Math.min(part.top, part.left) <= margin
      || part.bottom >= height - margin || part.right >= width - margin;
    let frame = false;
    if (tall > 0.5 * height && wide > 0.5 * width) {
      const nearEdge = part.pixels.filter((at) => {
        const down = (Math.floor(at / width) - part.top) / tall;
        const across = ((at % width) - part.left) / wide;
        return Math.min(down, 1 - down, across, 1 - across) < 0.1;
      });
      frame = nearEdge.length > 0.9 * area;
    }
    const thin = Math.min(tall, wide) < 0.06 * side;
    const long = tall > 0.5 * height || wide > 0.5 * width;
    frame ||= touches && long && (thin || area < 0.03 * tall * wide || size > 0.9 * side);
    return { part, size, area, touches, frame };
  });
  const fullest = most(parts.map((part) => part.full));
  let written = seen.filter((one) => !one.frame && one.part.full > 0.3 * fullest);
  if (!written.some((one) => one.size > 0.08 * side)) written = seen; // it fills the sheet
  const weight = ({ part, area, touches }) => part.full * area * (touches ? 0.2 : 1);
  const main = written.reduce((best, one) => (weight(one) > weight(best) ? one : best));
  written = written.filter((one) => one.part.full > 0.45 * main.part.full);
  const [largest, widest] = ["size", "area"].map((name) => most(written.map((one) => one[name])));
  written = written.filter((one) => one.size > 0.15 * largest || one.area > 0.05 * widest);
  return written.map((one) => one.part);
}

const tallOf = (box) => box.bottom - box.top;

function heightOf(boxes) {
  const heights = boxes.map(tallOf), least = SMALL * most(heights);
  return median(heights.filter((height) => height >= least));
}

const around = (boxes) => ({
  top: Math.min(...boxes.map(({ top }) => top)),
  bottom: Math.max(...boxes.map(({ bottom }) => bottom)),
  left: Math.min(...boxes.map(({ left }) => left)),
  right: Math.max(...boxes.map(({ right }) => right)),
});

// Tell for two pieces how far their boxes are apart, and whether they belong to one digit.
function compare(a, b, unit) {
  const down = Math.max(a.top, b.top) - Math.min(a.bottom, b.bottom); // negative: they overlap
  const across = Math.max(a.left, b.left) - Math.min(a.right, b.right);
  const overlap = -across / Math.min(a.right - a.left, b.right - b.left);
  const bothTall = Math.min(tallOf(a), tallOf(b)) > 0.8 * unit;
  const stacked = overlap > 0.5 && down < 0.35 * unit;
  const crossed = overlap > (bothTall ? 0.5 : 0.25) && down < 0;
  const sideBySide = bothTall && down < -0.2 * unit;
  const broken = Math.max(down, across) < 0.1 * unit && !sideBySide;
  return { gap: Math.max(down, across, 0), joined: stacked || crossed || broken };
}

// Put the pieces of each digit together: lists of their indices. What is too small is left out.
export function digitsAmong(parts) {
  const unit = heightOf(parts);
  const small = parts.map((part) => tallOf(part) < SMALL * unit);
  const links = [];
  parts.forEach((part, i) => {
    let nearest = -1, distance = Infinity;
    parts.forEach((other, j) => {
      if (i === j) return;
      const { gap, joined } = compare(part, other, unit);
      if (joined) links.push([i, j]);
      const away = gap + (small[j] ? unit : 0); // to a digit, rather than to a piece
      if (away < distance) [nearest, distance] = [j, away];
    });
    if (small[i] && distance < 0.4 * unit) links.push([i, nearest]);
  });
  const group = parts.map((_, i) => i);
  for (const [i, j] of links) {
    const [from, to] = [group[i], group[j]];
    group.forEach((one, k) => { if (one === from) group[k] = to; });
  }
  const digits = [...new Set(group)].map((one) => {
    const members = parts.map((_, i) => i).filter((i) => group[i] === one);
    return { members, ...around(members.map((i) => parts[i])) };
  });
  const typical = heightOf(digits);
  return digits.filter((box) => Math.max(tallOf(box), box.right - box.left) > DIRT * typical);
}
